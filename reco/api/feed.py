"""GET /v1/feed: the ranked agenda of one person around a place."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from reco.api.access import KnownCaller, Now, WorkerOfApp
from reco.api.examples import FEED, shown
from reco.api.identifiers import Identifier
from reco.api.json import Json
from reco.api.problems import PROBLEM, PROBLEMS
from reco.feed.answer import FeedAnswer
from reco.feed.query import feed_query
from reco.moments import moment_from

router = APIRouter(prefix="/v1", tags=["feed"])

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: shown(FeedAnswer, FEED),
    410: {"description": "The cursor is over", **PROBLEM},
    **PROBLEMS,
}


@router.get("/feed", responses=_ANSWERS)
def feed(
    worker: WorkerOfApp,
    now: Now,
    caller: KnownCaller,
    *,
    user_id: Annotated[Identifier | None, Query(description="With a token: its own.")] = None,
    lat: Annotated[float | None, Query(description="Degrees; default: home.")] = None,
    lon: Annotated[float | None, Query(description="Degrees.")] = None,
    radius_km: Annotated[
        float | None, Query(description="Up to 200; default 50, wider where little is on.")
    ] = None,
    from_: Annotated[
        str | None, Query(alias="from", description="Date or time that sessions begin at or after.")
    ] = None,
    to: Annotated[
        str | None, Query(description="Date (included) or time that sessions begin before.")
    ] = None,
    max_price_eur: Annotated[float | None, Query()] = None,
    category: Annotated[list[str] | None, Query(description="May be repeated.")] = None,
    n: Annotated[int, Query(description="Length of the slate, 1 to 100.")] = 20,
    floor: Annotated[float, Query(description="Share of the best relevance to keep.")] = 0.95,
    cursor: Annotated[
        str | None, Query(description="`next_cursor` of the page before; good for 30 minutes.")
    ] = None,
) -> Json:
    """What one person can book, best first; nothing sold out, past, too dear or shown before."""
    zone = ZoneInfo(worker.settings.timezone)
    query = feed_query(
        now=now,
        default_radius_m=worker.settings.radius_m,
        user_id=caller.user(user_id),
        lat=lat,
        lon=lon,
        radius_km=radius_km,
        starts_from=moment_from(from_, "from", zone) if from_ else None,
        starts_before=moment_from(to, "to", zone, end_of_day=True) if to else None,
        max_price_eur=max_price_eur,
        categories=category or (),
        n=n,
        floor=floor,
    )
    return Json(worker.feed(query, cursor))
