"""What every method chooses from: the likeliest candidates of one user."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reco.feed.slate import Quota
from reco.feed.widening import Values


@dataclass(frozen=True)
class Candidates:
    """C candidates of one user by descending probability; all arrays in this order."""

    probability: NDArray[np.float64]
    """(C,)"""
    values: Values
    """What each can add to the user's horizon."""
    latent: NDArray[np.float64]
    """(C, F) unit vectors, or zero: what the model knows of each."""
    attributes: "csr_array[np.float64]"
    """(C, A) unit vectors, or zero: category, subcategory, genre and venue type of each."""
    categories: NDArray[np.float64]
    """(C, K) shares of each one's categories."""
    tastes: NDArray[np.float64]
    """(K,) shares of the categories in the user's history; zeros without one."""
    is_large: NDArray[np.bool_]
    """(C,) whether its venue is one of the few that have half of all bookings."""
    seed: int
    """For what is left to chance."""
    quotas: Sequence[Quota] = ()
    """That `round_robin` and the DPPs keep; `reco.feed.slate` has more."""

    @cached_property
    def latent_likeness(self) -> NDArray[np.float64]:
        """(C, C) cosines of `latent`."""
        return np.asarray(self.latent @ self.latent.T)

    @cached_property
    def attribute_vectors(self) -> NDArray[np.float64]:
        """(C, B) `attributes` without the values that no candidate has: a few hundred are left."""
        known, column = np.unique(self.attributes.indices, return_inverse=True)
        vectors = np.zeros((self.attributes.shape[0], len(known)))
        row = np.repeat(np.arange(len(vectors)), np.diff(self.attributes.indptr))
        vectors[row, column] = self.attributes.data
        return vectors


Method = Callable[[Candidates, float, int], NDArray[np.int64]]
"""Candidates, the method's parameter and k -> up to k distinct rows, in any order."""
