"""What an item is about: words without noise, attributes that weigh, vectors of length one."""

from itertools import product
from string import ascii_lowercase
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.content import BUCKETS, ItemContent, content_matrix, content_terms, weighted

texts = st.none() | st.text(max_size=40)
contents = st.builds(
    ItemContent,
    category=st.sampled_from(["LIVRE", "CINEMA"]),
    subcategory=st.none() | st.just("LIVRE_PAPIER"),
    genres=st.lists(st.sampled_from(["manga", "essai"]), max_size=2).map(tuple),
    title=texts,
    description=texts,
    price_cents=st.none() | st.integers(0, 30_000),
    venue=st.none() | st.just("v1"),
)


def test_case_accents_and_stop_words_make_no_difference():
    one = content_terms(ItemContent("LIVRE", title="La Forêt des ÉTOILES"))
    other = content_terms(ItemContent("LIVRE", title="foret, etoiles"))
    assert one == other
    assert set(one) == {"foret", "etoiles", "category=LIVRE"}


def test_a_word_never_equals_an_attribute():
    named = content_terms(ItemContent("LIVRE", title="category=CINEMA genre=manga"))
    assert not {"category=CINEMA", "genre=manga"} & named.keys()


def test_each_attribute_is_a_term_that_weighs_three_words():
    content = ItemContent(
        "LIVRE", "LIVRE_PAPIER", ("manga", "humour"), price_cents=1_600, venue="v1"
    )
    attributes = {
        "category=LIVRE",
        "subcategory=LIVRE_PAPIER",
        "genre=manga",
        "genre=humour",
        "genre=LIVRE_PAPIER/manga",
        "genre=LIVRE_PAPIER/humour",
        "price=4",
        "venue=v1",
    }
    assert content_terms(content) == dict.fromkeys(attributes, 3.0)


@pytest.mark.parametrize(("cents", "price"), [(0, 0), (99, 0), (1_599, 3), (1_600, 4), (3_200, 5)])
def test_prices_are_told_apart_by_powers_of_two_of_euros(cents, price):
    assert f"price={price}" in content_terms(ItemContent("LIVRE", price_cents=cents))


def test_of_a_description_the_beginning_is_read():
    told = "aventure " + "." * 3_983 + " pirate galion"
    assert set(content_terms(ItemContent("LIVRE", description=told))) == {
        "aventure", "pirate", "category=LIVRE",
    }  # fmt: skip


def test_terms_of_one_bucket_are_one_entry_of_their_sum():
    bucket = {}
    for one in map("".join, product(ascii_lowercase, repeat=3)):
        other = bucket.setdefault(crc32(one.encode()) % BUCKETS, one)
        if other != one:
            break
    matrix = content_matrix([ItemContent("LIVRE", title=f"{one} {other}")])
    # What is counted by bucket is the items that have it, each once.
    assert sorted(matrix.data) == [2.0, 3.0]


def test_the_rarer_of_two_words_weighs_more():
    matrix = content_matrix([ItemContent("LIVRE", title="pirate galion")])
    pirate, galion = (crc32(word) % BUCKETS for word in (b"pirate", b"galion"))
    rarity = np.ones(BUCKETS)
    rarity[galion] = 4.0
    row = weighted(matrix, rarity).toarray()[0]
    assert np.isclose(row[galion], 4.0 * row[pirate])


@given(st.lists(contents, max_size=5))
def test_each_vector_has_length_one_and_depends_on_its_item_alone(several):
    rarity = np.linspace(1.0, 3.0, BUCKETS)
    together = weighted(content_matrix(several), rarity)
    assert together.shape == (len(several), BUCKETS)
    for row, content in enumerate(several):
        alone = weighted(content_matrix([content]), rarity)
        np.testing.assert_allclose(together[[row]].toarray(), alone.toarray())
        assert np.isclose(np.sqrt((alone.toarray() ** 2).sum()), 1.0)
