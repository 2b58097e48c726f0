"""People of a simulated world who are served slates and answer them by their hidden tastes.

What they look at depends on the place of a slate; what they do with it is the simulator's response.
Bookings name their slate; what is looked at and not booked is a view, a click and so on.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import psycopg

from reco.feed.query import feed_query
from reco.settings import Settings
from reco.worker import Worker
from training.simulate.outcomes import BOOKING, OUTCOMES, ends_of
from training.simulate.truth import Truth

SECRET = "a secret of at least thirty-two bytes"
N, RADIUS_M = 20, 50_000.0
_LATER = timedelta(minutes=5)
"""What is done with a slate is done after it."""

_BOOK = """
insert into core.booking (user_id, stock_id, quantity, amount_cents, booked_at, slate_id)
select u.id, s.id, 1, s.price_cents, %s, %s from core.beneficiary u, core.stock s
where u.external_id = %s and s.external_id = %s
"""
_DO = """
insert into core.interaction (user_id, offer_id, kind, at, slate_id)
select u.id, o.id, %s, %s, %s from core.beneficiary u, core.offer o
where u.external_id = %s and o.external_id = %s
"""


def attention(rate, bias, n=N):
    """Return the chance (n,) that each place is looked at, its mean the simulator's."""
    discount = np.log2(np.arange(n) + 2.0) ** -bias
    return rate * discount / discount.mean()


def row_of(external_id):
    """Return the row of a simulated person or work in the hidden truth."""
    return int(external_id[1:])


@dataclass(frozen=True)
class Crowd:
    """Everybody of a world, and what they are like."""

    world: object
    truth: Truth
    bias: float
    """Of attention, by place; 0: every place alike."""
    exploration: float = 0.1

    def live(self, at, users, generator):
        """Serve each of `users` a slate at a moment, and record what they do with it."""
        with Worker(Settings(home=self.world.folder), self.world, SECRET, lambda: at) as worker:
            answers = {user: worker.feed(self._query(at, user, generator)) for user in users}
        rows = [
            row for user, answer in answers.items() for row in self._ends(user, answer, generator)
        ]
        booked = [row for kind, *row in rows if kind == BOOKING]
        done = [(OUTCOMES[kind], *row[:-1]) for kind, *row in rows if kind != BOOKING]
        done_at = at + _LATER
        with psycopg.connect(self.world.conninfo, autocommit=True) as connection:
            connection.execute("select core.ensure_months(%s, %s)", (at.date(), at.date()))
            cursor = connection.cursor()
            cursor.executemany(
                _BOOK, [(done_at, slate, user, stock) for slate, user, _, stock in booked]
            )
            cursor.executemany(
                _DO, [(kind, done_at, slate, user, offer) for kind, slate, user, offer in done]
            )

    def _query(self, at, user, generator):
        asked = feed_query(now=at, default_radius_m=RADIUS_M, user_id=user, n=N)
        return replace(asked, exploration=self.exploration, seed=int(generator.integers(1 << 32)))

    def _ends(self, user, answer, generator):
        """Yield how what a person looks at ends: kind, slate, person, offer, stock."""
        shown = answer.items
        if not shown:
            return
        rate = self.truth.parameters.impression_rate
        looks = generator.random(len(shown)) < attention(rate, self.bias)[: len(shown)]
        seen = [item for item, is_seen in zip(shown, looks.tolist(), strict=True) if is_seen]
        if not seen:
            return
        encounter = self.truth.encounter(*columns_of(user, seen))
        ends = ends_of(generator.random((2, len(seen))), encounter, self.truth.parameters)
        for item, kind in zip(seen, ends.tolist(), strict=True):
            yield kind, answer.slate_id, user, item.offer_id, item.sessions[0].stock_id


def columns_of(user, items):
    """Return what the truth is asked of a person and offers shown."""
    return (
        np.full(len(items), row_of(user)),
        np.array([row_of(item.item_id) for item in items]),
        np.array([item.sessions[0].price_cents / 100 for item in items]),
        np.array([item.distance_m or 0.0 for item in items]),
    )
