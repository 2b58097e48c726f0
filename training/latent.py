"""What lists do beyond relevance, told by vectors of the items (METRICS, 3)."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from training.beyond import ild, volume


def latent_figures(
    ranked: NDArray[np.int32], latent: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return `ild_latent` and `volume` of lists (n, k), of their items that have a vector.

    NaN where a list has less than two of them.

    Parameters
    ----------
    latent
        (I, F) of the items; zeros of one that nobody had met.
    """
    shown, place = np.unique(ranked[ranked >= 0], return_inverse=True)
    vectors = latent[shown]
    listed = np.full(ranked.shape, -1, dtype=np.int32)
    listed[ranked >= 0] = np.where(np.any(vectors != 0.0, axis=1)[place], place, -1)
    has_pair = np.count_nonzero(listed >= 0, axis=1) > 1
    return {
        "ild_latent": np.where(has_pair, ild(listed, csr_array(vectors)), np.nan),
        "volume": np.where(has_pair, volume(listed, vectors), np.nan),
    }
