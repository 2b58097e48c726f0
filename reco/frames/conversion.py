"""Cells of one column into its Arrow type, and which of them can't be taken; no loop over rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.interactions import EVENT_KINDS, SPLITS
from reco.errors import InvalidInput
from reco.frames.schema import Column, Kind

_SHOWN_CHARACTERS = 40
_ID_BYTES = 1_000
_EMPTY = "is empty"

_WORDS = frozenset({Kind.TEXT, Kind.TEXTS})
_TEXT_KINDS = _WORDS | {Kind.ID, Kind.URL, Kind.INTERACTION, Kind.SPLIT}
_NAMES = frozenset({"category", "subcategory"})

_LIMITS: Mapping[Kind, tuple[float, float]] = {
    Kind.LON: (-180.0, 180.0),
    Kind.LAT: (-90.0, 90.0),
    Kind.MONEY_EUR: (0.0, 21_474_836.47),
    Kind.COUNT: (0, 2**31 - 1),
    Kind.NUMBER: (-3.4028234e38, 3.4028234e38),
    # Years 1 to 9999 in days, 1 to 8999 in microseconds since 1970: a time is added to.
    Kind.DATE: (-719_162, 2_932_896),
    Kind.TIME: (-719_162 * 86_400_000_000, 2_567_655 * 86_400_000_000 - 1),
}

_ACCEPTED: Mapping[Kind, tuple[str, ...]] = {
    Kind.INTERACTION: EVENT_KINDS,
    Kind.SPLIT: SPLITS,
}

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_WRITTEN: Mapping[Kind, tuple[str, str]] = {
    Kind.LON: (_NUMBER, "is not a number"),
    Kind.LAT: (_NUMBER, "is not a number"),
    Kind.MONEY_EUR: (_NUMBER, "is not a number"),
    Kind.NUMBER: (_NUMBER, "is not a number"),
    Kind.COUNT: (r"^-?[0-9]+$", "is not a whole number"),
    Kind.FLAG: (r"^(?i:true|false)$", "is neither true nor false"),
    Kind.DATE: (r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "is not a date such as 2006-02-28"),
    Kind.TIME: (
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
        r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)$",
        "is not an ISO 8601 time with its zone, such as 2026-03-01T20:00:00Z",
    ),
}
"""How a kind is written in text, and what to say of a cell that is not."""


@dataclass(frozen=True)
class Fault:
    """The cells of a column that can't be taken for one reason.

    `cells` is a boolean mask of shape (rows,).
    """

    cells: NDArray[np.bool_]
    reason: str


def read_column(cells: pa.Array, column: Column, file: str) -> tuple[pa.Array, list[Fault]]:
    """Return `cells` as `column.arrow_type`, and the faults found on the way.

    Parameters
    ----------
    cells
        (rows,) text or bytes as a file shows them, where empty means missing; or values of a type
        that leads to `column.arrow_type` without loss.
    file
        Named in errors.

    Returns
    -------
    (rows,) the values, to be trusted only in rows without a fault; and the faults.

    Raises
    ------
    InvalidInput
        The type of `cells` can't hold such a column.
    """
    if _is_text(cells.type):
        values, faults = _from_text(cells, column)
    else:
        _check_type(cells.type, column, file)
        values, failing = _cast(cells, lambda some: some.cast(column.arrow_type))
        faults = [Fault(failing, f"does not fit {column.kind.value}")]
    faults += _out_of_bounds(values, column)
    if column.required:
        unexplained = np.logical_and.reduce([~fault.cells for fault in faults])
        faults.append(Fault(_mask(values.is_null()) & unexplained, _EMPTY))
    return values, [fault for fault in faults if fault.cells.any()]


def explained(cell: pa.Scalar, reason: str) -> str:
    """Return the reason with the cell that it is about, shortened."""
    if reason == _EMPTY:
        return reason
    try:
        value = cell.as_py()
    except (ValueError, OverflowError):
        # A moment that Python has no year for.
        value = str(cell.cast(pa.int64()).as_py())
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
    return f"{shown!r} {reason}"


def _from_text(cells: pa.Array, column: Column) -> tuple[pa.Array, list[Fault]]:
    text, undecodable = _cast(cells, lambda some: some.cast(pa.string()))
    empty = pc.equal(pc.binary_length(text), 0)
    if pc.any(empty).as_py():
        text = pc.if_else(empty, pa.scalar(None, pa.string()), text)
    faults = [Fault(undecodable, "is not UTF-8")]
    if column.kind in _WORDS and not pc.all(pc.string_is_ascii(text)).as_py():
        text = pc.utf8_normalize(text, "NFC")
    if column.kind in _TEXT_KINDS:
        return text, faults + _unfit_text(text, column)
    values, failing = _parsed(text, column.kind, column.arrow_type)
    return values, [*faults, Fault(failing, _WRITTEN[column.kind][1])]


def _parsed(text: pa.Array, kind: Kind, target: pa.DataType) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Parse all at once; only where that fails look which cells are to blame."""
    parse = _parse_flags if kind is Kind.FLAG else lambda some: some.cast(target)
    if kind not in {Kind.FLAG, Kind.COUNT}:
        try:
            return parse(text), np.zeros(len(text), dtype=np.bool_)
        except pa.ArrowInvalid:
            pass
    fits = pc.fill_null(pc.match_substring_regex(text, _WRITTEN[kind][0]), True)
    kept = pc.if_else(fits, text, pa.scalar(None, pa.string()))
    values, failing = _cast(kept, parse)
    return values, failing | ~_mask(fits)


def _parse_flags(text: pa.Array) -> pa.Array:
    return pc.equal(pc.utf8_lower(text), "true")


def _cast(
    cells: pa.Array, cast: Callable[[pa.Array], pa.Array]
) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Cast what can be cast; the cells that can't are found by halving, and become null."""
    try:
        return cast(cells), np.zeros(len(cells), dtype=np.bool_)
    except pa.ArrowInvalid:
        if len(cells) == 1:
            return cast(pa.nulls(1, cells.type)), np.ones(1, dtype=np.bool_)
    middle = len(cells) // 2
    halves = [_cast(cells[:middle], cast), _cast(cells[middle:], cast)]
    return (
        pa.concat_arrays([values for values, _ in halves]),
        np.concatenate([failing for _, failing in halves]),
    )


def _unfit_text(text: pa.Array, column: Column) -> list[Fault]:
    faults = []
    if column.kind in _ACCEPTED:
        accepted = _ACCEPTED[column.kind]
        known = pc.or_(pc.is_in(text, pa.array(accepted)), text.is_null())
        faults.append(Fault(~_mask(known), f"is not one of {', '.join(accepted)}"))
    # PostgreSQL takes no NUL in text, and no index entry beyond a third of a page.
    faults.append(Fault(_mask(pc.match_substring(text, "\0")), "holds a NUL character"))
    if column.kind is Kind.ID or column.name in _NAMES:
        long = _mask(pc.greater(pc.binary_length(text), _ID_BYTES))
        faults.append(Fault(long, f"is longer than {_ID_BYTES} bytes"))
    return faults


def _out_of_bounds(values: pa.Array, column: Column) -> list[Fault]:
    if column.kind not in _LIMITS:
        return []
    low, high = _LIMITS[column.kind]
    if column.kind is Kind.TIME:
        shown, values = "the years 1 to 8999", values.cast(pa.int64())
    elif column.kind is Kind.DATE:
        shown, values = "the years 1 to 9999", values.cast(pa.int32())
    else:
        shown = f"{low:,} to {high:,}"
    within = pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))
    return [Fault(~_mask(pc.fill_null(within, True)), f"is outside {shown}")]


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    names = {"string", "large_string", "string_view", "binary", "large_binary", "binary_view"}
    return str(kind) in names


def _check_type(kind: pa.DataType, column: Column, file: str) -> None:
    if pa.types.is_timestamp(kind) and kind.tz is None:
        raise InvalidInput(file, f"column {column.name} has times without a zone")
    target = column.arrow_type
    numeric = pa.types.is_floating(kind) or pa.types.is_integer(kind)
    fits = (
        kind == target
        or pa.types.is_null(kind)
        or (numeric and (pa.types.is_floating(target) or pa.types.is_integer(target)))
        or (pa.types.is_integer(kind) and column.kind is Kind.ID)
        or (pa.types.is_timestamp(kind) and column.kind is Kind.TIME)
        or (pa.types.is_date(kind) and column.kind is Kind.DATE)
    )
    if not fits:
        raise InvalidInput(file, f"column {column.name} is of type {kind}", [str(target)])


def _mask(flags: pa.Array) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return mask
