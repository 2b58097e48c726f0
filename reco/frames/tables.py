"""Frames in memory: made from columns, one function for readers, the simulator and tests."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from reco.errors import InvalidInput
from reco.frames.schema import FRAMES


def frame_table(name: str, columns: Mapping[str, Any]) -> pa.Table:
    """Return the frame `name` from columns of equal length, absent optional ones filled with nulls.

    An import takes these nulls for what is not there; to leave it as it is, the table must do
    without the column.

    Parameters
    ----------
    name
        A key of `FRAMES`.
    columns
        Column name to a sequence, NumPy array, pandas series or Arrow array; missing values are
        None, NaN or NaT.

    Raises
    ------
    InvalidInput
        A required column is missing, or a column is unknown to the format.
    """
    spec = FRAMES[name]
    known = {column.name for column in spec.columns}
    if unknown := set(columns) - known:
        raise InvalidInput(name, f"unknown columns {sorted(unknown)}", sorted(known))
    if absent := {c.name for c in spec.columns if c.required} - set(columns):
        raise InvalidInput(name, f"missing columns {sorted(absent)}")
    length = len(next(iter(columns.values())))
    arrays = [
        _as_array(columns[column.name], column.arrow_type)
        if column.name in columns
        else pa.nulls(length, column.arrow_type)
        for column in spec.columns
    ]
    return pa.Table.from_arrays(arrays, schema=spec.arrow_schema())


def _as_array(values: Any, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.cast(kind)
    array = pa.array(values, from_pandas=True)
    return array if array.type == kind else array.cast(kind)
