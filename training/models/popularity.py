"""Popularity, weighted by the strength of interest: of a window, and by area where asked for."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reco.errors import InvalidInput
from reco.model.popularity import Areas, Popularity
from training.models.areas import area_shares, by_area
from training.models.fitted import Advance, Fitted
from training.models.known_items import UNKNOWN, KnownItems


@dataclass(frozen=True)
class PopularityParameters:
    """Settings of popularity."""

    kind: ClassVar[str] = "popularity"
    half_life_days: float | None = None
    """Age at which an event counts half; None: all ages count alike."""
    window_days: float | None = None
    """Only what was done in so many days before the fit counts; None: all of it."""
    areas: int = 1
    """Into how many areas the places of items are parted; 1: everywhere is alike."""
    area_prior: float = 100.0
    """Bookings' worth of belief that an area likes what all others do."""

    @property
    def steps(self) -> int:
        """Steps of a fit, for its progress."""
        return 1


def fit_popularity(
    matrix: "csr_array[np.float32]",
    parameters: PopularityParameters,
    advance: Advance,
    items: KnownItems = UNKNOWN,
) -> Fitted:
    """Sum the interest of all users (U, I) in each item, or that of the users of each area.

    Raises
    ------
    InvalidInput
        There are to be areas and no item has a place, or more areas than a model may hold; or
        nothing was done within the window.
    """
    counted = _counted(matrix, parameters, items)
    popularity = item_popularity(counted)
    areas = None
    if parameters.areas > 1 and counted.sum() > 0:
        areas = by_area(matrix, counted, items.lonlat, parameters.areas, parameters.area_prior)
    advance()
    return Fitted(Popularity(popularity, areas), _ScoreUsers(popularity, areas, matrix))


@dataclass(frozen=True)
class _ScoreUsers:
    popularity: NDArray[np.float32]
    areas: Areas | None
    matrix: "csr_array[np.float32]"

    def __call__(self, users: NDArray[np.int32]) -> NDArray[np.float64]:
        scores = np.tile(self.popularity.astype(np.float64), (len(users), 1))
        if self.areas is not None:
            shares = area_shares(self.matrix[users], self.areas.item_area)
            of_areas = np.asarray(shares.astype(np.float32) @ self.areas.popularity)
            goes = np.asarray(shares.sum(axis=1)) > 0
            scores[goes] = np.where(np.isnan(scores[goes]), np.nan, of_areas[goes])
        return scores


def _counted(
    matrix: "csr_array[np.float32]", parameters: PopularityParameters, items: KnownItems
) -> "csr_array[np.float32]":
    if parameters.window_days is None:
        return matrix
    if items.lately is None or not items.lately.nnz:
        raise InvalidInput(
            "window_days",
            f"nothing was done in the {parameters.window_days:g} days before the fit: "
            "a longer window, or none, has something to count",
        )
    return items.lately


def item_popularity(matrix: "csr_array[np.float32]") -> NDArray[np.float32]:
    """Return the sum of each column, NaN where it is empty."""
    total = np.bincount(matrix.indices, matrix.data, minlength=matrix.shape[1])
    return np.where(total > 0, total, np.nan).astype(np.float32)
