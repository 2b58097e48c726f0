"""What compiled code adds is what is told elsewhere, whatever the items; kinds of items."""

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
def test_compiled_code_adds_what_items_gain(known, category, subcategory, genre, met, seed):
    affinity = Affinity(known, (category, subcategory, genre), met)
    generator = np.random.default_rng(seed)
    rows = generator.integers(0, len(known), 30).astype(np.int32)
    before = generator.normal(size=30)
    gain = before.copy()
    affinity.add(rows, gain)
    np.testing.assert_allclose(gain, before + affinity.of_items(rows))


@given(items())
def test_items_of_a_kind_are_alike_and_those_of_two_are_not(known):
    kind, first = known.numbered_kinds
    alike = list(
        zip(
            known.item_category.tolist(),
            known.item_subcategory.tolist(),
            map(tuple, known.item_genres.tolist()),
            strict=True,
        )
    )
    assert [alike[first[number]] for number in kind] == alike
    assert len(set(alike)) == len(first)
