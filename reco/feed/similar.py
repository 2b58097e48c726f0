"""Offers like a given one, around it, and a single offer: nobody in particular asks."""

from datetime import datetime
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from features.interactions import encoded_ids
from reco.catalogue.cards import NO_CARDS
from reco.core.deposits import UNLIMITED
from reco.errors import NotFound
from reco.feed.answer import FeedItem
from reco.feed.candidates import Candidates, Sweep, sweep_of
from reco.feed.generation import Generation
from reco.feed.popular import popular_around, popular_near
from reco.feed.present import offer_item
from reco.feed.query import FeedQuery, Filters
from reco.feed.readback import ALL_SESSIONS, LiveOffer, asked_within, read_live, read_offers
from reco.feed.situation import Situation
from reco.feed.slate import choose
from reco.feed.state import UserState
from reco.feed.surroundings import Surroundings, look_around
from reco.geo.points import MAX_RADIUS_M, Point

ANYONE = UserState(None, (), (), UNLIMITED)
"""A guest: nothing booked, no limit of credit."""
_SPARE = 10


def read_offer(connection: psycopg.Connection[Any], offer_id: str, now: datetime) -> FeedItem:
    """Return one published offer with the sessions that can be booked, up to `ALL_SESSIONS`.

    Raises
    ------
    NotFound
        There is no such offer, or it is not published at `now`.
    """
    return offer_item(_published(connection, offer_id, now))


def similar_offers(
    connection: psycopg.Connection[Any],
    serving: Generation,
    offer_id: str,
    *,
    n: int,
    now: datetime,
    radius_m: float,
) -> tuple[FeedItem, ...]:
    """Return up to `n` bookable offers of the items most like that of `offer_id`, around it.

    Likeness is the model's; where it cannot say, the same category and what is booked most.

    Raises
    ------
    NotFound
        There is no such offer, or it is not published at `now`.
    """
    of = _published(connection, offer_id, now)
    around = _around(connection, serving, of, radius_m)
    query = _question(around.here, radius_m, n, now)
    with serving.workspace.scratches.lent(len(serving.catalogue.items)) as scratch:
        here = Situation(query, ANYONE, around)
        sweep = sweep_of(serving.catalogue, here, scratch, serving.costs)
        candidates = sweep.everything().everything()
        order = _by_likeness(serving, sweep, candidates, of)
    chosen = choose(order, [], n + _SPARE)
    ids = candidates.offer_id[chosen].tolist()
    live = read_offers(connection, serving.catalogue.cards, ids, query, ANYONE.credit)
    items = [
        offer_item(live[offer], distance_m=_finite(candidates.distance_m[row]))
        for offer, row in zip(ids, chosen, strict=True)
        if offer in live and live[offer].sessions
    ]
    return tuple(items[:n])


def _published(connection: psycopg.Connection[Any], offer_id: str, now: datetime) -> LiveOffer:
    row = connection.execute(
        "select id from core.offer where external_id = %s", (offer_id,)
    ).fetchone()
    if row is None:
        raise NotFound("offer", offer_id)
    is_any = asked_within(Filters(), ANYONE.credit)
    live = read_live(connection, NO_CARDS, row, now, is_any, most_sessions=ALL_SESSIONS)
    if row[0] not in live:
        raise NotFound("offer", offer_id)
    return live[row[0]]


def _question(here: Point | None, radius_m: float, n: int, now: datetime) -> FeedQuery:
    """Return what anyone might ask there: no filter, live."""
    return FeedQuery(None, here, radius_m, MAX_RADIUS_M, Filters(), n, 1.0, now)


def _around(
    connection: psycopg.Connection[Any], serving: Generation, of: LiveOffer, radius_m: float
) -> Surroundings:
    if of.lon is None or of.lat is None:
        return Surroundings.nowhere(radius_m)
    return look_around(connection, serving, Point(of.lon, of.lat), "offer", radius_m)


def _by_likeness(
    serving: Generation, sweep: Sweep, candidates: Candidates, of: LiveOffer
) -> NDArray[np.int64]:
    catalogue = serving.catalogue
    others = catalogue.items.item_external_id[candidates.item] != encoded_ids([of.item_id])[0]
    kinds = [key for key, name in catalogue.categories.items() if name == of.category]
    same_kind = np.isin(catalogue.items.item_category[candidates.item], kinds)
    popular = popular_near(*popular_around(sweep), candidates)
    like = np.nan_to_num(_likeness(serving, candidates, of), nan=-np.inf)
    item_id = catalogue.items.item_id[candidates.item]
    order = np.lexsort((item_id, -popular, ~same_kind, -like))
    return np.asarray(order[others[order]], dtype=np.int64)


def _likeness(serving: Generation, candidates: Candidates, of: LiveOffer) -> NDArray[np.float64]:
    unknown = np.full(len(candidates), np.nan)
    if serving.model is None:
        return unknown
    row = int(serving.model.item_rows(encoded_ids([of.item_id]))[0])
    return unknown if row < 0 else serving.model.similar(row, serving.model_rows[candidates.item])


def _finite(distance_m: np.float64) -> float | None:
    return None if np.isnan(distance_m) else float(distance_m)
