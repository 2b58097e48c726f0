"""Frames read piece by piece from a CSV file, a Parquet file or memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from reco.errors import BadRow, FramesRefused, InvalidInput
from reco.frames.lines import header, record_lines
from reco.frames.pieces import SHOWN_ROWS, FaultRecord, Piece, RowFault, read_piece
from reco.frames.schema import FrameSpec

_BLOCK_BYTES = 8 * 2**20
_BATCH_ROWS = 65_536


class FrameReader(Protocol):
    """One frame of a source."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are there."""
        ...

    def pieces(self) -> Iterator[Piece]:
        """Yield the good rows; raise `FramesRefused` after the last if there were bad ones."""
        ...

    def bad_rows(self, faults: Sequence[RowFault]) -> list[BadRow]:
        """Return `faults` with the lines on which they stand."""
        ...


class CsvReader:
    """A CSV file in UTF-8 with a header line.

    Raises
    ------
    InvalidInput
        A column is missing, unknown or there twice.
    """

    def __init__(self, path: Path, spec: FrameSpec) -> None:
        self._path = path
        self._spec = spec
        self.columns = tuple(header(path))
        _check_columns(path.name, self.columns, spec)

    def pieces(self) -> Iterator[Piece]:
        """Yield the good rows; raise `FramesRefused` after the last if there were bad ones."""
        record = FaultRecord()
        ragged: list[int | None] = []

        def skip(row: pacsv.InvalidRow) -> str:
            ragged.append(row.number)
            return "skip"

        try:
            yield from self._read(skip, record)
        except pa.ArrowInvalid as error:
            raise InvalidInput(self._path.name, f"cannot be read as CSV: {error}") from error
        if record.total or ragged:
            rows = self._bad_rows(record.first, len(ragged))
            raise FramesRefused(rows[:SHOWN_ROWS], record.total + len(ragged))

    def bad_rows(self, faults: Sequence[RowFault]) -> list[BadRow]:
        """Return `faults` with the lines on which they stand."""
        return self._bad_rows(faults, ragged=0)

    def _read(
        self, skip: Callable[[pacsv.InvalidRow], str], record: FaultRecord
    ) -> Iterator[Piece]:
        size = max(self._path.stat().st_size, 1)
        first_row = 0
        with pa.OSFile(str(self._path)) as file:
            reader = pacsv.open_csv(
                file,
                read_options=pacsv.ReadOptions(block_size=_BLOCK_BYTES),
                parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
                # Bytes, so that what is no UTF-8 is found cell by cell.
                convert_options=pacsv.ConvertOptions(
                    column_types=dict.fromkeys(self.columns, pa.binary()), check_utf8=False
                ),
            )
            for cells in reader:
                share = min(file.tell() / size, 1.0)
                yield read_piece(
                    cells,
                    self._spec,
                    self._path.name,
                    first_row=first_row,
                    share=share,
                    record=record,
                )
                first_row += len(cells)

    def _bad_rows(self, faults: Sequence[RowFault], ragged: int) -> list[BadRow]:
        name, width = self._path.name, len(self.columns)
        lines = record_lines(
            self._path, {fault.row for fault in faults}, min(ragged, SHOWN_ROWS), width
        )
        rows = [
            BadRow(name, lines.of_rows[fault.row], fault.column, fault.reason) for fault in faults
        ]
        rows += [
            BadRow(name, line, self.columns[min(cells, width) - 1], f"{cells} cells, not {width}")
            for line, cells in lines.ragged
        ]
        return sorted(rows, key=lambda row: row.line)


class ParquetReader:
    """A Parquet file; its rows are counted from 1 where a CSV file has lines.

    Raises
    ------
    InvalidInput
        The file is no Parquet file, or a column is missing, unknown or there twice.
    """

    def __init__(self, path: Path, spec: FrameSpec) -> None:
        self._path = path
        self._spec = spec
        with _readable(path), pq.ParquetFile(path) as file:
            self.columns = tuple(file.schema_arrow.names)
        _check_columns(path.name, self.columns, spec)

    def pieces(self) -> Iterator[Piece]:
        """Yield the good rows; raise `FramesRefused` after the last if there were bad ones."""
        with _readable(self._path), pq.ParquetFile(self._path) as file:
            batches = file.iter_batches(batch_size=_BATCH_ROWS)
            rows = file.metadata.num_rows
            yield from _typed_pieces(batches, rows, self._spec, self._path.name)

    def bad_rows(self, faults: Sequence[RowFault]) -> list[BadRow]:
        """Return `faults` with their rows."""
        return _counted(faults, self._path.name)


class MemoryReader:
    """A table in memory; its rows are counted from 1 where a file has lines.

    Raises
    ------
    InvalidInput
        A column is missing, unknown or there twice.
    """

    def __init__(self, table: pa.Table, spec: FrameSpec) -> None:
        self.columns = tuple(table.column_names)
        _check_columns(spec.name, self.columns, spec)
        self._table = table
        self._spec = spec

    def pieces(self) -> Iterator[Piece]:
        """Yield the good rows; raise `FramesRefused` after the last if there were bad ones."""
        batches = self._table.to_batches(max_chunksize=_BATCH_ROWS)
        yield from _typed_pieces(batches, len(self._table), self._spec, self._spec.name)

    def bad_rows(self, faults: Sequence[RowFault]) -> list[BadRow]:
        """Return `faults` with their rows."""
        return _counted(faults, self._spec.name)


def _typed_pieces(
    batches: Iterable[pa.RecordBatch], rows: int, spec: FrameSpec, file: str
) -> Iterator[Piece]:
    record = FaultRecord()
    first_row = 0
    for cells in batches:
        share = (first_row + len(cells)) / max(rows, 1)
        yield read_piece(cells, spec, file, first_row=first_row, share=share, record=record)
        first_row += len(cells)
    if record.total:
        raise FramesRefused(_counted(record.first, file), record.total)


def _counted(faults: Sequence[RowFault], file: str) -> list[BadRow]:
    return [BadRow(file, fault.row + 1, fault.column, fault.reason) for fault in faults]


def _check_columns(file: str, names: Sequence[str], spec: FrameSpec) -> None:
    known = [column.name for column in spec.columns]
    if not names:
        raise InvalidInput(file, "is empty, without even a header line", known)
    if unknown := [name for name in names if name not in known]:
        raise InvalidInput(file, f"unknown column {_listed(unknown)}", known)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidInput(file, f"column {_listed(twice)} is there twice")
    if absent := [c.name for c in spec.columns if c.required and c.name not in names]:
        raise InvalidInput(file, f"missing column {_listed(absent)}", known)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(path.name, f"cannot be read as Parquet: {error}") from error
