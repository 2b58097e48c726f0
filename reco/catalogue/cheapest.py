"""The least that each item costs anywhere, by classes of prices: no offer of it costs less."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES = 256
"""No more classes than that, about a twenty-fifth apart."""
CENTS = np.unique(
    np.append(0, np.ceil(np.exp(np.linspace(0.0, np.log(30_000.0), CLASSES - 1))))
).astype(np.int64)
"""(K,) the least price of each class, ascending; the last has no end."""

_CLASS_OF = np.searchsorted(CENTS, np.arange(CENTS[-1] + 1), side="right") - 1
"""The class of each price, up to the least of the last class."""
_SEVERAL = 3
_CAP_OF = np.array([_SEVERAL, 0, 1, _SEVERAL, 2, _SEVERAL, _SEVERAL, _SEVERAL])
"""By a bit for each of `reco.catalogue.shelf.CAPS`: the one that there is, or `_SEVERAL`."""


@dataclass(frozen=True)
class Cheapest:
    """What is known of the prices of items, up to the last one that is offered."""

    cents: NDArray[np.int32]
    """The least price."""
    caps: NDArray[np.uint8]
    """What its stocks count against, a bit each."""


def cheapest_of(
    item: NDArray[np.int32], price_cents: NDArray[np.int32], cap: NDArray[np.int8]
) -> Cheapest:
    """Return what is known of items by their stocks (S,)."""
    items = int(item.max(initial=-1)) + 1
    cents = np.full(items, np.iinfo(np.int32).max, dtype=np.int32)
    caps = np.zeros(items, dtype=np.uint8)
    np.minimum.at(cents, item, price_cents)
    np.bitwise_or.at(caps, item, np.left_shift(np.uint8(1), cap.astype(np.uint8)))
    return Cheapest(cents, caps)


def price_codes(parts: tuple[Cheapest, ...], items: int) -> NDArray[np.int16]:
    """Return for each item what it counts against, times `CLASSES`, plus the class of its price.

    It is 3 times where stocks count against several.
    """
    cents = np.full(items, np.iinfo(np.int32).max, dtype=np.int32)
    caps = np.zeros(items, dtype=np.uint8)
    for part in parts:
        known = slice(len(part.cents))
        np.minimum(cents[known], part.cents, out=cents[known])
        np.bitwise_or(caps[known], part.caps, out=caps[known])
    of_price = _CLASS_OF[np.minimum(cents, CENTS[-1])]
    return np.asarray(_CAP_OF[caps] * CLASSES + of_price, dtype=np.int16)
