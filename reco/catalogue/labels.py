"""Labels of items: few numbers that say category, subcategory and whether an item is digital."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Labels:
    """Which of L combinations each of I items has; all there are, ascending."""

    label: NDArray[np.int32]
    """(I,)"""
    category: NDArray[np.int16]
    """(L,) id."""
    subcategory: NDArray[np.int16]
    """(L,) id, 0 unknown."""
    is_digital: NDArray[np.bool_]
    """(L,)"""

    @classmethod
    def of(
        cls,
        category: NDArray[np.int16],
        subcategory: NDArray[np.int16],
        is_digital: NDArray[np.bool_],
    ) -> "Labels":
        """Return the labels of items with these columns, each (I,)."""
        columns = (category, subcategory, is_digital.astype(np.int8))
        shape = [int(column.max(initial=0)) + 1 for column in columns]
        is_there = np.zeros(shape, dtype=bool)
        is_there[columns] = True
        number = np.cumsum(is_there, dtype=np.int32).reshape(shape)
        values = [values.astype(np.int16) for values in np.nonzero(is_there)]
        return cls(number[columns] - np.int32(1), values[0], values[1], values[2].astype(bool))
