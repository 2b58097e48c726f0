"""The same service, but its candidates are the thousand most booked that SQL finds around.

The peer of `tests.benchmarks.feed`: authentication, state, scores, quotas, read-back and record are
the service's own; only how candidates are found differs: no pass over the offers around, no bounds
of all works, but all that SQL found is scored. SQL reads a flat table of offers, indexed by venue
with all that the filter needs, which is the best that a plain database does here.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
from fastapi import FastAPI
from numpy.typing import NDArray

from reco.api.app import create_app
from reco.core.deposits import EMPTY
from reco.db.pool import connected, open_pool
from reco.feed import candidates, pipeline
from reco.feed.candidates import Gathered, Sweep
from reco.feed.generation import Generation
from reco.feed.ranking import OF_EACH, Ranking
from reco.feed.scoring import NOTHING_FULL, Full, Likeliest, Scored
from reco.feed.situation import Situation
from reco.feed.workspace import Scratch
from reco.lazily import lazy
from reco.secret import signing_secret
from reco.settings import Settings
from reco.worker import Worker
from reco.world import World

_PREPARE = """
create schema if not exists bench;
create table if not exists bench.flat_offer as
select o.id as offer_id, coalesce(o.venue_id, 0) as venue_id, min(s.price_cents) as price_cents,
  max(least(o.withdrawn_at, s.booking_limit_at, s.starts_at, 'infinity')) as closes_at,
  (select count(*) from core.booking b join core.stock t on t.id = b.stock_id
    where t.offer_id = o.id and b.cancelled_at is null
      and b.booked_at > now() - interval '28 days') as bookings
from core.offer o join core.stock s on s.offer_id = o.id
where s.cancelled_at is null and coalesce(o.published_at, '-infinity') <= now()
  and least(o.withdrawn_at, s.booking_limit_at, s.starts_at, 'infinity') > now()
group by o.id;
create index if not exists flat_offer_idx on bench.flat_offer (venue_id)
  include (bookings, offer_id, price_cents, closes_at);
analyze bench.flat_offer;
"""
_TOP = """
select f.offer_id from core.venue v join bench.flat_offer f on f.venue_id = v.id
where st_dwithin(v.location, st_setsrid(st_makepoint(%s, %s), 4326)::geography, %s)
  and f.closes_at > %s and f.price_cents <= %s
order by f.bookings desc, f.offer_id limit 1000
"""
_DEAR_CENTS = 30_000


def prepare(conninfo: str) -> None:
    """Make the flat table, once; vacuumed, so that the index alone answers."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        if connection.execute("select to_regclass('bench.flat_offer')").fetchone() == (None,):
            connection.execute(_PREPARE)
            connection.execute("vacuum bench.flat_offer")


def application() -> FastAPI:
    """Return the service with the other candidates."""
    settings = Settings()
    world = World(
        settings.world, settings.home / "worlds" / settings.world, os.environ["RECO_DATABASE_URL"]
    )
    pool = open_pool(world.conninfo, settings.pool_size)
    whole, come_near = pipeline.ranking_of, candidates._come_near

    def near_without_sql(sweep: Sweep) -> None:
        if sweep.around.here is None:
            come_near(sweep)

    def top_by_sql(serving: Generation, situation: Situation, scratch: Scratch) -> Ranking:
        here, ranking = situation.around.here, whole(serving, situation, scratch)
        if here is None:
            return ranking
        credit = situation.state.credit
        limit_cents = credit.total_cents if credit != EMPTY else 0
        with connected(pool) as connection:
            rows: list[Any] = connection.execute(
                _TOP,
                (
                    here.lon,
                    here.lat,
                    situation.around.radius_m,
                    situation.query.now,
                    _DEAR_CENTS if limit_cents is None else limit_cents,
                ),
            ).fetchall()
        offer = serving.catalogue.base.offer_rows(
            np.array([offer_id for (offer_id,) in rows], dtype=np.int64)
        )
        item, first = np.unique(serving.catalogue.base.offer_item[offer], return_index=True)
        kept = ~ranking.sweep.is_out[item]
        found = offer[first[kept]]
        sweep = _BySql(**vars(ranking.sweep), items=item[kept], found=found)
        return _AllBySql(sweep, ranking.taste, ranking.families)

    candidates._come_near, pipeline.ranking_of = near_without_sql, top_by_sql
    worker = Worker(settings, world, signing_secret(settings), _now)
    return create_app(worker, clock=_now, with_demo=False)


@dataclass(frozen=True)
class _BySql(Sweep):
    """Offers that were found by SQL, whatever else is around."""

    items: NDArray[np.int32]
    """(R,) what was found, ascending."""
    found: NDArray[np.int64]
    """(R,) the offer of each of the items."""

    def gather(self, items: NDArray[np.int32]) -> Gathered:
        """Return those of some items that were found, each at its offer."""
        rows = np.flatnonzero(np.isin(self.items, items))
        offer = self.found[rows]
        return Gathered(
            sweep=self,
            item=self.items[rows],
            offer=offer.astype(np.int32),
            cost=np.zeros(len(rows)),
            bookings_near=self.catalogue.base.offer_bookings[offer].astype(np.int32),
            online=0,
        )

    def all_items(self) -> NDArray[np.int32]:
        """Return all that was found."""
        return self.items


class _AllBySql(Ranking):
    """Scores all that was found, whatever it may have at most."""

    def likeliest(self, most: int, full: Full = NOTHING_FULL) -> Scored:
        """Return the `most` likeliest of what was found."""
        return self.everything.likeliest(most, full)

    @lazy
    def _first(self) -> Likeliest:
        return self.everything.likeliest_with(self.most, self.families, OF_EACH)


def _now() -> datetime:
    return datetime.now(UTC)
