"""Items without a history: who stands in for them, in training and for what came since."""

import numpy as np
import pytest
from tastes import two_tastes

from features.content import ItemContent
from features.interactions import interaction_matrix
from reco.model.content import Content
from training.content import content_of, fit_content, item_vectors
from training.fits import PARAMETERS, fit

UNMET = 39


def content_at(row):
    """Return the content of an item of `two_tastes`: the even are manga, the odd are plays."""
    if row % 2:
        return ItemContent("SPECTACLE", title="Une pièce de théâtre", venue=f"v{row % 3}")
    return ItemContent("LIVRE", genres=("manga",), title="Le tome suivant", price_cents=700)


@pytest.fixture(scope="module")
def matrix():
    return interaction_matrix(two_tastes())


@pytest.mark.parametrize("kind", ["als", "ials", "bpr", "hybrid", "itemknn", "ease", "filter"])
def test_what_nobody_met_is_scored_as_its_like(matrix, kind):
    scorer = fit(matrix, PARAMETERS[kind](), lambda: None).scorer
    content = content_of(scorer, matrix, [content_at(row) for row in range(40)])
    assert content.stand_in[:UNMET].tolist() == list(range(UNMET))
    assert content.stand_in[UNMET] % 2 == 1
    later = content.stand_ins([content_at(0), None, content_at(1)])
    assert later[0] % 2 == 0
    assert later[1] == -1
    assert later[2] % 2 == 1


def test_popularity_tells_no_items_apart(matrix):
    scorer = fit(matrix, PARAMETERS["popularity"](), lambda: None).scorer
    assert content_of(scorer, matrix, [content_at(row) for row in range(40)]) is None


@pytest.mark.parametrize("kind", ["itemknn", "ease", "filter"])
def test_items_of_near_vectors_are_scored_alike(matrix, kind):
    fitted = fit(matrix, PARAMETERS[kind](), lambda: None)
    vectors = item_vectors(fitted.scorer)[:UNMET]
    scores = np.nan_to_num(fitted.score_users(np.arange(59, dtype=np.int32)))[:, :UNMET]
    away = np.linalg.norm(vectors[:, np.newaxis] - vectors, axis=2)
    np.fill_diagonal(away, np.inf)
    likeness = np.corrcoef(scores.T)
    nearest = likeness[np.arange(UNMET), away.argmin(axis=1)].mean()
    assert nearest > np.median(likeness) + 0.2


def test_the_nearest_in_the_models_space_stands_in():
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(30, 4)).astype(np.float32)
    interest = np.append(np.ones(25), np.zeros(5))
    contents = [ItemContent("LIVRE", title=f"mot{chr(97 + row % 7)}") for row in range(30)]
    content = fit_content(vectors, interest, contents)
    predicted = {
        row % 7: vectors[[other for other in range(25) if other % 7 == row % 7]].mean(axis=0)
        for row in range(7)
    }
    for row in range(25, 30):
        stands = vectors[content.stand_in[row]]
        # Among the nearer half to the mean of its likes, which the ridge shrinks.
        away = np.linalg.norm(vectors[:25] - predicted[row % 7], axis=1)
        assert np.linalg.norm(stands - predicted[row % 7]) <= np.median(away)


def test_nothing_is_learned_from_nothing():
    vectors = np.ones((3, 2), dtype=np.float32)
    assert fit_content(vectors, np.ones(3), [None] * 3) is None
    assert fit_content(vectors, np.zeros(3), [ItemContent("LIVRE")] * 3) is None


def test_it_comes_back_from_its_arrays(matrix):
    scorer = fit(matrix, PARAMETERS["als"](), lambda: None).scorer
    content = content_of(scorer, matrix, [content_at(row) for row in range(40)])
    again = Content.from_arrays(content.arrays())
    some = [content_at(row) for row in range(4)]
    assert again.stand_ins(some).tolist() == content.stand_ins(some).tolist()
