"""Where the records of a CSV file begin; read only when there is a bad row to report."""

import csv
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

_FIELD_LIMIT = 2**31 - 1


@dataclass(frozen=True)
class RecordLines:
    """Lines on which records begin, from 1."""

    of_rows: dict[int, int] = field(default_factory=dict)
    """Line of each row asked for, by its number from 0 among the rows of the right width."""
    ragged: list[tuple[int, int]] = field(default_factory=list)
    """Line and number of cells of the first records of a wrong width."""


def record_lines(path: Path, rows: Collection[int], ragged: int, width: int) -> RecordLines:
    """Return where `rows` and the first `ragged` records of another width than `width` begin.

    Parameters
    ----------
    path
        A CSV file with a header line; blank lines are no records.
    rows
        Numbers from 0 among the records of `width` cells after the header.
    """
    found = RecordLines()
    last = max(rows, default=-1)
    number = -1
    for line, cells in _records(path):
        if cells == width:
            number += 1
            if number in rows:
                found.of_rows[number] = line
        elif len(found.ragged) < ragged:
            found.ragged.append((line, cells))
        if number >= last and len(found.ragged) >= ragged:
            break
    return found


def header(path: Path) -> list[str]:
    """Return the cells of the first record; none where the file has no record."""
    with opened(path) as file:
        return next((cells for cells in csv.reader(file) if cells), [])


def _records(path: Path) -> Iterator[tuple[int, int]]:
    """Yield the line and the number of cells of each record after the header."""
    with opened(path) as file:
        reader = csv.reader(file)
        next((cells for cells in reader if cells), None)
        line = reader.line_num + 1
        for cells in reader:
            if cells:
                yield line, len(cells)
            line = reader.line_num + 1


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """Open a CSV file for Python's reader, however long its cells are and whatever their bytes."""
    limit = csv.field_size_limit(_FIELD_LIMIT)
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            yield file
    finally:
        csv.field_size_limit(limit)
