"""What compiled code adds is what is told elsewhere, whatever the items; kinds of items."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from reco.catalogue.numbering import Numbering
from reco.catalogue.snapshot import Items
from reco.feed.affinity import Affinity, preferred_of
from reco.feed.state import Booked

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


def _booked(genre):
    return Booked(
        item_id=1, item="i", at=None, amount_cents=0, cap="none", category="LIVRE",
        subcategory=None, venue=None, venue_type=None, genres=[genre], title=None,
    )  # fmt: skip


def test_of_several_genres_the_one_is_told_that_is_booked_beyond_what_others_book():
    genres = ("manga", "poésie", "roman")
    numbering = Numbering.of({1: "LIVRE"}, {}, (), (), genres)
    nothing = np.zeros(CODES)
    # Most of what is booked are novels, and yet fewer than others book.
    affinity = Affinity(None, (nothing, nothing, np.array([0.0, 1.7, 0.4, -0.2])), nothing)
    bookings = [_booked(genre) for genre in ("roman",) * 8 + ("manga",) * 6]
    of_both, of_one, of_none = (
        SimpleNamespace(genres=named, category="LIVRE", subcategory=None)
        for named in (("roman", "manga"), ("roman",), ("poésie",))
    )
    gained = np.array([0.75, 0.75, 0.75])
    told, *others = preferred_of(affinity, numbering, gained, bookings, [of_both, of_one, of_none])
    assert (told.value, told.bookings, told.gained) == (("genre", "manga"), 6, 0.75)
    assert others == [None, None]
    assert preferred_of(affinity, numbering, np.array([0.1]), bookings, [of_both]) == [None]
