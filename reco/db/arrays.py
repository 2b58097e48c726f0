"""Query results as NumPy arrays: no Python object a value."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

_PACKED = "select count(*), {packed} from ({query}) as packed ({names})"
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
    "text": ">i4",
}
"""PostgreSQL type to what the server sends (big endian); `time` is timestamptz, of a text it is the
length."""

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
    a message each. The server holds a column as a whole, of at most a gigabyte: of more than a
    hundred million rows see `stream_arrays`.

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
    names = [f"column_{place}" for place in range(len(columns))]
    told = [
        f"coalesce(string_agg({send.format(name)}, ''), '')"
        for name, kind in zip(names, columns.values(), strict=True)
        for send in _sent(kind)
    ]
    bound = _bound(connection, query, parameters)
    statement = _PACKED.format(packed=", ".join(told), query=bound, names=", ".join(names))
    row = connection.cursor(binary=True).execute(statement.encode()).fetchall()[0]
    count, contents = row[0], iter(row[1:])
    found = {}
    for name, kind in columns.items():
        first = np.frombuffer(next(contents), dtype=_DTYPES[kind])
        if len(first) != count:
            raise _misread(columns)
        found[name] = _texts(first, next(contents)) if kind == "text" else _native(first, kind)
    return found


def _sent(kind: str) -> tuple[str, ...]:
    """Return what packs a value: of a text its length, then its bytes."""
    if kind == "text":
        return ("int4send(octet_length({}))", "convert_to({}, 'UTF8')")
    return ("timestamptz_send({})",) if kind == "time" else (kind + "send({})",)


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
    """Do the same for any number of rows without text, through binary COPY: a message each."""
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
