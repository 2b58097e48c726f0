"""What a person books more of than others do: by genre, or else subcategory, or else category.

The log of a person's share of bookings over everybody's, shrunk towards 0 the more the less the
person has booked: the posterior mean of a share beside a Dirichlet prior whose mean is everybody's
share (Good 1965, chapter 3). One function counts and one compares, in training and in serving.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KINDS = ("category", "subcategory", "genre")
"""What items are told apart by, in the order of everything here."""

ByKind = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""A figure of each category, subcategory and genre, by code; that of code 0 is of the unknown."""

PRIOR_BOOKINGS = 20.0
"""How many bookings of one's own count as much as everybody's; docs/ranker.md."""


@dataclass(frozen=True)
class Kinds:
    """Codes of N items; 0 is unknown."""

    category: NDArray[np.int16]
    """(N,)"""
    subcategory: NDArray[np.int16]
    """(N,)"""
    genres: NDArray[np.int16]
    """(N, G); none comes after a 0."""

    def take(self, rows: NDArray[np.integer]) -> "Kinds":
        """Return those of some items."""
        return Kinds(self.category[rows], self.subcategory[rows], self.genres[rows])


@dataclass(frozen=True)
class Tally:
    """Bookings by kind, and all of them."""

    by_kind: ByKind
    made: float


def tally_of(kinds: Kinds, bookings: NDArray[np.integer], sizes: Sequence[int]) -> Tally:
    """Return the `bookings` (N,) of items by their kinds; of an item all genres are booked.

    Parameters
    ----------
    sizes
        How many codes each of `KINDS` has, 0 among them.
    """
    # Most items of a catalogue are booked by nobody for weeks.
    booked = np.flatnonzero(bookings)
    kinds, bookings = kinds.take(booked), bookings[booked]
    times = np.repeat(bookings, kinds.genres.shape[1])
    category, subcategory, genre = (
        np.bincount(code, weight, minlength=size).astype(np.float64)
        for code, weight, size in zip(
            (kinds.category, kinds.subcategory, kinds.genres.ravel()),
            (bookings, bookings, times),
            sizes,
            strict=True,
        )
    )
    return Tally((category, subcategory, genre), float(bookings.sum()))


def log_lifts(own: Tally, everybody: Tally, prior_bookings: float) -> ByKind:
    """Return the log of how much more of each kind a person books than everybody does.

    log((n_k + a s_k) / ((n + a) s_k)) of n_k among n bookings, where s_k is everybody's share,
    credited with a booking more than there is (as in `features.pairs.rarity`). One more booking of
    a kind never makes it less; nothing was booked: 0, as for the unknown.

    Parameters
    ----------
    prior_bookings
        a, how many bookings of one's own count as much as everybody's.

    >>> def books(*counts): return Tally((np.array(counts),) * 3, float(sum(counts)))
    >>> [round(float(lift), 2) for lift in log_lifts(books(0, 2, 0), books(0, 49, 49), 2.0)[0]]
    [0.0, 0.4, -0.69]
    """
    category, subcategory, genre = (
        _log_lift(counts, of_all, own.made, everybody.made, prior_bookings)
        for counts, of_all in zip(own.by_kind, everybody.by_kind, strict=True)
    )
    return category, subcategory, genre


def _log_lift(
    own: NDArray[np.float64],
    everybody: NDArray[np.float64],
    own_made: float,
    all_made: float,
    prior_bookings: float,
) -> NDArray[np.float64]:
    share = (everybody + 1.0) / (all_made + 1.0)
    lift = np.log((own + prior_bookings * share) / ((own_made + prior_bookings) * share))
    lift[0] = 0.0
    return np.asarray(lift, dtype=np.float64)


def met(own: Tally) -> NDArray[np.float64]:
    """Return by subcategory whether any of it was booked, 1 or 0; 0 of the unknown.

    A first booking differs from one more by more than their shares tell.
    """
    booked = (own.by_kind[1] > 0.0).astype(np.float64)
    booked[0] = 0.0
    return booked


def of_items(figures: ByKind, kinds: Kinds) -> NDArray[np.float64]:
    """Return the figure (N,) of the finest kind that is known of each of N items.

    The mean of its genres, or else that of its subcategory, or else of its category.
    """
    category, subcategory, genre = figures
    genres = (kinds.genres > 0).sum(axis=1)
    of_genres = np.where(kinds.genres > 0, genre[kinds.genres], 0.0).sum(axis=1)
    coarse = np.where(
        kinds.subcategory > 0, subcategory[kinds.subcategory], category[kinds.category]
    )
    return np.where(genres > 0, of_genres / np.maximum(1, genres), coarse)
