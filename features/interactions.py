"""What people did, as columns; its weights and decay; the interaction matrix that models see."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

EVENT_KINDS = ("view", "click", "favourite", "dismiss", "booking", "restore")
"""Kinds of event; the index is the int8 code."""
SPLITS = ("train", "valid", "test")
"""Parts of a data set that brings its own split; the index is the int8 code, -1 is none."""

VIEW, CLICK, FAVOURITE, DISMISS, BOOKING, RESTORE = range(len(EVENT_KINDS))

EVENT_WEIGHTS = np.array([0.1, 0.2, 0.5, 0.0, 1.0, 0.0], dtype=np.float32)
"""Strength of interest that each kind shows, in bookings.

Each step costs a person more than the one before: seeing, opening, keeping, paying. A dismissal is
no interest at all; it is no negative example either, because nobody says why. Nor is it interest
to take one back (`RESTORE`).
"""

FEATURES = tuple(
    f"{kind}={EVENT_WEIGHTS[code]:g}" for code, kind in enumerate(EVENT_KINDS) if code != RESTORE
)
"""What a model has seen; one trained with other weights than these would misread a history.

Not that dismissals are taken back: models of before that was known read every history alike.
"""

_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Events:
    """Interactions and bookings as columns: N events of U users on I items."""

    users: NDArray[np.bytes_]
    """(U,) sorted unique external ids, UTF-8."""
    items: NDArray[np.bytes_]
    """(I,) sorted unique external ids, UTF-8."""
    user: NDArray[np.int32]
    """(N,) row in `users`."""
    item: NDArray[np.int32]
    """(N,) row in `items`."""
    kind: NDArray[np.int8]
    """(N,) index in `EVENT_KINDS`."""
    at: NDArray[np.datetime64]
    """(N,) datetime64[us] UTC, NaT where a data set has no times."""
    value: NDArray[np.float32]
    """(N,) a count or a rating, NaN unknown."""
    split: NDArray[np.int8]
    """(N,) index in `SPLITS`, -1 none."""
    closes: NDArray[np.datetime64]
    """(I,) datetime64[us] UTC, when the last stock of each item closes; NaT: it stays open."""
    lonlat: NDArray[np.float64] | None = None
    """(I, 2) degrees, where each item is, NaN where nowhere or at several places; None: unknown."""
    category: NDArray[np.int32] | None = None
    """(I,) number of each item's category, by name; None: unknown."""
    cancelled: NDArray[np.datetime64] | None = None
    """(N,) datetime64[us] UTC, when a booking was cancelled, NaT: it stands; None: all stand."""

    def __len__(self) -> int:
        return len(self.user)

    def stands(self, cutoff: np.datetime64 | None = None) -> NDArray[np.bool_]:
        """Return which events stand (N,): those that nobody has cancelled.

        Parameters
        ----------
        cutoff
            Of what was booked before it, what was cancelled only later stands too: one who learned
            at the cutoff knew no better. What came after it is tested on, as of today.
        """
        if self.cancelled is None:
            return np.ones(len(self), dtype=np.bool_)
        stands = np.isnat(self.cancelled)
        if cutoff is not None:
            stands |= (self.at < cutoff) & (self.cancelled >= cutoff)
        return np.asarray(stands)

    def standing(self, cutoff: np.datetime64 | None = None) -> "Events":
        """Return the events that stand (see `stands`), and no word of a cancellation."""
        if self.cancelled is None:
            return self
        return replace(self.take(self.stands(cutoff)), cancelled=None)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> "Events":
        """Return the events that a mask or an index chooses, with the same vocabularies.

        All of them are these events themselves, not a copy.
        """
        if rows.dtype == np.bool_ and rows.all():
            return self
        return replace(
            self,
            user=self.user[rows],
            item=self.item[rows],
            kind=self.kind[rows],
            at=self.at[rows],
            value=self.value[rows],
            split=self.split[rows],
            cancelled=None if self.cancelled is None else self.cancelled[rows],
        )


def encoded_ids(ids: Sequence[str]) -> NDArray[np.bytes_]:
    """Return `ids` as UTF-8 bytes, dtype 'S', in the same order."""
    return np.array([identifier.encode() for identifier in ids], dtype=np.bytes_)


def vocabulary_rows(vocabulary: NDArray[np.bytes_], ids: NDArray[np.bytes_]) -> NDArray[np.int32]:
    """Return the row of each of `ids` in a sorted `vocabulary`, -1 where it is unknown.

    >>> vocabulary_rows(np.array([b"a", b"c"]), np.array([b"c", b"b"]))
    array([ 1, -1], dtype=int32)
    """
    if not len(vocabulary):
        return np.full(len(ids), -1, dtype=np.int32)
    rows = np.minimum(np.searchsorted(vocabulary, ids), len(vocabulary) - 1)
    return np.where(vocabulary[rows] == ids, rows, -1).astype(np.int32)


def event_weights(
    kind: NDArray[np.int8],
    at: NDArray[np.datetime64],
    *,
    as_of: np.datetime64 | None = None,
    half_life_days: float | None = None,
) -> NDArray[np.float32]:
    """Return the weight of each event, in bookings of the moment `as_of`.

    Parameters
    ----------
    kind
        (N,) index in `EVENT_KINDS`.
    at
        (N,) datetime64[us]; events without a time (NaT) do not decay.
    as_of
        The moment that ages are measured against: the cutoff in training, the request's time in
        serving. Nothing decays without it.
    half_life_days
        Age at which an event counts half; no decay where None.

    Raises
    ------
    ValueError
        An event lies after `as_of`: the future must not leak in.
    """
    weights = EVENT_WEIGHTS[kind]
    if as_of is None or half_life_days is None:
        return weights
    age_us = as_of.astype("datetime64[us]") - at
    age_days = np.where(np.isnat(age_us), 0.0, age_us.astype(np.float64) / _DAY_US)
    if np.any(age_days < 0):
        raise ValueError(f"An event lies after {as_of}; take the events before it first.")
    return (weights * np.exp2(-age_days / half_life_days)).astype(np.float32)


def dismissed(
    items: NDArray[np.integer], kind: NDArray[np.int8], at: NDArray[np.datetime64]
) -> NDArray[np.int64]:
    """Return the items that one person wants no more.

    What was kept, or its dismissal taken back, since it was dismissed is not among them. What has
    no time (NaT) counts as told before all that has one; of one time, the dismissal does.

    Parameters
    ----------
    items
        (N,) whatever numbers them.
    kind
        (N,) index in `EVENT_KINDS`.
    at
        (N,) datetime64[us].

    Returns
    -------
    Numbers of items, each once, sorted.

    >>> at = np.array(["2025-06-01", "2025-06-02", "2025-06-01"], dtype="datetime64[us]")
    >>> kind = np.array([DISMISS, FAVOURITE, DISMISS], dtype=np.int8)
    >>> dismissed(np.array([7, 7, 5]), kind, at)
    array([5])
    """
    told = np.flatnonzero(np.isin(kind, (DISMISS, FAVOURITE, RESTORE)))
    # NaT is the least of integers.
    order = told[np.lexsort((kind[told] == DISMISS, at.view(np.int64)[told], items[told]))]
    of_item = items[order]
    is_last = np.append(of_item[1:] != of_item[:-1], True)[: len(order)]
    unwanted: NDArray[np.int64] = of_item[is_last & (kind[order] == DISMISS)].astype(np.int64)
    return unwanted


def strongest(
    rows: NDArray[np.integer], weights: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return each row of positive weight once, sorted, with its largest weight.

    A view that led to a booking adds nothing to the booking; and merging the same events twice
    changes nothing, so that a history may be merged with what has happened since.

    >>> strongest(np.array([7, 3, 7, 5]), np.array([0.2, 1.0, 0.5, 0.0], dtype=np.float32))
    (array([3, 7]), array([1. , 0.5], dtype=float32))
    """
    positive = weights > 0
    rows, weights = rows[positive], weights[positive]
    if not len(rows):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    order = np.argsort(rows, kind="stable")
    sorted_rows = rows[order].astype(np.int64)
    first = np.flatnonzero(np.append(True, sorted_rows[1:] != sorted_rows[:-1]))
    return sorted_rows[first], np.maximum.reduceat(weights[order], first)


def interaction_matrix(
    events: Events,
    *,
    as_of: np.datetime64 | None = None,
    half_life_days: float | None = None,
) -> "csr_array[np.float32]":
    """Return how much each user showed interest in each item.

    Parameters
    ----------
    events
        Already restricted to what may be seen.
    as_of, half_life_days
        As in `event_weights`.

    Returns
    -------
    (U, I) float32, one entry a pair with a positive event: its strongest; columns sorted.
    """
    shape = (len(events.users), len(events.items))
    weights = event_weights(events.kind, events.at, as_of=as_of, half_life_days=half_life_days)
    pair = events.user.astype(np.int64) * shape[1] + events.item
    pairs, values = strongest(pair, weights)
    user, item = np.divmod(pairs, shape[1]) if shape[1] else (pairs, pairs)
    bounds = np.searchsorted(user, np.arange(shape[0] + 1)).astype(np.int32)
    return csr_array((values, item.astype(np.int32), bounds), shape=shape)
