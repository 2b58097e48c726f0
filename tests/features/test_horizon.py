"""The horizon: points by definition, gains that sum to the expected gain."""

import itertools
import math
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.horizon import POINTS, expected_gains, points, values_of

values = st.frozensets(
    st.tuples(st.sampled_from(sorted(POINTS)), st.sampled_from("abcd")), max_size=6
)
slates = st.lists(st.tuples(values, st.floats(0.0, 1.0, allow_nan=False)), min_size=1, max_size=6)


def test_an_offer_of_the_programme_is_worth_65_points_at_most():
    offer = values_of(
        category="SPECTACLE",
        venue_type="theatre",
        subcategory="SPECTACLE_REPRESENTATION",
        venue="v1",
        genres=["drame"],
    )
    assert points([offer]) == 65.0


def test_unknown_attributes_earn_nothing():
    assert points([values_of(category="LIVRE", venue_type=None, genres=[""])]) == 25.0


@given(slates, values)
def test_gains_sum_to_the_expectation_over_all_outcomes(slate, met):
    offers = [offer for offer, _ in slate]
    chances = [chance for _, chance in slate]
    expected = 0.0
    for booked in itertools.product([False, True], repeat=len(slate)):
        weight = math.prod(c if yes else 1 - c for c, yes in zip(chances, booked, strict=True))
        chosen = [offer for offer, yes in zip(offers, booked, strict=True) if yes]
        expected += weight * points(chosen, met)
    assert sum(expected_gains(offers, chances, met)) == pytest.approx(expected, abs=1e-9)


@given(slates, values, values)
def test_what_was_met_never_adds(slate, met, more):
    offers, chances = [offer for offer, _ in slate], [chance for _, chance in slate]
    before = expected_gains(offers, chances, met)
    after = expected_gains(offers, chances, met | more)
    assert all(a <= b + 1e-12 for a, b in zip(after, before, strict=True))


def test_two_offers_of_one_new_category_share_its_points():
    play = values_of(category="SPECTACLE")
    first, second = expected_gains([play, play], [0.5, 0.5], frozenset())
    assert (first, second) == (12.5, 6.25)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="shorter"):
        expected_gains([values_of(category="LIVRE")], [], frozenset())


_GAINS = """
from features.horizon import expected_gains, values_of
offers = [
    values_of(category=c, venue_type=c, subcategory=c, venue=c, genres=[c, c + c])
    for c in "abcdefghijklmnopqrstuvwxyz"
]
print([expected_gains([offer, offer], [0.0013, 0.0007], frozenset()) for offer in offers])
"""


def test_gains_are_the_same_in_each_process():
    """Of which each has an order of its own for the values of a set."""
    told = {
        subprocess.run(
            [sys.executable, "-c", _GAINS],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "012"
    }
    assert len(told) == 1
