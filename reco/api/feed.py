"""GET /v1/feed: the ranked agenda of one person around a place."""

from secrets import randbits
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Header, Query

from reco.api.access import KnownCaller, Now, WorkerOfApp
from reco.api.examples import FEED, shown
from reco.api.identifiers import Identifier
from reco.api.json import Json
from reco.api.languages import language_of
from reco.api.problems import PROBLEM, PROBLEMS
from reco.feed.answer import FeedAnswer
from reco.feed.dials import FLOOR, INTENSITY, MAX_INTENSITY, MAX_POINTS_A_BOOKING
from reco.feed.query import feed_query
from reco.moments import moment_from

router = APIRouter(prefix="/v1", tags=["feed"])

_SEED_BITS = 53
"""As many as a number in JSON keeps, wherever it is read."""

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
    floor: Annotated[
        float | None,
        Query(
            description="Share, from 0 to 1, of the likeliest slate's relevance to keep while the"
            f" slate widens the horizon; 1: the likeliest slate itself. Default: {FLOOR}, or what"
            " an experiment gives the person; who says it is not counted in one."
        ),
    ] = None,
    intensity: Annotated[
        float | None,
        Query(
            description="Slates like this one that the person is expected to see, from 1 to"
            f" {MAX_INTENSITY:.0f}: the more, the less a second offer of one new category adds."
            f" Default: as for the floor, {INTENSITY:g}."
        ),
    ] = None,
    points_a_booking: Annotated[
        float | None,
        Query(
            description="Price of relevance: points that an expected booking counts beside those"
            f" that it earns, above 0 and at most {MAX_POINTS_A_BOOKING:.0f}: the higher, the"
            " likelier the slate. Without a floor it has none, and a floor without it no price."
            " Default: as for the floor, no price."
        ),
    ] = None,
    min_new_categories: Annotated[
        int,
        Query(
            description="Categories that the person has not met and the slate must have, from 0 to"
            " n; as many as can be booked."
        ),
    ] = 0,
    plan: Annotated[
        bool,
        Query(
            description="An agenda to keep: no two offers of the page at the same time, each with"
            " the session that is planned. A session without an end is taken to last two hours."
        ),
    ] = False,
    lang: Annotated[
        str | None,
        Query(description="Of the explanations: fr or en. Default: by Accept-Language, else fr."),
    ] = None,
    cursor: Annotated[
        str | None, Query(description="`next_cursor` of the page before; good for 30 minutes.")
    ] = None,
    accept_language: Annotated[str | None, Header(include_in_schema=False)] = None,
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
        intensity=intensity,
        points_a_booking=points_a_booking,
        served=worker.settings.dials,
        min_new_categories=min_new_categories,
        plan=plan,
        language=language_of(lang, accept_language),
        exploration=worker.exploration,
        seed=randbits(_SEED_BITS),
    )
    return Json(worker.feed(query, cursor))
