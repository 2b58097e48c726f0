"""What people really did after a moment, and what they had done before: to judge slates by."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.interactions import BOOKING
from reco.catalogue.rows import ragged_rows
from training.beyond import Found, as_matrix
from training.replay.past import Past
from training.replay.values import Attributes


@dataclass(frozen=True)
class Acts:
    """Every booking of a past, whether of a stock or told without one; all (B,), by user."""

    user: NDArray[np.int32]
    offer: NDArray[np.int32]
    item: NDArray[np.int32]
    at_us: NDArray[np.int64]
    cancelled_us: NDArray[np.int64]

    @classmethod
    def of(cls, past: Past) -> "Acts":
        """Return all of them."""
        bookings, deeds = past.bookings, past.deeds
        told = np.flatnonzero(deeds.kind == BOOKING)
        owner = np.repeat(np.arange(len(past.people)), np.diff(bookings.start))
        user = np.append(owner, np.searchsorted(deeds.start, told, side="right") - 1)
        offer = np.append(past.stocks.offer[bookings.stock], deeds.offer[told])
        at_us = np.append(bookings.at_us, deeds.at_us[told])
        never = np.full(len(told), np.iinfo(np.int64).max)
        order = np.lexsort((at_us, user))
        return cls(
            user=user[order].astype(np.int32),
            offer=offer[order].astype(np.int32),
            item=past.offers.item[offer[order]],
            at_us=at_us[order],
            cancelled_us=np.append(bookings.cancelled_us, never)[order],
        )

    def take(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> "Acts":
        """Return those that a mask or an index chooses."""
        return Acts(**{name: column[rows] for name, column in vars(self).items()})

    def made(self, after_us: int, until_us: int) -> "Acts":
        """Return those made after a moment, until another, that stood then."""
        within = (self.at_us > after_us) & (self.at_us <= until_us)
        return self.take(within & (self.cancelled_us > until_us))


@dataclass(frozen=True)
class Window:
    """People, U of them, what they had booked by a moment, and what new items they booked after."""

    users: NDArray[np.int64]
    """(U,) rows in the past."""
    before: Acts
    """Their bookings that stood at the moment; `user` is the place in `users`."""
    later: Acts
    """Of items that they had not booked; one row an offer."""
    attributes: Attributes

    @cached_property
    def found(self) -> Found:
        """Later bookings; `offer` is a row of `offers`."""
        later = self.later
        return Found(
            later.user.astype(np.int64), later.item.astype(np.int64), np.arange(len(later.user))
        )

    @cached_property
    def targets(self) -> "csr_array[np.bool_]":
        """(U, I) what was to be found."""
        shape = (len(self.users), len(self.attributes.past.items))
        marks = np.ones(len(self.later.user), dtype=bool)
        return csr_array((marks, (self.later.user, self.later.item)), shape=shape)

    @cached_property
    def times_met(self) -> "csr_array[np.float64]":
        """(U, N) bookings of each person with each value."""
        before = self.before
        rows = np.arange(len(before.user))
        of_user = csr_array(
            (np.ones(len(rows)), (before.user, rows)), shape=(len(self.users), len(rows))
        )
        return csr_array(of_user @ as_matrix(self.attributes.table(before.offer)))

    @cached_property
    def bookings(self) -> NDArray[np.int64]:
        """(U,) how many stood at the moment."""
        return np.bincount(self.before.user, minlength=len(self.users))

    @cached_property
    def first_category(self) -> NDArray[np.int16]:
        """(U,) of each one's first booking; 0: none."""
        items = self.attributes.past.items
        first = np.zeros(len(self.users), dtype=np.int16)
        user, row = np.unique(self.before.user, return_index=True)
        first[user] = items.item_category[self.before.item[row]]
        return first


def window_of(
    attributes: Attributes, acts: Acts, users: NDArray[np.int64], at_us: int, until_us: int
) -> Window:
    """Return what `users` (rows, in any order) did before a moment, and after it until another."""
    bounds = np.stack([np.searchsorted(acts.user, users), np.searchsorted(acts.user, users + 1)])
    rows, place = ragged_rows(bounds.T.ravel(), 2 * np.arange(len(users)))
    mine = Acts(**{**vars(acts.take(rows)), "user": place.astype(np.int32)})
    before = mine.take((mine.at_us <= at_us) & (mine.cancelled_us > at_us))
    later = mine.made(at_us, until_us)
    items = len(attributes.past.items)
    known = before.user.astype(np.int64) * items + before.item
    is_new = ~np.isin(later.user.astype(np.int64) * items + later.item, known)
    later = later.take(is_new)
    offers = len(attributes.past.offers.item)
    _, first = np.unique(later.user.astype(np.int64) * offers + later.offer, return_index=True)
    return Window(users, before, later.take(np.sort(first)), attributes)


def people_who_book(acts: Acts, after_us: int, until_us: int) -> NDArray[np.int64]:
    """Return the rows of those who booked anything in a window, ascending."""
    return np.unique(acts.made(after_us, until_us).user).astype(np.int64)
