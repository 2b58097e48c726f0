"""From what an item is about to where a model would put it: ridge regression on content."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from features.content import BUCKETS, ItemContent, content_matrix, weighted
from reco.catalogue.contents import read_contents
from reco.db.session import transaction
from reco.model.content import Content
from reco.model.dense import DenseItemItem
from reco.model.factors import Factors
from reco.model.hybrid import Hybrid
from reco.model.item_item import ItemItem
from reco.model.linear_filter import LinearFilter
from reco.model.scorer import Scorer
from reco.model.weighted_factors import WeightedFactors
from training.models.spectrum import right_spectrum
from training.run import Trained

MOST_IN_POOL = 20_000
"""Items that may stand in for others: the most met, whose vectors are known best."""
RIDGE = 1.0


_PROFILE = 64
"""Numbers that tell of the profile of an item, where a model has no vectors."""


def item_vectors(scorer: Scorer) -> NDArray[np.float32] | None:
    """Return the (I, F) vectors by which a model tells items apart; None: it does not.

    Items whose vectors are near are scored alike. Where scores are a history times a matrix of
    items by items, these are the principal coordinates of its columns.
    """
    if isinstance(scorer, Factors | WeightedFactors):
        return scorer.item_factors
    if isinstance(scorer, LinearFilter) and not len(scorer.neighbour_item):
        return scorer.output_factors
    if isinstance(scorer, Hybrid):
        return scorer.factors.item_factors
    matrix = _items_by_items(scorer)
    return None if matrix is None else _profiles(matrix)


def content_of(
    scorer: Scorer, matrix: "csr_array[np.float32]", contents: Sequence[ItemContent | None]
) -> Content | None:
    """Return how items without a history are scored by a model that was fitted on `matrix` (U, I).

    None: its kind has no vectors of items, or nothing can be learned.
    """
    vectors = item_vectors(scorer)
    interest: NDArray[np.float64] = np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel()
    return None if vectors is None else fit_content(vectors, interest, contents)


def content_of_world(conninfo: str, trained: Trained) -> Content | None:
    """Return the same of a model that was trained on a world's events, with what its items are."""
    final = trained.final
    with transaction(conninfo, read_only=True) as connection:
        contents = read_contents(connection, final.part.past.items)
    return content_of(final.fitted.scorer, final.matrix, contents)


def fit_content(
    vectors: NDArray[np.float32],
    interest: NDArray[np.floating],
    contents: Sequence[ItemContent | None],
) -> Content | None:
    """Learn from the items that people met where their content puts them.

    Each item that was met counts alike, however often: those that it is for were not met at all.

    Parameters
    ----------
    vectors
        (I, F) of the model's items.
    interest
        (I,) that all people together showed in each.
    contents
        Of the items; None: nothing is known.

    Returns
    -------
    None where nothing can be learned: no item that was met has a content.
    """
    has_content = np.array([content is not None for content in contents], dtype=bool)
    met = np.flatnonzero((interest > 0) & has_content & vectors.any(axis=1))
    if not len(met):
        return None
    counted = content_matrix([content for content in contents if content is not None])
    rarity = _rarity(np.bincount(counted.indices, minlength=BUCKETS), counted.shape[0])
    place = np.cumsum(has_content) - 1
    known = weighted(counted[place[met]], rarity)
    mapped = _ridge(known, vectors[met].astype(np.float64))
    pool = np.sort(met[np.argsort(-interest[met], kind="stable")[:MOST_IN_POOL]])
    content = Content(
        rarity=rarity,
        map=mapped,
        pool=pool.astype(np.int32),
        latent=np.ascontiguousarray(vectors[pool]),
        stand_in=np.arange(len(contents), dtype=np.int32),
    )
    return _with_stand_ins(content, interest, contents)


def _items_by_items(scorer: Scorer) -> "csr_array[np.float32] | LinearOperator | None":
    """Return the (I, I) matrix by which a model turns a history into scores, if there is one."""
    if isinstance(scorer, DenseItemItem):
        return aslinearoperator(scorer.similarity)
    if isinstance(scorer, ItemItem):
        return _neighbours(scorer)
    if isinstance(scorer, LinearFilter):
        inputs, outputs = scorer.input_factors, scorer.output_factors
        low_rank = aslinearoperator(inputs) @ aslinearoperator(outputs.T)
        return aslinearoperator(_neighbours(scorer)) + low_rank
    return None


def _neighbours(scorer: ItemItem | LinearFilter) -> "csr_array[np.float32]":
    items = len(scorer.neighbour_start) - 1
    parts = (scorer.neighbour_similarity, scorer.neighbour_item, scorer.neighbour_start)
    return csr_array(parts, shape=(items, items))


def _profiles(matrix: "csr_array[np.float32] | LinearOperator") -> NDArray[np.float32]:
    """Return the (I, F) principal coordinates of the columns of a matrix (I, I)."""
    squares, vectors = right_spectrum(matrix, _PROFILE, seed=0)
    return np.asarray(vectors * np.sqrt(squares).astype(np.float32))


def _with_stand_ins(
    content: Content, interest: NDArray[np.floating], contents: Sequence[ItemContent | None]
) -> Content:
    stand_in = content.stand_in.copy()
    unmet = np.flatnonzero(interest <= 0)
    stand_in[unmet] = content.stand_ins([contents[row] for row in unmet.tolist()])
    return replace(content, stand_in=stand_in)


def _ridge(known: "csr_array[np.float64]", vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the (BUCKETS, F) map of least squares; zeros for terms that no known item has."""
    used = np.unique(known.indices)
    columns = known[:, used]
    left: NDArray[np.float64] = (columns.T @ columns).toarray()
    left[np.diag_indices_from(left)] += RIDGE
    mapped = np.zeros((BUCKETS, vectors.shape[1]), dtype=np.float32)
    right = np.asarray(columns.T @ vectors, dtype=np.float64)
    mapped[used] = np.linalg.solve(left, right)
    return mapped


def _rarity(items: NDArray[np.integer], of: int) -> NDArray[np.float32]:
    """Return inverse document frequencies, smoothed as if one more item had every term."""
    return np.asarray(np.log((1.0 + of) / (1.0 + items)) + 1.0, dtype=np.float32)
