"""Figures of all lists together, held against their plain definitions; how far they may be off."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from training.slate_totals import totals_of

USERS, ITEMS, VENUES, K = 300, 3_000, 30, 5
CLOSED = 300
"""Items that cannot be booked any more, the last ones; those of the last venues."""


@pytest.fixture(scope="module")
def slates():
    item = np.arange(ITEMS)
    venue = np.where(item % 7 == 0, -1, item * VENUES // ITEMS)
    return SimpleNamespace(task=SimpleNamespace(closed=item >= ITEMS - CLOSED), venue=venue)


def lists(seed, skew):
    """Return lists of what is open, some short, the first items the oftener the more skew."""
    generator = np.random.default_rng(seed)
    ranked = ((ITEMS - CLOSED) * generator.random((USERS, K)) ** skew).astype(np.int32)
    ranked[:20, 3:] = -1
    return ranked


def uneven(exposure, count):
    """Return the mean difference of all pairs over twice the mean."""
    sizes = np.append(list(exposure.values()), np.zeros(count - len(exposure)))
    return np.abs(sizes[:, None] - sizes).mean() / (2 * sizes.mean())


def test_values_are_those_of_their_definitions(slates):
    ranked = lists(0, 2.0)
    (told,) = totals_of([ranked], slates, 0)
    shown = Counter(ranked[ranked >= 0].tolist())
    venues = Counter()
    for listed in ranked:
        for place, item in enumerate(listed[listed >= 0]):
            venues[int(slates.venue[item])] += 1 / np.log2(place + 2)
    del venues[-1]
    there = len(set(slates.venue[~slates.task.closed].tolist()) - {-1})
    assert there < VENUES
    assert {name: figure.value for name, figure in told.items()} == pytest.approx({
        f"coverage@{K}": len(shown) / (ITEMS - CLOSED),
        f"gini@{K}": uneven(shown, ITEMS - CLOSED),
        f"venue_gini@{K}": uneven(venues, there),
    })  # fmt: skip


def test_they_have_intervals_and_so_has_what_sets_settings_apart(slates):
    even, skewed = totals_of([lists(1, 1.5), lists(2, 3.0)], slates, 0)
    for name, figure in skewed.items():
        assert figure.low < figure.value < figure.high
        assert figure.change_low < figure.change < figure.change_high
        assert figure.difference == pytest.approx(figure.value - even[name].value)
    assert skewed[f"gini@{K}"].change_low > 0.0 > skewed[f"coverage@{K}"].change_high
    few = totals_of([lists(1, 1.5)[:100]], slates, 0)[0]
    assert {figure.low for figure in few.values()} == {None}


def test_of_data_without_venues_there_is_nothing_of_venues(slates):
    nowhere = SimpleNamespace(task=slates.task, venue=np.full(ITEMS, -1))
    (told,) = totals_of([lists(0, 2.0)], nowhere, 0)
    assert set(told) == {f"coverage@{K}", f"gini@{K}"}
