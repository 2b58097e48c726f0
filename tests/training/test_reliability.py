"""How far probabilities can be believed."""

import numpy as np
import pytest

from training.reliability import distinct_share, reliability


def test_the_true_probability_is_calibrated_and_twice_of_it_is_not():
    generator = np.random.default_rng(0)
    chance = generator.beta(1.0, 20.0, 60_000)
    outcome = generator.random(len(chance)) < chance
    true, doubled = reliability(chance, outcome), reliability(np.minimum(1, 2 * chance), outcome)
    assert true.ece_rel < 0.06
    assert doubled.ece == pytest.approx(chance.mean(), rel=0.1)
    assert true.log_loss < true.log_loss_base
    assert true.log_loss < doubled.log_loss
    assert true.brier == pytest.approx(np.mean((chance - outcome) ** 2))
    assert true.auc == pytest.approx(doubled.auc, abs=1e-3)


def test_a_flat_probability_is_told():
    assert distinct_share(np.full(10, 0.3)) == 0.1
    assert distinct_share(np.arange(10) / 10) == 1.0
