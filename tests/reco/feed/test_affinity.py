"""What is added to bounds is what is added to log-odds, whatever the items."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from reco.catalogue.snapshot import Items
from reco.feed.affinity import Affinity

CODES = 4
figures = of_numpy.arrays(np.float64, CODES, elements=st.floats(-5, 5))


@st.composite
def items(draw):
    """Return items with any categories and subcategories, and up to three genres."""
    count = draw(st.integers(1, 20))
    codes = of_numpy.arrays(np.int16, count, elements=st.integers(0, CODES - 1))
    genres = np.zeros((count, 3), dtype=np.int16)
    for row in range(count):
        known = draw(st.sets(st.integers(1, CODES - 1)))
        genres[row, : len(known)] = sorted(known)
    return Items(
        item_id=np.arange(count),
        item_external_id=np.array([b"i"] * count),
        item_category=draw(codes),
        item_subcategory=draw(codes),
        item_is_digital=np.zeros(count, dtype=bool),
        item_genres=genres,
    )


@given(items(), figures, figures, figures, figures, st.integers(0, 2**32 - 1))
def test_bounds_gain_what_log_odds_do(known, category, subcategory, genre, met, seed):
    affinity = Affinity(known, (category, subcategory, genre), met)
    generator = np.random.default_rng(seed)
    rows = generator.integers(0, len(known), 30).astype(np.int32)
    at_most = generator.normal(size=30).astype(np.float32)
    exact = at_most + affinity.of_items(rows)
    affinity.add(rows, at_most)
    np.testing.assert_allclose(at_most, exact, atol=4e-6 * (1.0 + affinity.most))
    assert np.all(np.abs(affinity.of_items(rows)) <= affinity.most + 1e-12)
