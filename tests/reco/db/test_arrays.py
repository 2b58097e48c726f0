import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.db.arrays import FOREVER_US, NEVER_US, fetch_arrays, micros, stream_arrays

TYPES = {
    "eight": "int8",
    "four": "int4",
    "two": "int2",
    "double": "float8",
    "single": "float4",
    "flag": "bool",
    "at": "time",
}
ROWS = """
select (v->>0)::int8, (v->>1)::int4, (v->>2)::int2, (v->>3)::float8, (v->>4)::float4,
  (v->>5)::bool, (v->>6)::timestamptz
from json_array_elements(%(rows)s::json) with ordinality as given (v, place) order by place desc
"""


def whole(bits):
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1)


row = st.tuples(
    whole(64),
    whole(32),
    whole(16),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.booleans(),
    st.sampled_from(["infinity", "-infinity", "1969-12-31T23:59:59.999999Z", "2026-11-27T12:00Z"]),
)
KNOWN_US = {
    "infinity": FOREVER_US,
    "-infinity": NEVER_US,
    "1969-12-31T23:59:59.999999Z": -1,
    "2026-11-27T12:00Z": 1_795_780_800_000_000,
}


@pytest.fixture(scope="module")
def connection(new_world):
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("read", [fetch_arrays, stream_arrays])
@given(rows=st.lists(row, max_size=20))
def test_every_value_arrives_in_the_order_of_the_query(connection, read, rows):
    asked = {"rows": psycopg.types.json.Json(rows)}
    columns = read(connection, ROWS, TYPES, asked)
    expected = [(*one[:-1], KNOWN_US[one[-1]]) for one in reversed(rows)]
    assert list(zip(*(column.tolist() for column in columns.values()), strict=True)) == expected
    assert [column.dtype for column in columns.values()] == [
        np.dtype(name) for name in ("i8", "i4", "i2", "f8", "f4", "?", "i8")
    ]


@pytest.mark.parametrize("read", [fetch_arrays, stream_arrays])
def test_a_null_is_refused(connection, read):
    with pytest.raises(ValueError, match=r"A column of \['id'\] is null"):
        read(connection, "select nullif(i, 2) from generate_series(1, 3) i", {"id": "int4"})


def test_a_text_that_is_null_is_refused(connection):
    query = "select nullif(i, 'b') from unnest('{a,b}'::text[]) i"
    with pytest.raises(ValueError, match=r"A column of \['id'\] is null"):
        fetch_arrays(connection, query, {"id": "text"})


@given(texts=st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=9)))
def test_texts_arrive_as_bytes(connection, texts):
    query = "select value from json_array_elements_text(%(texts)s::json) as given (value)"
    read = fetch_arrays(
        connection, query, {"text": "text"}, {"texts": psycopg.types.json.Json(texts)}
    )
    assert read["text"].tolist() == [text.encode() for text in texts]


def test_a_moment_is_what_the_driver_makes_of_it(connection):
    (at,) = connection.execute("select '2026-11-27T12:00:00.25Z'::timestamptz").fetchone()
    read = fetch_arrays(connection, "select '2026-11-27T12:00:00.25Z'::timestamptz", {"at": "time"})
    assert read["at"].tolist() == [micros(at)]
