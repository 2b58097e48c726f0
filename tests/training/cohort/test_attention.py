from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.errors import InvalidInput
from training.cohort.assumptions import Assumptions
from training.cohort.attention import Chances, attention

from .conftest import TINY


@given(st.floats(0.0, 3.0))
def test_a_bias_moves_attention_and_adds_none(bias):
    chance = attention(replace(TINY, position_bias=bias))
    assert chance.mean() == pytest.approx(TINY.parameters.impression_rate)
    assert (np.diff(chance) <= 1e-15).all()


def test_attention_falls_as_the_discount_of_the_metrics():
    chance = attention(TINY)
    np.testing.assert_allclose(chance / chance[0], 1 / np.log2(np.arange(TINY.n) + 2.0))


def test_chances_are_those_of_the_seed_and_the_week():
    first = Chances.of_week(TINY, 1, 5)
    np.testing.assert_array_equal(first.booking, Chances.of_week(TINY, 1, 5).booking)
    assert (first.booking != Chances.of_week(TINY, 1, 6).booking).all()
    assert (first.booking != Chances.of_week(TINY, 2, 5).booking).all()
    assert first.is_looked_at.mean() == pytest.approx(TINY.parameters.impression_rate, rel=0.5)


@pytest.mark.parametrize("wrong", [{"people": 0}, {"months": 0}, {"position_bias": -1.0}])
def test_senseless_assumptions_are_refused_by_name(wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        replace(TINY, **wrong)


@pytest.mark.parametrize("credit_eur", [0.0, -1.0])
def test_a_credit_is_above_nothing(credit_eur):
    with pytest.raises(InvalidInput, match="credit_eur"):
        replace(TINY, parameters=replace(TINY.parameters, credit_eur=credit_eur))


def test_other_assumptions_have_another_digest():
    assert TINY.digest() == Assumptions(**vars(TINY)).digest()
    assert TINY.digest() != replace(TINY, people=51).digest()


def test_a_position_bias_is_no_part_of_the_world():
    biased = replace(TINY, position_bias=0.0)
    assert biased.digest() != TINY.digest()
    assert biased.world_digest() == TINY.world_digest()
    assert replace(TINY, people=51).world_digest() != TINY.world_digest()
