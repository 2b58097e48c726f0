"""Accuracy figures against ranx, which METRICS names as what they mean.

Always against the figures that it told of a file's lists; where it is installed (extra `oracle`),
against itself, too.
"""

import warnings

import numpy as np
import pytest
from ranx_figures import CUTOFFS, NAMES, drawn, figures_by_ranx, kept
from scipy.sparse import csr_array

from training.metrics import user_figures


@pytest.fixture
def ranx():
    with warnings.catch_warnings():
        # Its own dependencies warn when they are imported.
        warnings.simplefilter("ignore")
        return pytest.importorskip("ranx", reason="needs ranx: pip install 'reco[oracle]'")


def are_ours(lists, wanted, figures):
    """Assert that we tell the same of each person; returns the figures that were compared."""
    ours = user_figures(lists, csr_array(wanted), CUTOFFS)
    for name, expected in figures.items():
        np.testing.assert_allclose(ours[name], expected, atol=1e-9, err_msg=name)
        assert 0.0 < expected.mean() < 1.0
    return set(figures)


def test_figures_of_each_person_are_those_that_ranx_told():
    version, *told = kept()
    assert version.startswith("0.3")
    assert are_ours(*told) == {f"{name}@{k}" for name in NAMES for k in CUTOFFS}


@pytest.mark.slow
@pytest.mark.extras
@pytest.mark.filterwarnings("ignore:unsafe cast")
def test_figures_of_each_person_are_those_of_ranx(ranx):
    lists, wanted = drawn(users=300, seed=6)
    are_ours(lists, wanted, figures_by_ranx(ranx, lists, wanted))
    _, *told, before = kept()
    for name, again in figures_by_ranx(ranx, *told).items():
        np.testing.assert_allclose(again, before[name], atol=1e-9, err_msg=name)
