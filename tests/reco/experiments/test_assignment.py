"""Assignment: the same for the same person always, even over buckets, new under another salt."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare

from reco.experiments.assignment import BUCKETS, bucket_of, shares, variant_at

PEOPLE = [f"u{number:07}" for number in range(40_000)]

ids = st.text(min_size=1, max_size=30)
weights = st.lists(st.floats(0.001, 1_000.0), min_size=2, max_size=6)


@pytest.fixture(scope="module")
def buckets():
    return {salt: np.array([bucket_of(salt, who) for who in PEOPLE]) for salt in ("one", "two")}


@given(ids, ids)
@settings(max_examples=40)
def test_a_bucket_sticks_to_a_person(salt, user_id):
    bucket = bucket_of(salt, user_id)
    assert bucket == bucket_of(salt, user_id)
    assert 0 <= bucket < BUCKETS


def test_buckets_do_not_change_with_a_release():
    # Written down once: a change would move people between the variants of what runs.
    assert [bucket_of("salt", who) for who in ("u1", "u2", "é")] == [4254, 3665, 487]


def test_buckets_are_even(buckets):
    for found in buckets.values():
        assert chisquare(np.bincount(found // 100, minlength=100)).pvalue > 0.001


def test_another_salt_draws_anew(buckets):
    one, two = (found // (BUCKETS // 4) for found in buckets.values())
    table = np.zeros((4, 4))
    np.add.at(table, (one, two), 1)
    assert chi2_contingency(table).pvalue > 0.001


def test_a_salt_and_a_name_do_not_run_into_each_other():
    assert len({bucket_of("a" * n, "a" * (40 - n)) for n in range(1, 40)}) > 35


@given(weights)
def test_weights_share_all_buckets(chosen):
    taken = shares(chosen)
    assert sum(taken) == BUCKETS
    expected = BUCKETS * np.array(chosen) / sum(chosen)
    assert np.abs(np.array(taken) - expected).max() <= 1.0


@given(weights, st.integers(0, BUCKETS - 1))
def test_every_bucket_has_its_variant(chosen, bucket):
    taken = shares(chosen)
    at = variant_at(bucket, taken)
    assert sum(taken[:at]) <= bucket < sum(taken[: at + 1])


def test_people_come_by_weight(buckets):
    taken = shares([1.0, 3.0])
    found = np.bincount([variant_at(bucket, taken) for bucket in buckets["one"]])
    assert chisquare(found, len(PEOPLE) * np.array([0.25, 0.75])).pvalue > 0.001
