"""Open the files of a data set, or say which one is missing what."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from reco.errors import InvalidInput


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
    path, columns = existing(folder, name), [*texts, *numbers]
    try:
        with path.open(encoding="utf-8") as file:
            separator = ";" if ";" in file.readline() else ","
        header = pd.read_csv(path, sep=separator, nrows=0).columns
        if absent := set(columns) - set(header):
            raise InvalidInput(str(path), f"missing columns {sorted(absent)}", columns)
        table = pd.read_csv(path, sep=separator, dtype=str, usecols=columns)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InvalidInput(str(path), f"is no table in UTF-8 ({error})", columns) from error
    return table.assign(**{column: _numbers(path, table[column]) for column in numbers})


def _numbers(path: Path, cells: "pd.Series[str]") -> "pd.Series[float]":
    numbers = pd.to_numeric(cells, errors="coerce")
    wrong = cells[numbers.isna() & cells.notna()]
    if len(wrong):
        where = f"{cells.name} of row {wrong.index[0] + 1}"
        raise InvalidInput(str(path), f"{where} is {wrong.iloc[0]!r}, which is no number")
    return numbers


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
    except pd.errors.OutOfBoundsDatetime as error:
        reason = f"{since_1970.name} holds what is no moment in {unit} since 1970 ({error})"
        raise InvalidInput(str(folder / name), reason) from error


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
