"""A query's parameters, declared by a model and read by it at once.

FastAPI reads them one by one, which takes longer than all the rest of a request's frame.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, get_args, get_origin

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


def asked_as(model: type[Model]) -> Callable[[Request], Coroutine[Any, Any, Model]]:
    """Return what reads a request's query as `model`, to depend on.

    A parameter that comes several times is a list where the model has one, else the last counts.
    Those that the model lacks are passed over. What does not fit is told as FastAPI tells it.
    """
    lists = {
        info.alias or name
        for name, info in model.model_fields.items()
        if any(get_origin(kind) is list for kind in (info.annotation, *get_args(info.annotation)))
    }

    async def read(request: Request) -> Model:
        asked: dict[str, Any] = {}
        for name, value in request.query_params.multi_items():
            if name in lists:
                asked.setdefault(name, []).append(value)
            else:
                asked[name] = value
        try:
            return model.model_validate(asked)
        except ValidationError as error:
            wrong = error.errors(include_url=False)
            raise RequestValidationError(
                [{**one, "loc": ("query", *one["loc"])} for one in wrong]
            ) from error

    return read


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
