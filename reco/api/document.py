"""What an application tells of its endpoints: the OpenAPI document, and what a path answers."""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope


class Documented(FastAPI):
    """An application whose document shows answers as they are sent.

    The framework leaves out of its document all that is null, also of examples: they would lack
    what their own schema requires. And it knows one route of a path at a time, not all its methods.
    """

    def __init__(self, *, routers: Sequence[APIRouter], **told: Any) -> None:
        """Include `routers`; the framework is told the rest."""
        super().__init__(**told)
        self._routes = routes_of(routers)
        for router in routers:
            self.include_router(router)

    def openapi(self) -> dict[str, Any]:
        """Return the document; made once."""
        if self.openapi_schema is None:
            paths = super().openapi()["paths"]
            for route in self._documented():
                for method in route.methods or ():
                    _restore(paths[route.path_format][method.lower()], route.responses)
        return super().openapi()

    def methods_at(self, scope: Scope) -> list[str]:
        """Return the methods that the path of a request has, of all routes that take it."""
        taken = [route for route in self._routes if route.matches(scope)[0] is not Match.NONE]
        methods = {method for route in taken for method in route.methods or ()}
        # `reco.api.heads`
        return sorted(methods | {"HEAD"} if "GET" in methods else methods)

    def _documented(self) -> list[APIRoute]:
        return [route for route in self._routes if route.include_in_schema]


def routes_of(routers: Sequence[APIRouter]) -> list[APIRoute]:
    """Return the routes of `routers`, in the order in which they are looked through."""
    routes = [route for router in routers for route in router.routes]
    return [route for route in routes if isinstance(route, APIRoute)]


def parts_of(dependant: Dependant) -> Iterator[Dependant]:
    """Give an endpoint's own part and all that it depends on."""
    yield dependant
    for one in dependant.dependencies:
        yield from parts_of(one)


def _restore(operation: dict[str, Any], answers: dict[int | str, dict[str, Any]]) -> None:
    """Put the examples of `answers`, by status, into what the document says of them."""
    for status, answer in answers.items():
        for kind, shown in answer.get("content", {}).items():
            if "example" in shown:
                operation["responses"][str(status)]["content"][kind]["example"] = shown["example"]
