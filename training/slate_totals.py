"""Figures of all lists of a setting together: coverage, and how unevenly things are shown."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.paired import Compared, Figures, compare
from training.replay.exposure import Exposed
from training.replay.totals import coverage_totals, gini_totals
from training.slate_tasks import SlateTask


def compare_lists(
    lists: Sequence[NDArray[np.int32]],
    figures: Sequence[Figures],
    slates: SlateTask,
    is_chosen: Sequence[bool],
    seed: int,
) -> list[dict[str, Compared]]:
    """Return the figures of the lists of each setting, by user and together, beside the first."""
    of_users, of_all = compare(figures, is_chosen, seed), totals_of(lists, slates, seed)
    return [own | totals for own, totals in zip(of_users, of_all, strict=True)]


def totals_of(
    lists: Sequence[NDArray[np.int32]], slates: SlateTask, seed: int
) -> list[dict[str, Compared]]:
    """Return the figures of the lists (n, k) of each setting, beside those of the first.

    With intervals from 200 people on (`training.replay.totals`), without a test of the difference.
    """
    people, k = lists[0].shape
    items = [[_items(ranked, slates)] for ranked in lists]
    found = {
        "coverage": coverage_totals(items, people, seed),
        "gini": gini_totals(items, people, seed),
    }
    if (slates.venue >= 0).any():
        venues = [[_venues(ranked, slates)] for ranked in lists]
        found["venue_gini"] = gini_totals(venues, people, seed)
    untested = [None] * len(lists)
    columns = {f"{name}@{k}": totals.compared(untested) for name, totals in found.items()}
    return [{name: told[at] for name, told in columns.items()} for at in range(len(lists))]


def _items(ranked: NDArray[np.int32], slates: SlateTask) -> Exposed:
    """Return what lists show of the items that can be booked, each as much."""
    person, place = np.nonzero(ranked >= 0)
    item = ranked[person, place].astype(np.int64)
    can_be_booked = int(np.count_nonzero(~slates.task.closed))
    return Exposed(person, item, np.ones(len(item), dtype=np.int64), can_be_booked)


def _venues(ranked: NDArray[np.int32], slates: SlateTask) -> Exposed:
    """Return what lists show of the venues where something can be booked, by position."""
    person, place = np.nonzero(ranked >= 0)
    venue = slates.venue[ranked[person, place]]
    is_known = venue >= 0
    weight = 1.0 / np.log2(place[is_known] + 2.0)
    can_be_booked = np.unique(slates.venue[~slates.task.closed & (slates.venue >= 0)])
    return Exposed(person[is_known], venue[is_known], weight, len(can_be_booked))
