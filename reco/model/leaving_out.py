"""What a score owes to each item of the history: how far it falls when that item is left out."""

from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.rows import ragged_rows
from reco.model.factors import Factors
from reco.model.history import History
from reco.model.hybrid import Hybrid
from reco.model.item_item import ItemItem
from reco.model.latent import solved
from reco.model.scorer import Scorer
from reco.model.weighted_factors import WeightedFactors


@singledispatch
def falls(
    scorer: Scorer, history: History, places: NDArray[np.int64], rows: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return how far each score falls when one item of the history is left out.

    The scorer is asked again without it. A score that it cannot give without the item falls as
    a whole.

    Parameters
    ----------
    places
        (P,) which items of the history, as places in it.
    rows
        (n,) items of the model that are scored.

    Returns
    -------
    (P, n) float64, on the model's own scale; NaN where it cannot say for the whole history.
    """
    whole = scorer.scores(history, rows)
    fall = np.empty((len(places), len(rows)))
    for at, place in enumerate(places):
        rest = History(np.delete(history.rows, place), np.delete(history.weights, place))
        fall[at] = whole - np.nan_to_num(scorer.scores(rest, rows))
    return fall


@falls.register
def _of_neighbours(
    scorer: ItemItem, history: History, places: NDArray[np.int64], rows: NDArray[np.int32]
) -> NDArray[np.float64]:
    """A sum falls by the term that is left out."""
    wanted, back = np.unique(rows, return_inverse=True)
    out = history.rows[places]
    entry, term = ragged_rows(scorer.neighbour_start, out)
    neighbour = scorer.neighbour_item[entry]
    column = np.minimum(np.searchsorted(wanted, neighbour), len(wanted) - 1)
    is_wanted = wanted[column] == neighbour
    fall = np.zeros((len(out), len(wanted)))
    similarity = scorer.neighbour_similarity[entry[is_wanted]].astype(np.float64)
    term = term[is_wanted]
    fall[term, column[is_wanted]] = history.weights[places].astype(np.float64)[term] * similarity
    fall[:, np.isnan(scorer.scores(history, wanted))] = np.nan
    return np.asarray(fall[:, back])


@falls.register
def _of_factors(
    scorer: Factors, history: History, places: NDArray[np.int64], rows: NDArray[np.int32]
) -> NDArray[np.float64]:
    extra = scorer.alpha * history.weights[places].astype(np.float64)
    terms = _Terms(scorer.item_factors[history.rows[places]], extra, 1.0 + extra)
    left, user = scorer.normal_equations(history), scorer.user_factor(history)
    return terms.falls(left, user, _known(scorer.item_factors, rows))


@falls.register
def _of_weighted_factors(
    scorer: WeightedFactors, history: History, places: NDArray[np.int64], rows: NDArray[np.int32]
) -> NDArray[np.float64]:
    """The regularisation stays that of the whole history: a term of the sum alone is left out."""
    out = history.rows[places]
    weight = history.weights[places].astype(np.float64) * scorer.observed_weight[out]
    terms = _Terms(scorer.item_factors[out], weight, weight)
    left, user = scorer.normal_equations(history), scorer.user_factor(history)
    return terms.falls(left, user, _known(scorer.item_factors, rows))


@falls.register
def _of_hybrid(
    scorer: Hybrid, history: History, places: NDArray[np.int64], rows: NDArray[np.int32]
) -> NDArray[np.float64]:
    beside = falls(scorer.beside, history, places, rows)
    return falls(scorer.factors, history, places, rows) + beside


@dataclass(frozen=True)
class _Terms:
    """What P items of the history bring to the equations that a user's factor x solves.

    An item of factor y adds `weight y y'` to the left side and `confidence y` to the right one.
    """

    factors: NDArray[np.float32]
    weight: NDArray[np.float64]
    confidence: NDArray[np.float64]

    def falls(
        self, left: NDArray[np.float64], user: NDArray[np.float64], others: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return how far the products of x and `others` (n, F) fall without each term.

        Sherman and Morrison (1950) give all solutions without one from the left side of all.
        """
        seen = self.factors.astype(np.float64)
        pulled = solved(left, seen)
        leverage = (seen * pulled).sum(axis=1)
        share = (self.confidence - self.weight * (seen @ user)) / (1.0 - self.weight * leverage)
        return np.asarray((share[:, np.newaxis] * pulled) @ others.T)


def _known(factors: NDArray[np.float32], rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the factors of `rows`, NaN where there are none to tell from."""
    known = factors[rows].astype(np.float64)
    known[(rows < 0) | ~known.any(axis=1)] = np.nan
    return known
