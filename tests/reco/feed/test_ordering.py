"""Candidates in order, against a plain reference."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reco.kernel.ordering import in_order

GROUPS = 3
candidate = st.tuples(
    st.sampled_from([-2.5, -1.0, -0.5, 0.0]), st.integers(0, GROUPS - 1), st.integers(1, 10**12)
)


@given(
    st.lists(candidate, max_size=40, unique_by=lambda one: one[2]),
    st.lists(st.booleans(), min_size=GROUPS, max_size=GROUPS),
    st.integers(0, 12),
    st.integers(0, 4),
)
def test_the_likeliest_come_first_then_those_of_groups_and_ids_break_ties(
    candidates, is_asked, most, of_each
):
    count = len(candidates)
    log_odds, group, item_id = np.array(candidates, dtype=np.float64).reshape(count, 3).T
    group = group.astype(np.int16)
    row, is_of_each = np.empty(count, dtype=np.int64), np.empty(count, dtype=bool)
    last = np.empty(GROUPS)
    found = in_order(
        np.ascontiguousarray(log_odds), np.arange(count, dtype=np.int32), item_id.astype(np.int64),
        group, np.array(is_asked), most, of_each, row, is_of_each, last,
    )  # fmt: skip
    ordered = sorted(range(count), key=lambda at: (-log_odds[at], item_id[at]))
    expected_last = [-np.inf] * GROUPS
    expected = []
    for rank, at in enumerate(ordered):
        before = sum(group[other] == group[at] for other in ordered[:rank])
        is_of_group = bool(is_asked[group[at]]) and before < of_each
        if is_of_group and before + 1 == of_each:
            expected_last[group[at]] = log_odds[at]
        if rank < most or is_of_group:
            expected.append((at, is_of_group))
    assert list(zip(row[:found].tolist(), is_of_each[:found].tolist(), strict=True)) == expected
    assert last.tolist() == expected_last


def test_without_groups_none_is_asked_for():
    row, is_of_each, last = np.empty(3, dtype=np.int64), np.empty(3, dtype=bool), np.empty(1)
    found = in_order(
        np.array([0.5, 2.0, 1.0]), np.arange(3, dtype=np.int32), np.arange(3),
        np.empty(0, dtype=np.int16), np.zeros(1, dtype=bool), 2, 0, row, is_of_each, last,
    )  # fmt: skip
    assert row[:found].tolist() == [1, 2]
    assert not is_of_each[:found].any()
