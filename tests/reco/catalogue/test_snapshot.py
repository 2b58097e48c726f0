"""Look-ups of the catalogue's arrays."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reco.catalogue.rows import ragged_rows, rows_of, run_starts

ids = st.lists(st.integers(-50, 50), max_size=20)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.data())
def test_ragged_rows_are_the_members_of_each_group(sizes, data):
    start = np.append(0, np.cumsum(sizes))
    groups = np.array(
        data.draw(st.lists(st.integers(0, len(sizes) - 1), max_size=8)), dtype=np.int64
    )
    rows, owner = ragged_rows(start, groups)
    expected = [(r, place) for place, g in enumerate(groups) for r in range(start[g], start[g + 1])]
    assert list(zip(rows.tolist(), owner.tolist(), strict=True)) == expected


@given(ids, ids)
def test_rows_of_finds_what_is_there(known, asked):
    vocabulary = np.unique(np.array(known, dtype=np.int64))
    rows = rows_of(vocabulary, np.array(asked, dtype=np.int64))
    for row, identifier in zip(rows.tolist(), asked, strict=True):
        assert (vocabulary[row] == identifier) if row >= 0 else (identifier not in known)


@given(ids)
def test_runs_start_where_values_change(values):
    starts = run_starts(np.array(values, dtype=np.int64))
    expected = [i == 0 or values[i] != values[i - 1] for i in range(len(values))]
    assert starts.tolist() == expected
