"""Only what an endpoint declares may be asked: any other parameter of a query is refused.

So is a second one where one may come. Passed over, a filter that is misspelt would be answered as
if nothing had been asked.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from reco.api.asked import AskedAs, may_repeat
from reco.api.document import parts_of
from reco.errors import InvalidInput

_BELOW = "/v1/"
"""Whoever asks if a process lives may ask as they like."""
_ALSO_CALLED = {
    "lat": "latitude",
    "lon": "lng long longitude",
    "radius_km": "radius distance",
    "n": "limit count size per_page page_size",
    "cursor": "page offset",
    "q": "query search text",
    "from": "start since after",
    "to": "end until before",
    "lang": "language locale",
    "tz": "timezone",
}
"""What others call what is asked for here: little of it looks like our name, or like that alone."""


class DeclaredOnly:
    """Refuses what the endpoint of a request does not declare: for an application to depend on.

    What the endpoints of `routes` declare is worked out once, from what their dependencies read.
    """

    def __init__(self, routes: Iterable[APIRoute]) -> None:
        self._declared: dict[Callable[..., Any], Declared] = {
            route.endpoint: Declared.by(route.dependant)
            for route in routes
            if route.path.startswith(_BELOW)
        }

    async def __call__(self, request: Request) -> None:
        """Pass `request`, or refuse it.

        Raises
        ------
        InvalidInput
            Names the first parameter that is none of the endpoint's, or that comes too often.
        """
        declared = self._declared.get(request.scope["endpoint"])
        if declared is None:
            return
        wrong = declared.fault([name for name, _ in request.query_params.multi_items()])
        if wrong is not None:
            raise wrong


@dataclass(frozen=True)
class Declared:
    """What the query of one endpoint may have."""

    names: frozenset[str]
    repeated: frozenset[str]
    """Those that may come several times."""

    @classmethod
    def by(cls, dependant: Dependant) -> "Declared":
        """Return what an endpoint declares, itself and by all that it depends on."""
        repeats: dict[str, bool] = {}
        for part in parts_of(dependant):
            for field in part.query_params:
                repeats[field.alias] = may_repeat(field.field_info.annotation)
            if isinstance(part.call, AskedAs):
                repeats |= part.call.repeats
        return cls(
            frozenset(repeats),
            frozenset(name for name, may in repeats.items() if may),
        )

    def fault(self, asked: Sequence[str]) -> InvalidInput | None:
        """Return what is wrong with a query of these names, in their order; None: nothing."""
        distinct = set(asked)
        if len(distinct) == len(asked) and distinct <= self.names:
            return None
        met: set[str] = set()
        for name in asked:
            if name not in self.names:
                return _unknown(name, sorted(self.names))
            if name in met and name not in self.repeated:
                return InvalidInput(name, f"it comes {asked.count(name)} times, and may come once")
            met.add(name)
        return None


def _unknown(name: str, accepted: Collection[str]) -> InvalidInput:
    if not name:
        return InvalidInput("query", "a parameter without a name was sent", tuple(accepted))
    reason = "is no parameter of this endpoint"
    if not accepted:
        reason += ", which has none"
    if meant := _meant(name, accepted):
        reason += f"; perhaps {meant} is meant"
    return InvalidInput(name, reason, tuple(accepted))


def _meant(name: str, accepted: Collection[str]) -> str | None:
    known = [one for one in accepted if name.lower() in _ALSO_CALLED.get(one, "").split()]
    return next(iter(known or get_close_matches(name, accepted, n=1)), None)
