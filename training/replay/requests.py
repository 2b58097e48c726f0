"""Slates on record with the questions that they answered, to be replayed as they were asked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.rows import dict_row

from features.horizon import unmet_after
from reco.catalogue.rows import rows_of
from reco.db.arrays import stream_arrays
from reco.experiments.exposure import Exposure
from reco.feed.query import FeedQuery, Filters
from reco.feed.situation import Situation
from reco.feed.state import UserState, credit_of
from reco.feed.surroundings import Surroundings
from reco.geo.points import Point
from training.replay.past import Past
from training.replay.readback import described
from training.replay.recorded import OFFER_IDS
from training.replay.slates import Moment

# Slates of before it was kept how far they were to look cannot be asked again.
_SLATES = """
select s.id, s.at, s.user_id, u.external_id as name, s.model_version, s.query, s.seed,
  st_x(s.location::geometry) as lon, st_y(s.location::geometry) as lat, s.experiment, s.variant,
  s.relevance_kept, s.catalogue_version, s.offers, s.probabilities, s.propensities
from reco.slate s left join core.beneficiary u on u.id = s.user_id
where s.at >= %s and s.at < %s and s.query ? 'widest_m' and (%s or s.id = any(%s))
order by s.at, s.id
"""


@dataclass(frozen=True)
class Request:
    """What was asked, and the slate of N offers that was shown."""

    slate_id: UUID
    user: int | None
    """Row in the past; None: a guest, or somebody whom the core does not know."""
    query: FeedQuery
    """As it was answered: with the floor, intensity and price of an experiment's variant."""
    model_version: str
    catalogue: str
    """Of which build it was, whatever has changed in it since."""
    offers: NDArray[np.int64]
    """(N,) ids in the past."""
    probabilities: NDArray[np.float64]
    propensities: NDArray[np.float64]
    relevance_kept: float


def recorded_requests(
    connection: psycopg.Connection[Any],
    past: Past,
    since: datetime,
    until: datetime,
    slates: Collection[UUID] | None = None,
) -> list[Request]:
    """Return the slates of a period, by time; `past` is that of the same database.

    Parameters
    ----------
    slates
        Those that are wanted; None: all.
    """
    known = np.asarray(stream_arrays(connection, OFFER_IDS, {"id": "int8"})["id"], dtype=np.int64)
    row = {name: at for at, name in enumerate(past.people.names)}
    rows = (
        connection.cursor(row_factory=dict_row)
        .execute(_SLATES, (since, until, slates is None, list(slates or ())))
        .fetchall()
    )
    return [_request(past, known, row.get(told["name"]), told) for told in rows]


def situation_of(moment: Moment, request: Request) -> Situation:
    """Return a request at its `moment`, before surroundings that are sparse are looked beyond."""
    query, user = request.query, request.user
    state = UserState(None, (), (), credit_of(None, (), query.now))
    if user is not None:
        state = moment.biographer.state_at(user, query.now)
    if query.location is None:
        return Situation(query, state, Surroundings.nowhere(query.radius_m))
    return Situation(query, state, moment.look(query.location, "request", query.radius_m))


def _request(
    past: Past, known: NDArray[np.int64], user: int | None, told: Mapping[str, Any]
) -> Request:
    kept = told["query"]
    query = replace(
        _asked(kept, told["at"]),
        user_id=told["name"],
        location=None if told["lon"] is None else Point(told["lon"], told["lat"]),
        seed=told["seed"],
        exposure=Exposure(told["experiment"], told["variant"]) if told["experiment"] else None,
    )
    shown = _ids(known, kept["shown_offers"])
    return Request(
        slate_id=told["id"],
        user=user,
        query=_continued(past, query, shown, kept["shown_probabilities"]),
        model_version=told["model_version"],
        catalogue=told["catalogue_version"].partition("+")[0],
        offers=_ids(known, told["offers"]),
        probabilities=np.array(told["probabilities"], dtype=np.float64),
        propensities=np.array(told["propensities"], dtype=np.float64),
        relevance_kept=told["relevance_kept"],
    )


def _asked(kept: Mapping[str, Any], at: datetime) -> FeedQuery:
    """Return the question of a record without the person, the place and the pages before."""
    return FeedQuery(
        user_id=None,
        location=None,
        radius_m=kept["radius_m"],
        widest_m=kept["widest_m"],
        filters=Filters(
            tuple(kept["categories"]),
            kept["max_price_cents"],
            kept["from"] and datetime.fromisoformat(kept["from"]),
            kept["to"] and datetime.fromisoformat(kept["to"]),
        ),
        n=kept["n"],
        floor=kept["floor"],
        now=at,
        as_of=at,
        intensity=kept["intensity"],
        # No slate of before prices were asked for has one.
        points_a_booking=kept.get("points_a_booking", 0.0),
        min_new_categories=kept["min_new_categories"],
        # Nor has one this quota.
        max_per_category=kept.get("max_per_category"),
        plan=kept["plan"],
        exploration=kept["exploration"],
    )


def _continued(
    past: Past, query: FeedQuery, shown: NDArray[np.int64], probabilities: Sequence[float]
) -> FeedQuery:
    """Return `query` as the page after those that had shown offers, ids in the past."""
    # What the database has no more says nothing of what it brought.
    told = {
        offer: chance for offer, chance in zip(shown.tolist(), probabilities, strict=True) if offer
    }
    rows = [offer - 1 for offer in told]
    return replace(
        query,
        shown_offers=told,
        shown_items=frozenset((past.offers.item[rows] + 1).tolist()),
        unmet=unmet_after([described(past, row).values for row in rows], list(told.values())),
    )


def _ids(known: NDArray[np.int64], offers: Sequence[int]) -> NDArray[np.int64]:
    """Return the ids in the past of offers of the database, whose ids are `known` (O,); 0: gone."""
    return np.asarray(rows_of(known, np.array(offers, dtype=np.int64)) + 1, dtype=np.int64)
