"""What an item is about: words without noise, attributes that weigh, vectors of length one."""

import numpy as np
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


@given(st.lists(contents, max_size=5))
def test_each_vector_has_length_one_and_depends_on_its_item_alone(several):
    rarity = np.linspace(1.0, 3.0, BUCKETS)
    together = weighted(content_matrix(several), rarity)
    assert together.shape == (len(several), BUCKETS)
    for row, content in enumerate(several):
        alone = weighted(content_matrix([content]), rarity)
        np.testing.assert_allclose(together[[row]].toarray(), alone.toarray())
        assert np.isclose(np.sqrt((alone.toarray() ** 2).sum()), 1.0)
