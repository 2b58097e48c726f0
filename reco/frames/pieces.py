"""A piece of a frame: rows that can be taken, and the record of those that can't."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reco.frames.conversion import Fault, explained, read_column
from reco.frames.schema import Column, FrameSpec

SHOWN_ROWS = 20
"""How many bad rows are shown; the others are counted."""


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of a frame, without the bad ones."""

    table: pa.Table
    """Of exactly the frame's schema."""
    rows: NDArray[np.int64]
    """(len(table),) number of each row in its file, from 0."""
    share: float
    """How much of the file has been read with this piece, 0 to 1."""


@dataclass(frozen=True)
class RowFault:
    """What is wrong with a row, which is counted from 0 as `Piece.rows` is."""

    row: int
    column: str
    reason: str


@dataclass
class FaultRecord:
    """The first bad rows of a frame, and how many there are."""

    first: list[RowFault] = field(default_factory=list)
    total: int = 0

    def add(self, faults: Sequence[RowFault], total: int) -> None:
        """Take note of `total` more bad rows, of which `faults` are the first."""
        self.total += total
        self.first += faults[: SHOWN_ROWS - len(self.first)]


def read_piece(
    cells: pa.RecordBatch,
    spec: FrameSpec,
    file: str,
    *,
    first_row: int,
    share: float,
    record: FaultRecord,
) -> Piece:
    """Return the rows of `cells` that can be taken and note the others in `record`.

    Parameters
    ----------
    cells
        Columns of the frame in any order, optional ones may be absent; see `read_column`.
    file
        Named in errors.
    first_row
        Number of the first row in its file, from 0.
    share
        How much of the file has been read, 0 to 1.
    """
    arrays: list[pa.Array] = []
    faults: list[tuple[Column, Fault]] = []
    for column in spec.columns:
        if column.name in cells.schema.names:
            values, found = read_column(cells.column(column.name), column, file)
            faults += [(column, fault) for fault in found]
        else:
            values = pa.nulls(len(cells), column.arrow_type)
        arrays.append(values)
    table = pa.Table.from_arrays(arrays, schema=spec.arrow_schema())
    rows = first_row + np.arange(len(cells), dtype=np.int64)
    if not faults:
        return Piece(table, rows, share)
    bad = np.logical_or.reduce([fault.cells for _, fault in faults])
    record.add(_row_faults(cells, bad, faults, first_row), int(bad.sum()))
    return Piece(table.filter(pa.array(~bad)), rows[~bad], share)


def _row_faults(
    cells: pa.RecordBatch,
    bad: NDArray[np.bool_],
    faults: Sequence[tuple[Column, Fault]],
    first_row: int,
) -> list[RowFault]:
    """Return the first bad rows, each with the first of its faults."""
    shown = []
    for index in np.flatnonzero(bad)[:SHOWN_ROWS].tolist():
        column, fault = next(pair for pair in faults if pair[1].cells[index])
        reason = explained(cells.column(column.name)[index], fault.reason)
        shown.append(RowFault(first_row + index, column.name, reason))
    return shown
