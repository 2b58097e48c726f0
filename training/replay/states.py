"""What was known of a person at a past moment, as the service would have read it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.interactions import BOOKING, CLICK, DISMISS, EVENT_KINDS, FAVOURITE, RESTORE, VIEW
from reco.catalogue.shelf import ONLINE
from reco.db.arrays import micros, moment_of
from reco.feed.state import Booked, Interacted, Person, UserState, credit_of
from reco.geo.points import Point
from training.replay.past import Past
from training.replay.telling import Teller

_LOOKS = frozenset({EVENT_KINDS[VIEW], EVENT_KINDS[CLICK]})
_MOST_LOOKS = 1_000
"""Views and clicks that count, the last ones, as in `reco.feed.state`."""
_TERMS = (
    "amount_cents",
    "digital_cap_cents",
    "physical_cap_cents",
    "offer_limit_cents",
    "granted_at",
    "expires_at",
)
"""Of a deposit, that a state tells."""


def carried_on(
    state: UserState, at: datetime, bookings: Sequence[Booked], interactions: Sequence[Interacted]
) -> UserState:
    """Return a state once more was done by a moment, as `Biographer.state_at` would tell it."""
    booked = (*state.bookings, *bookings)
    done = (*state.interactions, *interactions)
    looks = [one for one in done if one.kind in _LOOKS]
    others = [one for one in done if one.kind not in _LOOKS]
    return replace(
        state,
        bookings=booked,
        interactions=(*others, *looks[-_MOST_LOOKS:]),
        credit=credit_of(state.person, booked, at),
    )


@dataclass(frozen=True)
class Biographer:
    """Tells the state of anybody at any moment of a past."""

    past: Past

    def state_at(self, user: int, at: datetime) -> UserState:
        """Return what was on record of the person of row `user` at a moment."""
        past, at_us = self.past, micros(at)
        bookings = [*self._booked(user, at_us), *self._told(user, at_us)]
        said = [one for one in past.people.tastes.get(user, ()) if one[1] <= at_us]
        kept = [
            self._tells.item_interacted(self._item_row[work], "favourite", moment_of(said_us))
            for (kind, work), said_us in said
            if kind == "item" and work in self._item_row
        ]
        person = self.person_at(user, at)
        return UserState(
            person=person,
            bookings=tuple(bookings),
            interactions=(*self._interactions(user, at_us), *kept),
            credit=credit_of(person, bookings, at),
            liked=frozenset(value for value, _ in said if value[0] != "item"),
        )

    def person_at(self, user: int, at: datetime) -> Person:
        """Return who it is, with the deposit that counted at a moment."""
        people = self.past.people
        deposits = people.deposits.get(user, ())
        granted = [deposit for deposit in deposits if deposit.granted_at <= at]
        counts = granted[-1] if granted else None
        lon, lat = people.home[user].tolist()
        has_home = not math.isnan(lon)
        return Person(
            id=user + 1,
            lon=lon if has_home else None,
            lat=lat if has_home else None,
            has_deposit=bool(deposits),
            **{name: getattr(counts, name) if counts else None for name in _TERMS},
        )

    def usual_place(self, user: int, at_us: int) -> Point | None:
        """Return the venue that a person had booked most by a moment; None: none was booked.

        Where data know no homes, a phone would have said where it is; this stands for it.
        """
        past = self.past
        venue_id = past.offers.venue[self.offers_booked(user, at_us)]
        ids, times = np.unique(venue_id[venue_id != ONLINE], return_counts=True)
        if not len(ids):
            return None
        row = past.venues.venue_by_id[ids[np.argmax(times)] - 1]
        place = Point(float(past.venues.venue_lon[row]), float(past.venues.venue_lat[row]))
        return place.rounded()

    def offers_booked(self, user: int, at_us: int) -> NDArray[np.int64]:
        """Return the rows of the offers that a person had booked by a moment."""
        bookings, deeds = self.past.bookings, self.past.deeds
        mine = slice(*bookings.start[user : user + 2])
        stand = (bookings.at_us[mine] <= at_us) & (bookings.cancelled_us[mine] > at_us)
        own = slice(*deeds.start[user : user + 2])
        told = (deeds.kind[own] == BOOKING) & (deeds.at_us[own] <= at_us)
        booked = self.past.stocks.offer[bookings.stock[mine][stand]]
        return np.concatenate([booked, deeds.offer[own][told]]).astype(np.int64)

    def _booked(self, user: int, at_us: int) -> Iterator[Booked]:
        bookings = self.past.bookings
        for row in range(*bookings.start[user : user + 2].tolist()):
            if bookings.at_us[row] <= at_us < bookings.cancelled_us[row]:
                yield self._tells.booked(
                    int(bookings.stock[row]),
                    int(bookings.at_us[row]),
                    int(bookings.amount_cents[row]),
                )

    def _told(self, user: int, at_us: int) -> Iterator[Booked]:
        """Yield the bookings that are interactions: of data sets that know no stock."""
        deeds = self.past.deeds
        for row in range(*deeds.start[user : user + 2].tolist()):
            if deeds.kind[row] == BOOKING and deeds.at_us[row] <= at_us:
                yield self._tells.booking(int(deeds.offer[row]), int(deeds.at_us[row]), 0, False)

    def _interactions(self, user: int, at_us: int) -> Iterator[Interacted]:
        deeds = self.past.deeds
        own = slice(*deeds.start[user : user + 2])
        kind, done_us = deeds.kind[own], deeds.at_us[own]
        done = done_us <= at_us
        looks = np.flatnonzero(done & np.isin(kind, (VIEW, CLICK)))[-_MOST_LOOKS:]
        others = np.flatnonzero(done & np.isin(kind, (DISMISS, FAVOURITE, RESTORE)))
        offer = deeds.offer[own]
        for row in np.concatenate([others, looks]).tolist():
            yield self._tells.interacted(int(offer[row]), int(kind[row]), int(done_us[row]))

    @cached_property
    def _tells(self) -> Teller:
        return Teller(self.past)

    @cached_property
    def _item_row(self) -> dict[str, int]:
        return {item_id: row for row, item_id in enumerate(self._tells.item_id)}
