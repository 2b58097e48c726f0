"""Popularity by area: what is liked by those who go out where a person does."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from sklearn.cluster import KMeans

from reco.errors import InvalidInput
from reco.model.popularity import Areas
from training.models.ball import on_ball

_MOST_NUMBERS = 150_000_000
"""600 MB of them."""


def by_area(
    matrix: "csr_array[np.float32]",
    counted: "csr_array[np.float32]",
    lonlat: NDArray[np.float64] | None,
    most: int,
    prior: float,
) -> Areas:
    """Return what is popular in each area, and which items are in it.

    A person is of each area by the share of their interest in placed items that are there; an
    area's popularity is the interest of its people, smoothed by `prior` bookings that are shared
    out as everybody's are, on the scale of the popularity of all.

    Parameters
    ----------
    matrix
        (U, I) interest that tells where people go.
    counted
        (U, I) interest that is counted; not all of it 0.
    lonlat
        (I, 2) degrees, NaN where the place of an item is not known.
    most
        At most so many areas, found by k-means; fewer where there are fewer places.

    Raises
    ------
    InvalidInput
        No item has a place, or so many areas of so many items are more than a model may hold.
    """
    item_area = _areas_of_items(lonlat, most, matrix.shape[1])
    people = csr_array(area_shares(matrix, item_area).T)
    total = np.bincount(counted.indices, counted.data, counted.shape[1]).astype(np.float64)
    everybody = total.sum()
    as_everybody = prior * total / everybody
    popularity = np.empty((people.shape[0], len(total)), dtype=np.float32)
    for area in range(len(popularity)):
        of_area = (people[[area]] @ counted).toarray()[0]
        smoothed = of_area + as_everybody
        popularity[area] = everybody * smoothed / smoothed.sum()
    return Areas(item_area, popularity)


def area_shares(
    matrix: "csr_array[np.float32]", item_area: NDArray[np.int32]
) -> "csr_array[np.float64]":
    """Return (U, A) which share of a person's interest in placed items is in each area."""
    placed = np.flatnonzero(item_area >= 0)
    shape = matrix.shape[1], int(item_area.max()) + 1
    where = csr_array((np.ones(len(placed)), (placed, item_area[placed])), shape=shape)
    goes = csr_array(matrix @ where)
    spent = np.asarray(goes.sum(axis=1))
    return csr_array(diags_array(1.0 / np.where(spent > 0, spent, np.inf)) @ goes)


def _areas_of_items(lonlat: NDArray[np.float64] | None, most: int, items: int) -> NDArray[np.int32]:
    """Return (I,) the area of each item; -1 where its place is not known."""
    ball = np.full((items, 3), np.nan) if lonlat is None else on_ball(lonlat)
    placed = np.flatnonzero(~np.isnan(ball).any(axis=1))
    if not len(placed):
        raise InvalidInput(
            "areas", "no item has a place: popularity by area needs items of one venue alone"
        )
    # By metres: what is nearer is one place.
    areas = min(most, len(np.unique(ball[placed].round(), axis=0)))
    if areas * items > _MOST_NUMBERS:
        raise InvalidInput(
            "areas",
            f"{areas:,} areas of {items:,} items are more than a model may hold: "
            f"at most {_MOST_NUMBERS // items:,}",
        )
    item_area = np.full(items, -1, dtype=np.int32)
    item_area[placed] = KMeans(areas, n_init=1, random_state=0).fit_predict(ball[placed])
    return item_area
