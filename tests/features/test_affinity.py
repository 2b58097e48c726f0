"""What a person books more of than others: monotone, nothing where nothing is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.affinity import Kinds, Tally, log_lifts, met, of_items, tally_of

SIZES = (4, 5, 3)
ITEMS = Kinds(
    category=np.array([1, 1, 2, 3], dtype=np.int16),
    subcategory=np.array([1, 2, 0, 4], dtype=np.int16),
    genres=np.array([[1, 2], [2, 0], [0, 0], [0, 0]], dtype=np.int16),
)
times = st.lists(st.integers(0, 1_000), min_size=4, max_size=4)
priors = st.floats(0.1, 100.0)


def tally(bookings):
    return tally_of(ITEMS, np.array(bookings), SIZES)


def test_bookings_are_counted_by_kind_and_all_genres_of_an_item_count():
    counted = tally([1, 2, 4, 8])
    category, subcategory, genre = counted.by_kind
    assert category.tolist() == [0, 3, 4, 8]
    assert subcategory.tolist() == [4, 1, 2, 0, 8]
    assert genre[1:].tolist() == [1, 3]
    assert counted.made == 15


@given(times, priors)
def test_who_booked_nothing_gains_nothing(everybody, prior):
    for lifts in log_lifts(tally([0, 0, 0, 0]), tally(everybody), prior):
        np.testing.assert_allclose(lifts, 0.0, atol=1e-12)


@given(times, times, priors, st.integers(0, 3))
def test_one_more_booking_of_a_kind_never_makes_it_less_likely(own, everybody, prior, item):
    more = list(own)
    more[item] += 1
    before, after = (log_lifts(tally(made), tally(everybody), prior) for made in (own, more))
    codes = (ITEMS.category[item], ITEMS.subcategory[item], ITEMS.genres[item, 0])
    one = ITEMS.take(np.array([item]))
    assert of_items(after, one)[0] >= of_items(before, one)[0] - 1e-12
    for kind, code in enumerate(codes):
        assert after[kind][code] >= before[kind][code] - 1e-12


@given(times, priors)
def test_who_books_as_everybody_does_gains_little_and_more_of_a_kind_tells(everybody, prior):
    alike = Tally(tally(everybody).by_kind, tally(everybody).made)
    for lifts, counts in zip(log_lifts(alike, alike, prior), alike.by_kind, strict=True):
        # Only the booking that everybody is credited with is between them.
        often = np.asarray(counts) >= 100
        assert np.all(np.abs(lifts[often]) < 0.02)


def test_a_share_is_shrunk_towards_that_of_everybody():
    everybody = tally([100, 100, 100, 100])
    weak, strong = (log_lifts(tally([0, 0, 3, 0]), everybody, prior)[0][2] for prior in (30.0, 3.0))
    share = 101 / 401
    assert strong == pytest.approx(np.log((3 + 3 * share) / (6 * share)))
    assert 0.0 < weak < strong


def test_the_finest_kind_that_is_known_counts_and_of_several_genres_the_mean():
    figures = (
        np.array([0.0, 1.0, 2.0, 3.0]),
        np.array([0.0, 10.0, 20.0, 30.0, 40.0]),
        np.array([0.0, 100.0, 300.0]),
    )
    np.testing.assert_array_equal(of_items(figures, ITEMS), [200, 300, 2, 40])


def test_a_subcategory_is_met_once_any_of_it_was_booked():
    assert met(tally([0, 3, 5, 1])).tolist() == [0, 0, 1, 0, 1]
