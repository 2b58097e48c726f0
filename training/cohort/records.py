"""What a cohort has done so far, as the service would have it on record."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.interactions import BOOKING, Events
from reco.catalogue.shelf import ONLINE
from reco.db.arrays import micros
from reco.feed.state import Booked, Interacted, UserState
from training.cohort.settling import stock_caps
from training.cohort.world import CohortWorld
from training.replay.catalogues import places_taken
from training.replay.past import Bookings, Deeds, Past
from training.replay.states import Biographer, carried_on


@dataclass
class Record:
    """Bookings and other deeds of the cohort; a row each, in the order of what happened."""

    world: CohortWorld
    booked: list[tuple[int, ...]] = field(default_factory=list)
    """(person, stock, quantity, amount in cents, at in microseconds, week, position)."""
    done: list[tuple[int, ...]] = field(default_factory=list)
    """(person, offer, kind, at in microseconds)."""

    def past(self) -> Past:
        """Return the past with all of it; the cohort's rows come after everybody else's."""
        world = self.world
        return replace(
            world.past,
            bookings=_with_bookings(world.past, self._bookings(), world.ordinary),
            deeds=_with_deeds(world.past.deeds, self._deeds(), world.ordinary),
        )

    def events(self, at: datetime) -> Events:
        """Return what a model may be fitted on at a moment: bookings that stand, other deeds."""
        world, past = self.world, self.world.past
        person, stock, _, _, booked_us, *_ = self._bookings()
        stands = past.stocks.cancelled_us[stock] > micros(at)
        doer, offer, kind, done_us = self._deeds()
        user = np.concatenate([person[stands], doer]) + world.ordinary
        events, added = world.events, len(user)
        booked = np.full(int(stands.sum()), BOOKING)
        return replace(
            events,
            user=np.append(events.user, user).astype(np.int32),
            item=np.append(
                events.item, past.offers.item[np.append(past.stocks.offer[stock[stands]], offer)]
            ),
            kind=np.concatenate([events.kind, booked, kind]).astype(np.int8),
            at=np.append(events.at, np.append(booked_us[stands], done_us).view("datetime64[us]")),
            value=np.append(events.value, np.full(added, np.nan, np.float32)),
            split=np.append(events.split, np.full(added, -1, np.int8)),
        )

    def cancelled(self, after_us: int, until_us: int) -> list[int]:
        """Return the people one of whose bookings was cancelled in between."""
        person, stock, *_ = self._bookings()
        at_us = self.world.past.stocks.cancelled_us[stock]
        return sorted(set(person[(at_us > after_us) & (at_us <= until_us)].tolist()))

    def bookings(self, end: datetime) -> pa.Table:
        """Return all bookings that stand in the end, with the values that count for a horizon."""
        past = self.world.past
        person, stock, quantity, amount, _, week, position = self._bookings()
        offer = past.stocks.offer[stock]
        item, venue_id = past.offers.item[offer], past.offers.venue[offer]
        row = np.where(venue_id == ONLINE, -1, past.venues.rows(venue_id))
        kinds = np.array(["", *past.venue_types])[np.append(past.venues.venue_type, 0)[row]]
        caps = stock_caps(past)
        venue = np.append(past.venues.venue_external_id.astype(str), "")[row]
        columns = {
            "week": week,
            "person": person,
            "position": position,
            "item": item,
            "offer": offer,
            "stock": stock,
            "quantity": quantity,
            "amount_cents": amount,
            "cap": _named([caps[one] for one in stock.tolist()]),
            "category": _named([past.categories[c] for c in past.items.item_category[item]]),
            "subcategory": _named(
                [past.subcategories.get(s, "") for s in past.items.item_subcategory[item]]
            ),
            "venue": _named(venue.tolist()),
            "venue_type": _named(kinds.tolist()),
            "genre": past.names.item_genres.take(pa.array(item)).combine_chunks(),
        }
        stands = past.stocks.cancelled_us[stock] > micros(end)
        return pa.table(columns).filter(pa.array(stands))

    def _bookings(self) -> NDArray[np.int64]:
        return np.array(self.booked, dtype=np.int64).reshape(-1, 7).T

    def _deeds(self) -> NDArray[np.int64]:
        return np.array(self.done, dtype=np.int64).reshape(-1, 4).T


@dataclass
class States:
    """What the service knows of each of the cohort, kept as they go on."""

    states: list[UserState | None]

    @classmethod
    def unknown(cls, people: int) -> "States":
        """Return those of people of whom nothing was asked yet."""
        return cls([None] * people)

    def forget(self, person: int) -> None:
        """Have the state of a person told anew."""
        self.states[person] = None

    def carry_on(
        self, person: int, at: datetime, booked: Sequence[Booked], done: Sequence[Interacted]
    ) -> None:
        """Add what a person, of whom it was asked before, has done by a moment."""
        self.states[person] = carried_on(self.known(person), at, booked, done)

    def known(self, person: int) -> UserState:
        """Return the state of a person of whom it was asked before."""
        state = self.states[person]
        if state is None:
            raise ValueError(f"Nobody asked for the state of person {person}.")
        return state

    def of(self, person: int, row: int, biographer: Biographer, at: datetime) -> UserState:
        """Return the state of a person, who has a row in the past."""
        state = self.states[person]
        if state is None:
            state = self.states[person] = biographer.state_at(row, at)
        return state


def _named(names: list[str]) -> pa.Array:
    return pa.array([name or None for name in names], pa.string())


def seats_left(past: Past, at: datetime) -> NDArray[np.int64]:
    """Return the places left of each stock (S,) at a moment."""
    # Nothing is taken of what has no limit.
    return past.stocks.places - places_taken(past, micros(at))


def _with_bookings(past: Past, own: NDArray[np.int64], ordinary: int) -> Bookings:
    bookings, people = past.bookings, len(past.people)
    person, stock, quantity, amount, at_us, *_ = own[:, np.argsort(own[0], kind="stable")]
    start = len(bookings.at_us) + np.searchsorted(person, np.arange(people - ordinary + 1))
    return Bookings(
        start=np.append(bookings.start[:ordinary], start),
        stock=np.append(bookings.stock, stock).astype(np.int32),
        quantity=np.append(bookings.quantity, quantity).astype(np.int32),
        amount_cents=np.append(bookings.amount_cents, amount).astype(np.int32),
        at_us=np.append(bookings.at_us, at_us),
        cancelled_us=np.append(bookings.cancelled_us, past.stocks.cancelled_us[stock]),
    )


def _with_deeds(deeds: Deeds, own: NDArray[np.int64], ordinary: int) -> Deeds:
    person, offer, kind, at_us = own[:, np.argsort(own[0], kind="stable")]
    people = len(deeds.start) - 1 - ordinary
    return Deeds(
        start=np.append(
            deeds.start[:ordinary],
            len(deeds.at_us) + np.searchsorted(person, np.arange(people + 1)),
        ),
        offer=np.append(deeds.offer, offer).astype(np.int32),
        kind=np.append(deeds.kind, kind).astype(np.int8),
        at_us=np.append(deeds.at_us, at_us),
    )
