"""Columns of frames as numbers: rows of ids, microseconds, cents."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def rows_in(
    ids: pa.ChunkedArray, known: pa.Array | pa.ChunkedArray, missing: int
) -> NDArray[np.int64]:
    """Return the place of each of `ids` in `known`, `missing` where it is null or not there."""
    values = known if isinstance(known, pa.Array) else known.combine_chunks()
    rows = pc.index_in(ids, value_set=values)
    return np.asarray(pc.fill_null(rows, missing).to_numpy(), dtype=np.int64)


def times_us(column: pa.ChunkedArray, missing: int) -> NDArray[np.int64]:
    """Return microseconds since 1970, `missing` where there is no time."""
    filled = pc.fill_null(column.cast(pa.int64()), pa.scalar(int(missing), pa.int64()))
    return np.asarray(filled.to_numpy(), dtype=np.int64)


def coarse_degrees(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return degrees on the grid of 100 m, halves away from 0: as the database rounds homes."""
    thousandths = np.round(np.abs(degrees) * 1_000.0, 9)
    return np.asarray(np.sign(degrees) * np.floor(thousandths + 0.5) / 1_000.0)


def cents(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return euros as cents, 0 where there are none."""
    euros = np.asarray(pc.fill_null(column, 0.0).to_numpy(), dtype=np.float64)
    return np.asarray(np.rint(100.0 * euros), dtype=np.int64)
