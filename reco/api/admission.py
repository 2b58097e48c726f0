"""Who may not ask is told that (401), before anything that is wrong with what was asked."""

from collections.abc import Callable, Iterable
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute

from reco.api.access import ABOUT_A_PERSON, NEED_A_CALLER, check_caller
from reco.api.document import parts_of


class Admission:
    """Looks at who sent a request that is refused: a body or a query is read before its key.

    What the endpoints of `routes` ask of a caller is worked out once, from what they depend on.
    """

    def __init__(self, routes: Iterable[APIRoute]) -> None:
        self._asks_for: dict[Callable[..., Any], set[Callable[..., Any] | None]] = {
            route.endpoint: {part.call for part in parts_of(route.dependant)} for route in routes
        }

    async def check(self, request: Request) -> None:
        """Pass a request whose endpoint answers who sent it, or anybody.

        Raises
        ------
        Unauthorized
            Its endpoint does not answer that key or token, or needs one.
        Unavailable
            The database does not say whose it is.
        """
        endpoint: Any = request.scope.get("endpoint")
        calls = self._asks_for.get(endpoint, set())
        if calls & NEED_A_CALLER:
            await check_caller(request, is_about_a_person=bool(calls & ABOUT_A_PERSON))
