"""How much of what is shown goes to each item and venue (METRICS, 3)."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from training.beyond import venue_exposures


@dataclass(frozen=True)
class Exposed:
    """What one system showed people in one week: N exposures; and how many things there were."""

    person: NDArray[np.int64]
    """(N,) numbered from 0 on."""
    thing: NDArray[np.int64]
    """(N,) item or venue."""
    weight: NDArray[np.number]
    """(N,) whole numbers or not."""
    count: int
    """Things that could have been shown."""


def items_exposed(rows: pa.Table, person: NDArray[np.int64]) -> Exposed:
    """Return the items that the slates of `rows` show to persons (R,), each as much."""
    thing, place = _flat(rows["items"])
    shown = pc.list_value_length(rows["items"]).to_numpy()
    return Exposed(
        np.repeat(person, shown),
        thing,
        np.ones(len(place), dtype=np.int64),
        rows["bookable_items"][0].as_py(),
    )


def venues_exposed(rows: pa.Table, person: NDArray[np.int64]) -> Exposed:
    """Return the venues that the slates of `rows` show to persons (R,), discounted by position."""
    thing, place = _flat(rows["venues"])
    owner = np.repeat(person, pc.list_value_length(rows["venues"]).to_numpy())
    there = thing >= 0
    weight = 1.0 / np.log2(place[there] + 2.0)
    return Exposed(owner[there], thing[there], weight, rows["bookable_venues"][0].as_py())


def venue_exposure(rows: pa.Table, venues: int = 0) -> NDArray[np.float64]:
    """Return what each venue is shown in the slates of `rows` (`venue_exposures`).

    Parameters
    ----------
    venues
        Length of what is returned at least.
    """
    return venue_exposures(*_flat(rows["venues"]), venues)


def with_unshown(exposure: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the exposures of those shown, and zeros for those of `count` that were not."""
    shown = exposure[exposure > 0]
    return np.append(shown, np.zeros(max(0, count - len(shown))))


def _flat(lists: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what stands in lists, one after the other, and the place of each in its list."""
    length = pc.list_value_length(lists).to_numpy()
    flat = pc.list_flatten(lists).to_numpy().astype(np.int64)
    return flat, np.arange(len(flat)) - np.repeat(np.cumsum(length) - length, length)
