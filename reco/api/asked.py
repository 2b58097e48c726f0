"""A query's parameters, declared by a model and read by it at once.

FastAPI reads them one by one, which takes longer than all the rest of a request's frame.
"""

from typing import Any, Generic, TypeVar, get_args, get_origin

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


class AskedAs(Generic[Model]):
    """What reads a request's query as `model`, to depend on.

    A parameter that comes several times is a list where the model has one. What does not fit is
    told as FastAPI tells it. Parameters that the model lacks, and several of one that may come
    once, are refused before (`reco.api.declared`).
    """

    def __init__(self, model: type[Model]) -> None:
        self._model = model
        self.repeats = {
            info.alias or name: may_repeat(info.annotation)
            for name, info in model.model_fields.items()
        }
        """Each parameter, and whether it may come several times."""

    async def __call__(self, request: Request) -> Model:
        """Return what `request` asks.

        Raises
        ------
        RequestValidationError
            A value does not fit, or one that is needed is missing.
        """
        asked: dict[str, Any] = {}
        for name, value in request.query_params.multi_items():
            if self.repeats.get(name):
                asked.setdefault(name, []).append(value)
            else:
                asked[name] = value
        try:
            return self._model.model_validate(asked)
        except ValidationError as error:
            wrong = error.errors(include_url=False)
            raise RequestValidationError(
                [{**one, "loc": ("query", *one["loc"])} for one in wrong]
            ) from error


def may_repeat(annotation: Any) -> bool:
    """Say whether a parameter of this type may come several times in a query.

    >>> may_repeat(list[str] | None), may_repeat(str | None)
    (True, False)
    """
    return any(get_origin(kind) is list for kind in (annotation, *get_args(annotation)))


def told_as(model: type[BaseModel]) -> dict[str, Any]:
    """Return what OpenAPI is told of such a query, as an operation's `openapi_extra`."""
    schema = model.model_json_schema()
    required = schema.get("required", ())
    parameters = []
    for name, declared in schema["properties"].items():
        shape = {key: value for key, value in declared.items() if (key, value) != ("default", None)}
        parameter = {"name": name, "in": "query", "required": name in required, "schema": shape}
        if "description" in shape:
            parameter["description"] = shape["description"]
        parameters.append(parameter)
    return {"parameters": parameters}
