"""Query results as NumPy arrays: no Python object a value."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

_PACKED = "select {packed} from ({query}) as packed ({names})"
_HEADER_BYTES = 11 + 4 + 4
_TRAILER_BYTES = 2
_UNIX_OF_POSTGRES_US = 946_684_800_000_000

_DTYPES: Mapping[str, str] = {
    "int8": ">i8",
    "int4": ">i4",
    "int2": ">i2",
    "float8": ">f8",
    "float4": ">f4",
    "bool": "?",
    "time": ">i8",
}
"""PostgreSQL type to what the server sends (big endian); `time` is timestamptz."""
_A_ROW = "boolsend(true)"
LENGTH = np.dtype(">i4")
"""What `int4send` makes of the length of a text."""

FOREVER_US = np.iinfo(np.int64).max
"""Where a time never comes (`infinity` in PostgreSQL), in microseconds since 1970."""
NEVER_US = np.iinfo(np.int64).min
"""Where a time has always been past (`-infinity`)."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Return microseconds since 1970 UTC."""
    since = moment - (_EPOCH if moment.tzinfo else _EPOCH.replace(tzinfo=None))
    return since // _MICROSECOND


def moment_of(at_us: int) -> datetime | None:
    """Return the moment of `micros`, in UTC; None where it is unknown or never comes."""
    return None if at_us in (NEVER_US, FOREVER_US) else _EPOCH + timedelta(microseconds=at_us)


def fetch_arrays(
    connection: psycopg.Connection[Any],
    query: str,
    columns: Mapping[str, str],
    parameters: Mapping[str, Any] | None = None,
) -> dict[str, NDArray[Any]]:
    """Run `query` and return one array a column, packed by the server: one row comes.

    So a process that answers others meanwhile does not spend its time on rows, of which COPY makes
    a message each. The server holds that row in memory, and none of more than a gigabyte: where
    there may be tens of millions see `stream_arrays`.

    Parameters
    ----------
    query
        A select whose columns are never null and have, in order, the types of `columns`.
    columns
        Name to type, one of int8, int4, int2, float8, float4, bool, time (timestamptz, returned
        as int64 microseconds since 1970, with `FOREVER_US` and `NEVER_US` for infinities), and
        text (UTF-8, dtype 'S').
    parameters
        Named parameters of the query, bound on the client side.

    Returns
    -------
    Arrays of shape (rows,), native byte order.

    Raises
    ------
    ValueError
        A column is null somewhere.
    """
    sent = [part for place, kind in enumerate(columns.values()) for part in _sent(place, kind)]
    rows, *contents = fetch_packed(connection, query, len(columns), [_A_ROW, *sent], parameters)
    packed = iter(contents)
    found: dict[str, NDArray[Any]] = {}
    for name, kind in columns.items():
        if kind == "text":
            lengths = np.frombuffer(next(packed), dtype=LENGTH)
            found[name] = _texts(lengths, next(packed))
        else:
            found[name] = _native(np.frombuffer(next(packed), dtype=_DTYPES[kind]), kind)
    # What is null is left out.
    if any(len(column) != len(rows) for column in found.values()):
        raise _misread(columns)
    return found


def fetch_packed(
    connection: psycopg.Connection[Any],
    query: str,
    width: int,
    sent: Sequence[str],
    parameters: Mapping[str, Any] | None = None,
) -> list[bytes]:
    """Run `query`, of `width` columns, and return what the server packs of each, row after row.

    Parameters
    ----------
    sent
        Expressions of `column_0`, `column_1` and so on that give bytes; what is null is left out.
    """
    fields = {
        "packed": ", ".join(f"string_agg({part}, '')" for part in sent),
        "query": _bound(connection, query, parameters),
        "names": ", ".join(f"column_{place}" for place in range(width)),
    }
    # Each statement is another: nothing is gained by keeping it.
    statement = _PACKED.format(**fields).encode()
    read = connection.cursor(binary=True).execute(statement, prepare=False).fetchall()
    return [content or b"" for content in read[0]]


def _sent(place: int, kind: str) -> tuple[str, ...]:
    """Return what packs a value: of a text its length, then its bytes."""
    column = f"column_{place}"
    if kind == "text":
        content = f"convert_to({column}, 'UTF8')"
        return (f"int4send(octet_length({content}))", content)
    return (f"timestamptz_send({column})",) if kind == "time" else (f"{kind}send({column})",)


def _texts(lengths: NDArray[np.integer], content: bytes) -> NDArray[np.bytes_]:
    """Return texts of these lengths, which stand in `content` one after the other."""
    widest = int(lengths.max(initial=1))
    letters = np.zeros((len(lengths), widest), dtype=np.uint8)
    letters[np.arange(widest) < lengths[:, None]] = np.frombuffer(content, dtype=np.uint8)
    return letters.view(f"S{widest}")[:, 0]


def stream_arrays(
    connection: psycopg.Connection[Any],
    query: str,
    columns: Mapping[str, str],
    parameters: Mapping[str, Any] | None = None,
) -> dict[str, NDArray[Any]]:
    """Return the arrays of `fetch_arrays`, of no text, through binary COPY: for tens of millions.

    The server holds none of them together, but this side makes a Python object a row.
    """
    row = np.dtype(
        [("fields", ">i2")]
        + [
            part
            for name, kind in columns.items()
            for part in ((f"{name} width", ">i4"), (name, _DTYPES[kind]))
        ]
    )
    content = _copied(connection, query, parameters)
    # A null shortens its row and shifts all that follow: better to stop than to misread.
    if len(content) % row.itemsize:
        raise _misread(columns)
    rows = np.frombuffer(content, dtype=row)
    widths = {name: rows.dtype[name].itemsize for name in columns}
    if not all(np.all(rows[f"{name} width"] == width) for name, width in widths.items()):
        raise _misread(columns)
    return {name: _native(rows[name], kind) for name, kind in columns.items()}


def _bound(
    connection: psycopg.Connection[Any], query: str, parameters: Mapping[str, Any] | None
) -> str:
    return psycopg.ClientCursor(connection).mogrify(query.encode(), parameters or {})


def _copied(
    connection: psycopg.Connection[Any], query: str, parameters: Mapping[str, Any] | None
) -> memoryview:
    bound = _bound(connection, query, parameters)
    content = bytearray()
    statement = f"copy ({bound}) to stdout (format binary)".encode()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for piece in copy:
            content += piece
    return memoryview(content)[_HEADER_BYTES:-_TRAILER_BYTES]


def _misread(columns: Mapping[str, str]) -> ValueError:
    return ValueError(f"A column of {list(columns)} is null or not of the stated type.")


def _native(column: NDArray[Any], kind: str) -> NDArray[Any]:
    native = column.astype(column.dtype.newbyteorder("="))
    if kind != "time":
        return native
    finite = (native != FOREVER_US) & (native != NEVER_US)
    native[finite] += _UNIX_OF_POSTGRES_US
    return native
