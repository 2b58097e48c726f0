"""Arrow columns as PostgreSQL's binary COPY stream, without a Python object a row.

The format is the PostgreSQL manual's ("COPY", File Formats, Binary Format): a row is its number of
fields as an int16, then each field as its length in bytes (int32, -1 for null) and its content,
big endian.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_POSTGRES_EPOCH_DAYS = 10_957
_POSTGRES_EPOCH_US = _POSTGRES_EPOCH_DAYS * 86_400_000_000


@dataclass(frozen=True)
class _Field:
    """One column: contents back to back, and how long each is."""

    lengths: NDArray[np.int64]
    """(rows,) bytes of each content, 0 for null."""
    valid: NDArray[np.bool_]
    """(rows,)."""
    content: NDArray[np.uint8]
    """(sum of lengths,)."""


def copied_rows(columns: Sequence[pa.Array]) -> bytes:
    """Return the rows of `columns` as they follow `HEADER` in a binary COPY stream.

    Parameters
    ----------
    columns
        Of equal length, each of string (text), bool, int32 (integer), int64 (bigint), float32
        (real), float64 (double precision), date32 (date) or timestamp in microseconds
        (timestamptz).
    """
    fields = [_field(column) for column in columns]
    rows = len(columns[0])
    width = np.full(rows, 2, dtype=np.int64)
    for field in fields:
        width += 4 + field.lengths
    ends = np.cumsum(width)
    stream = np.empty(int(ends[-1]) if rows else 0, dtype=np.uint8)
    place = ends - width
    _put(stream, place, np.full(rows, len(fields), dtype=">i2"))
    place += 2
    for field in fields:
        _put(stream, place, np.where(field.valid, field.lengths, -1).astype(">i4"))
        place += 4
        _put_content(stream, place, field)
        place += field.lengths
    return stream.tobytes()


def _put(stream: NDArray[np.uint8], place: NDArray[np.int64], values: NDArray[np.generic]) -> None:
    """Write fixed-width `values` at the places."""
    content = values.view(np.uint8).reshape(len(values), values.itemsize)
    for byte in range(values.itemsize):
        stream[place + byte] = content[:, byte]


def _put_content(stream: NDArray[np.uint8], place: NDArray[np.int64], field: _Field) -> None:
    """Write contents of any width: each byte goes as far as the first of its content does."""
    starts = np.cumsum(field.lengths) - field.lengths
    offset = np.repeat(place - starts, field.lengths)
    offset += np.arange(len(field.content))
    stream[offset] = field.content


def _field(column: pa.Array) -> _Field:
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_string(column.type):
        lengths, content = _text(column)
        return _Field(lengths, valid, content)
    values = _fixed(column)[valid]
    return _Field(valid * np.int64(values.itemsize), valid, values.view(np.uint8))


def _text(column: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    # A null may have content behind it.
    filled = pc.fill_null(column, "") if column.null_count else column
    _, offset_buffer, content_buffer = filled.buffers()
    if content_buffer is None:
        return np.zeros(len(filled), dtype=np.int64), np.empty(0, dtype=np.uint8)
    offsets = np.frombuffer(offset_buffer, dtype=np.int32)
    offsets = offsets[filled.offset : filled.offset + len(filled) + 1]
    content = np.frombuffer(content_buffer, dtype=np.uint8)
    return np.diff(offsets).astype(np.int64), content[offsets[0] : offsets[-1]]


def _fixed(column: pa.Array) -> NDArray[np.generic]:
    """Return the values as they travel; what stands in place of a null is undefined."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return (_filled(column.cast(pa.int64())) - _POSTGRES_EPOCH_US).astype(">i8")
    if pa.types.is_date32(kind):
        return (_filled(column.cast(pa.int32())) - _POSTGRES_EPOCH_DAYS).astype(">i4")
    if pa.types.is_boolean(kind):
        return _filled(column.cast(pa.uint8()))
    values = _filled(column)
    return values.astype(values.dtype.newbyteorder(">"))


def _filled(column: pa.Array) -> NDArray[np.generic]:
    values: NDArray[np.generic] = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
    return values
