"""Slates on record of which it is known what came of them, for a ranker to learn from."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray

from reco.catalogue.rows import rows_of
from reco.db.arrays import stream_arrays
from reco.db.session import transaction
from reco.model.calibration import Calibration
from reco.model.loaded import LoadedModel
from training.replay.impressions import Answered, Impressions, impressions_of
from training.replay.recorded import OFFER_IDS, past_from_database
from training.replay.requests import recorded_requests
from training.split import aware
from training.standing import STANDS
from training.tune import Rehearsed

HORIZON = timedelta(days=7)
"""How long after a slate a booking of what it showed still comes of it."""
LEAST_BOOKED = 200
"""Bookings of shown offers from which on impressions teach; docs/ranker.md."""
MOST_SLATES = 6_000
"""Slates that are replayed, drawn at random; two in three with a booking."""

ReadImpressions = Callable[[Rehearsed, datetime, datetime], Impressions | None]
"""A rehearsal, and the first and the last moment of which bookings are known -> what was shown
between them long enough ago, told as the rehearsal scores it; None: too little."""

_NONE = np.empty(0, dtype=np.int64)

# A booking comes of the slate that it names, or else of the last one that showed the offer.
_BOOKED = """
with made as (
  select b.user_id, t.offer_id, b.booked_at, b.cancelled_at, b.slate_id
  from core.booking b join core.stock t on t.id = b.stock_id
  union all
  select user_id, offer_id, at, null, slate_id from core.interaction where kind = 'booking'
)
select s.id, b.offer_id
from made b
cross join lateral (
  select s.id, s.at, s.user_id, s.query from reco.slate s
  where s.user_id = b.user_id and b.offer_id = any(s.offers)
    and s.at >= %(since)s and s.at <= b.booked_at and s.at > b.booked_at - %(horizon)s
  order by (s.id = b.slate_id) is true desc, s.at desc, s.id limit 1
) s
where b.booked_at >= %(since)s and b.booked_at < %(until)s
  and s.at < %(last)s and not (s.query ->> 'plan')::boolean and s.query ? 'widest_m'
"""
_OTHERS = """
from reco.slate s
where s.at >= %(since)s and s.at < %(last)s and s.id <> all(%(booked)s)
  and cardinality(s.offers) > 0 and s.user_id is not null
  and not (s.query ->> 'plan')::boolean and s.query ? 'widest_m'
"""

_SHOWN_TO = """
select distinct s.user_id from reco.slate s
where s.at >= %(since)s and s.at < %(last)s and s.id = any(%(drawn)s)
"""


def read_impressions(
    conninfo: str,
    rehearsal: Rehearsed,
    since: datetime,
    until: datetime,
    least_booked: int = LEAST_BOOKED,
    *,
    cutoff: datetime | None = None,
) -> Impressions | None:
    """Return what the slates of a database showed since a moment, and what came of it.

    Slates of guests and agendas (`plan`) are left out, and those that are not old enough for an
    outcome. Of many slates `MOST_SLATES` are drawn, each by a known chance.

    Parameters
    ----------
    rehearsal
        Fitted on nothing from `since` on.
    until
        What was booked later is not known.
    cutoff
        Of the training, with a zone: at which bookings are seen as standing. None: today.

    Raises
    ------
    Unavailable
        The database does not answer.
    """
    last = until - HORIZON
    if last <= since:
        return None
    asked = {"since": since, "until": until, "last": last, "horizon": HORIZON, "cutoff": cutoff}
    with transaction(conninfo, read_only=True) as connection:
        connection.execute("set local statement_timeout = 0")
        booked = _booked(connection, asked)
        if sum(map(len, booked.values())) < least_booked:
            return None
        chances = _drawn(connection, list(booked), asked)
        shown_to = connection.execute(_SHOWN_TO, asked | {"drawn": list(chances)}).fetchall()
    # Training holds what everybody did already: here it is read of those alone who were shown.
    past = past_from_database(conninfo, [user for (user,) in shown_to])
    with transaction(conninfo, read_only=True) as connection:
        requests = recorded_requests(connection, past, since, last, chances)
        known = stream_arrays(connection, OFFER_IDS, {"id": "int8"})["id"]
    answered = [
        Answered(
            request,
            np.isin(request.offers, rows_of(known, booked.get(request.slate_id, _NONE)) + 1),
            chances[request.slate_id],
        )
        for request in requests
        # Who was erased has a slate no more, or none that can be told of.
        if request.user is not None
    ]
    return impressions_of(past, answered, scoring(rehearsal))


def scoring(rehearsal: Rehearsed) -> LoadedModel:
    """Return a rehearsal as a model that feeds can be replayed with, calibrated for nothing."""
    events, matrix = rehearsal.part.past, rehearsal.matrix
    return LoadedModel(
        version="rehearsal",
        kind=rehearsal.parameters.kind,
        cutoff=aware(rehearsal.part.cutoff),
        created_at=datetime.min.replace(tzinfo=UTC),
        digest="",
        half_life_days=rehearsal.parameters.half_life_days,
        metrics={},
        items=events.items,
        users=events.users,
        scorer=rehearsal.fitted.scorer,
        calibration=Calibration(0.0, 1.0, 1.0),
        history_start=matrix.indptr.astype(np.int64),
        history_item=matrix.indices.astype(np.int32),
        history_weight=matrix.data.astype(np.float32),
    )


def _booked(
    connection: psycopg.Connection[Any], asked: Mapping[str, Any]
) -> dict[UUID, NDArray[np.int64]]:
    """Return the offers, by id of the database, that were booked because of each slate."""
    found: dict[UUID, list[int]] = {}
    for slate, offer in connection.execute(f"{_BOOKED} and {STANDS}", asked).fetchall():
        found.setdefault(slate, []).append(offer)
    return {slate: np.array(offers, dtype=np.int64) for slate, offers in found.items()}


def _drawn(
    connection: psycopg.Connection[Any], booked: list[UUID], asked: Mapping[str, Any]
) -> dict[UUID, float]:
    """Return the slates that are replayed, each with the chance that it was drawn.

    Their ids are random: the least ones are drawn evenly.
    """
    asked = {**asked, "booked": booked}
    row = connection.execute(f"select count(*) {_OTHERS}", asked).fetchone()
    others = int(row[0]) if row else 0
    of_booked = sorted(booked)[: max(2 * MOST_SLATES // 3, MOST_SLATES - others)]
    asked |= {"most": MOST_SLATES - len(of_booked)}
    found = connection.execute(f"select s.id {_OTHERS} order by s.id limit %(most)s", asked)
    of_others = [slate for (slate,) in found.fetchall()]
    return dict.fromkeys(of_booked, len(of_booked) / max(1, len(booked))) | dict.fromkeys(
        of_others, len(of_others) / max(1, others)
    )
