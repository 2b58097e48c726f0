"""GET /v1/feed: the ranked agenda of one person around a place."""

import asyncio
from datetime import datetime
from secrets import randbits
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from reco.api.access import Caller, FeedCaller, Now, WorkerOfApp
from reco.api.asked import AskedAs, told_as
from reco.api.examples import FEED, shown
from reco.api.identifiers import Identifier
from reco.api.json import Json
from reco.api.languages import language_of
from reco.api.problems import PROBLEMS, problem_shown
from reco.api.zones import TZ, zone_asked
from reco.feed.answer import FeedAnswer
from reco.feed.cursor import MAX_SHOWN
from reco.feed.dials import FLOOR, INTENSITY, MAX_INTENSITY, MAX_POINTS_A_BOOKING
from reco.feed.query import FeedQuery, feed_query
from reco.moments import moment_from
from reco.worker import Worker

router = APIRouter(prefix="/v1", tags=["feed"])

_SEED_BITS = 53
"""As many as a number in JSON keeps, wherever it is read."""

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: shown(FeedAnswer, FEED),
    **problem_shown(410, "The cursor is over"),
    **PROBLEMS,
}


class FeedParameters(BaseModel):
    """What a feed is asked for."""

    user_id: Annotated[Identifier | None, Field(description="With a token: its own.")] = None
    lat: Annotated[float | None, Field(description="Degrees; default: home.")] = None
    lon: Annotated[float | None, Field(description="Degrees.")] = None
    radius_km: Annotated[
        float | None, Field(description="Up to 200; default 50, wider where little is on.")
    ] = None
    from_: Annotated[
        str | None,
        Field(
            alias="from",
            description="Date or time that sessions begin at or after. What has no date can be had"
            " on any day, and stays.",
        ),
    ] = None
    to: Annotated[
        str | None,
        Field(
            description="Date (included) or time that sessions begin before. What has no date"
            " stays, too."
        ),
    ] = None
    tz: Annotated[str | None, Field(description=TZ)] = None
    max_price_eur: float | None = None
    category: Annotated[list[str] | None, Field(description="May be repeated.")] = None
    n: Annotated[int, Field(description="Length of the slate, 1 to 100.")] = 20
    floor: Annotated[
        float | None,
        Field(
            description="Share, from 0 to 1, of the likeliest slate's relevance to keep while the"
            f" slate widens the horizon; 1: the likeliest slate itself. Default: {FLOOR}, or what"
            " an experiment gives the person; who says it is not counted in one."
        ),
    ] = None
    intensity: Annotated[
        float | None,
        Field(
            description="Slates like this one that the person is expected to see, from 1 to"
            f" {MAX_INTENSITY:.0f}: the more, the less a second offer of one new category adds."
            f" Default: as for the floor, {INTENSITY:g}."
        ),
    ] = None
    points_a_booking: Annotated[
        float | None,
        Field(
            description="Price of relevance: points that an expected booking counts beside those"
            f" that it earns, above 0 and at most {MAX_POINTS_A_BOOKING:.0f}: the higher, the"
            " likelier the slate. Without a floor it has none, and a floor without it no price."
            " Default: as for the floor, no price."
        ),
    ] = None
    min_new_categories: Annotated[
        int,
        Field(
            description="Categories that the person has not met and the slate must have, from 0 to"
            " n; as many as can be booked."
        ),
    ] = 0
    max_per_category: Annotated[
        int | None,
        Field(
            description="Offers of one category that the slate may have, from 1 to n, while others"
            " can take the place. Default: as many as it likes."
        ),
    ] = None
    plan: Annotated[
        bool,
        Field(
            description="An agenda to keep: no two offers of the page at the same time, each with"
            " the session that is planned. A session without an end, or that ends no later than it"
            " begins, is taken to last two hours."
        ),
    ] = False
    lang: Annotated[
        str | None,
        Field(description="Of the explanations: fr or en. Default: by Accept-Language, else fr."),
    ] = None
    cursor: Annotated[
        str | None,
        Field(
            description="`next_cursor` of the page before; good for 30 minutes. There is none once"
            f" {MAX_SHOWN} offers or more were shown."
        ),
    ] = None


Asked = Annotated[FeedParameters, Depends(AskedAs(FeedParameters))]


@router.get("/feed", responses=_ANSWERS, openapi_extra=told_as(FeedParameters))
async def feed(
    request: Request, worker: WorkerOfApp, now: Now, caller: FeedCaller, asked: Asked
) -> Json:
    """What one person can book, best first; nothing sold out, past, too dear or shown before.

    Each offer has up to eight sessions, the first that suit and the cheapest; where there are more
    (`sessions_total`), `GET /v1/offers/{id}` has all that can be booked.

    Where very much was withdrawn or sold out seconds ago, the note `cut_short` says that the slate
    may be short, or empty, and keep less than the floor, though there is more: ask again in a few
    seconds, or follow `next_cursor`, which such a page has, too, unless it is empty.
    """
    language = language_of(asked.lang, request.headers.get("accept-language"))

    def answered() -> Json:
        query = _query(worker, now, caller, asked, language)
        return Json(worker.feed(query, asked.cursor))

    # In a thread of the loop's own: those of the framework take longer to be asked.
    return await asyncio.to_thread(answered)


def _query(
    worker: Worker, now: datetime, caller: Caller, asked: FeedParameters, language: str
) -> FeedQuery:
    zone = zone_asked(asked.tz, worker)
    return feed_query(
        now=now,
        default_radius_m=worker.settings.radius_m,
        user_id=caller.user(asked.user_id),
        lat=asked.lat,
        lon=asked.lon,
        radius_km=asked.radius_km,
        starts_from=moment_from(asked.from_, "from", zone) if asked.from_ else None,
        starts_before=moment_from(asked.to, "to", zone, end_of_day=True) if asked.to else None,
        max_price_eur=asked.max_price_eur,
        categories=asked.category or (),
        n=asked.n,
        floor=asked.floor,
        intensity=asked.intensity,
        points_a_booking=asked.points_a_booking,
        served=worker.settings.dials,
        min_new_categories=asked.min_new_categories,
        max_per_category=asked.max_per_category,
        plan=asked.plan,
        language=language,
        exploration=worker.exploration,
        seed=randbits(_SEED_BITS),
        # Looked at where the person is read (`FeedCaller`).
        account="any" if caller.user_id is None else caller.account,
    )
