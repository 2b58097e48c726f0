"""Binary COPY: what Arrow holds is what PostgreSQL gets, nulls, slices and all."""

import psycopg
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.frames.copying import HEADER, TRAILER, copied_rows

_TYPES = {
    pa.string(): ("text", st.text(st.characters(exclude_categories=["Cs"], min_codepoint=1))),
    pa.bool_(): ("boolean", st.booleans()),
    pa.int32(): ("integer", st.integers(-(2**31), 2**31 - 1)),
    pa.int64(): ("bigint", st.integers(-(2**63), 2**63 - 1)),
    pa.float32(): ("real", st.floats(width=32, allow_nan=False)),
    pa.float64(): ("double precision", st.floats(allow_nan=False)),
    pa.date32(): ("date", st.dates()),
    pa.timestamp("us", "UTC"): ("timestamptz", st.datetimes().map(lambda at: f"{at}Z")),
}


@pytest.fixture(scope="module")
def session(new_world):
    """A connection that is kept for many examples."""
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


def column_of(kind, values):
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind)


def fetched_after_copying(session, columns):
    """Copy the columns into a new table and return its rows, cells as Arrow would have them."""
    sql_types = [_TYPES[column.type][0] for column in columns]
    fields = ", ".join(f"c{place} {kind}" for place, kind in enumerate(sql_types))
    session.execute(f"create temporary table copied (number bigint, {fields})")
    numbers = pa.array(range(len(columns[0])), pa.int64())
    with session.cursor() as cursor, cursor.copy("copy copied from stdin (format binary)") as copy:
        copy.write(HEADER)
        copy.write(copied_rows([numbers, *columns]))
        copy.write(TRAILER)
    # In binary, so that a float4 comes with all its digits.
    cursor = session.cursor(binary=True)
    query = "select * from copied order by number"
    rows = cursor.execute(query, prepare=False).fetchall()
    session.execute("drop table copied")
    return [row[1:] for row in rows]


@given(content=st.data(), rows=st.integers(0, 6))
def test_every_type_arrives_as_it_is(session, content, rows):
    columns = [
        column_of(kind, content.draw(st.lists(st.none() | cells, min_size=rows, max_size=rows)))
        for kind, (_, cells) in _TYPES.items()
    ]
    expected = list(zip(*(column.to_pylist() for column in columns), strict=True))
    assert fetched_after_copying(session, columns) == expected


def test_a_slice_is_copied_alone(session):
    column = pa.array(["zero", "one", None, "drei", "vier"])[1:4]
    assert fetched_after_copying(session, [column]) == [("one",), (None,), ("drei",)]


def test_what_lies_behind_a_null_is_not_copied(session):
    buffers = [pa.py_buffer(b"\x05"), pa.array([0, 1, 4, 5], pa.int32()).buffers()[1]]
    hidden = pa.StringArray.from_buffers(3, buffers[1], pa.py_buffer(b"abcde"), buffers[0])
    assert fetched_after_copying(session, [hidden]) == [("a",), (None,), ("e",)]
