"""Open the files of a data set, or say which one is missing what."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from reco.errors import InvalidInput
from reco.frames.conversion import explained, read_column
from reco.frames.lines import opened
from reco.frames.schema import FRAMES

_ROWS_AT_ONCE = 100_000


def read_csv(
    folder: Path, name: str, texts: Sequence[str], numbers: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the columns `texts` and `numbers` of a file with a header line; empty cells are NaN.

    Cells are separated by what stands between the header's names: a comma or a semicolon.

    Raises
    ------
    InvalidInput
        The file or one of the columns is missing, or a cell of `numbers` is no number.
    """
    return pd.concat(csv_parts(folder, name, texts, numbers))


def csv_parts(
    folder: Path, name: str, texts: Sequence[str], numbers: Sequence[str] = ()
) -> Iterator[pd.DataFrame]:
    """Yield what `read_csv` returns in parts of a few rows, one at least: for millions of rows."""
    path, columns = existing(folder, name), [*texts, *numbers]
    try:
        separator = _separator(path)
        header = pd.read_csv(path, sep=separator, nrows=0).columns
        if absent := set(columns) - set(header):
            raise InvalidInput(str(path), f"missing columns {sorted(absent)}", columns)
        with pd.read_csv(
            path, sep=separator, dtype=str, usecols=columns, chunksize=_ROWS_AT_ONCE
        ) as parts:
            for part in parts:
                yield part.assign(**{name: _numbers(path, part[name]) for name in numbers})
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InvalidInput(str(path), f"is no table in UTF-8 ({error})", columns) from error


def _separator(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return ";" if ";" in file.readline() else ","


def _numbers(path: Path, cells: "pd.Series[str]") -> "pd.Series[float]":
    numbers = pd.to_numeric(cells, errors="coerce")
    refuse_cells(path, cells, numbers.isna() & cells.notna(), "is no number")
    return numbers


def refuse_cells(path: Path, cells: "pd.Series[Any]", wrong: "pd.Series[bool]", why: str) -> None:
    """Raise `InvalidInput` of the first of a column's cells that is wrong, if any is.

    Parameters
    ----------
    cells
        A column of a table as `read_csv` returns it, or of a part of it.
    wrong
        (rows,) which of them are wrong.
    """
    if wrong.any():
        place = int(np.argmax(wrong))
        reason = explained(pa.scalar(cells.iloc[place]), why)
        where = f"line {_line(path, int(cells.index[place]))}, column {cells.name}"
        raise InvalidInput(str(path), f"{where}: {reason}")


def require_fit(
    path: Path,
    cells: "pd.Series[Any]",
    frame: str,
    column: str,
    values: "pd.Series[Any] | None" = None,
) -> None:
    """Raise `InvalidInput` where a file's cells cannot become a column of a frame.

    The frame would tell it too, by names and rows of its own.

    Parameters
    ----------
    values
        What the cells say; None: they say it themselves.
    """
    (becomes,) = (one for one in FRAMES[frame].columns if one.name == column)
    said = pa.array(cells if values is None else values, from_pandas=True)
    for fault in read_column(said, becomes, path.name)[1]:
        refuse_cells(path, cells, pd.Series(fault.cells), fault.reason)


def _line(path: Path, row: int) -> int:
    """Return the line on which a row begins, from 0 after the header; blank lines are no rows."""
    with opened(path) as file:
        reader = csv.reader(file, delimiter=_separator(path))
        line, number = 1, -2
        for cells in reader:
            number += len(cells) > 1 or any(cell.strip() for cell in cells)
            if number == row:
                break
            line = reader.line_num + 1
    return line


def moments(
    folder: Path, name: str, since_1970: "pd.Series[float]", unit: Literal["s", "ms"]
) -> "pd.Series[pd.Timestamp]":
    """Return a column of numbers of a file as moments; NaN has none.

    Raises
    ------
    InvalidInput
        One of them lies beyond all calendars.
    """
    try:
        return pd.to_datetime(since_1970, unit=unit, utc=True)
    except pd.errors.OutOfBoundsDatetime:
        found = pd.to_datetime(since_1970, unit=unit, utc=True, errors="coerce")
        wrong = found.isna() & since_1970.notna()
        refuse_cells(folder / name, since_1970, wrong, f"is no moment in {unit} since 1970")
        raise


def read_numbers(folder: Path, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """Return a file of tab-separated numbers without a header line.

    Raises
    ------
    InvalidInput
        The file is missing, or a line does not hold just these numbers.
    """
    path = existing(folder, name)
    try:
        found = pd.read_csv(path, sep="\t", header=None)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InvalidInput(str(path), f"is no table of numbers ({error})", list(columns)) from error
    numeric = all(map(pd.api.types.is_numeric_dtype, found.dtypes))
    if found.shape[1] != len(columns) or not numeric or found.isna().any(axis=None):
        raise InvalidInput(str(path), f"each line must hold {len(columns)} numbers", list(columns))
    return found.set_axis(list(columns), axis=1)


def existing(folder: Path, name: str) -> Path:
    """Return the path of a file, or raise `InvalidInput` if it is not there."""
    path = folder / name
    if not path.is_file():
        raise InvalidInput(str(folder), f"there is no file {name} in it")
    return path
