"""External ids: a letter and the row, padded so that their order is the rows' order."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

DIGITS = 7


def identifiers(prefix: str, rows: NDArray[np.integer]) -> pa.Array:
    """Return ids such as `u0000042`, shape (N,), as Arrow strings."""
    digits = pc.utf8_lpad(pa.array(rows).cast(pa.string()), DIGITS, "0")
    return pc.binary_join_element_wise(prefix, digits, "")
