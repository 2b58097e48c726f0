"""Candidates in order: the likeliest of all, and the likeliest of each group asked for."""

import numpy as np
from numba import boolean, float64, int64

from reco.kernel.compiled import (
    READ_BOOL,
    READ_F64,
    READ_I16,
    READ_I32,
    READ_I64,
    compiled,
)


@compiled(int64(int64[::1], READ_F64, READ_I32, READ_I64))
def _by_id_where_equal(order, log_odds, item, item_id):
    """Put equal log-odds, which stand together, in the order of their ids; return how many move."""
    moved = 0
    for place in range(1, len(order)):
        row, at = order[place], place
        while (
            at > 0
            and log_odds[order[at - 1]] == log_odds[row]
            and item_id[item[order[at - 1]]] > item_id[item[row]]
        ):
            order[at] = order[at - 1]
            at -= 1
        order[at] = row
        moved += at < place
    return moved


@compiled(boolean(float64[::1], float64))
def _sift_down(heap, value):
    """Put `value` in the place of the least of a heap whose least value comes first."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= len(heap):
            break
        if child + 1 < len(heap) and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = value
    return True


@compiled(
    int64(
        READ_F64, READ_I32, READ_I16, READ_BOOL, int64, int64, int64[::1], float64[:, ::1],
    )
)  # fmt: skip
def _may_be(log_odds, item, item_group, is_asked, most, of_each, kept, best):
    """Write the rows of the `most` likeliest, and of the `of_each` likeliest of a group, or more.

    Where log-odds are equal all are kept; return how many. `best` holds minus infinities.
    """
    border = -np.inf
    if most < len(log_odds):
        border = -np.partition(-log_odds, most - 1)[most - 1] if most > 0 else np.inf
    has_groups = len(item_group) > 0 and of_each > 0
    if has_groups:
        for row in range(len(log_odds)):
            group = np.uint64(item_group[np.uint64(item[row])])
            if is_asked[group] and log_odds[row] > best[group, 0]:
                _sift_down(best[group], log_odds[row])
    count = 0
    for row in range(len(log_odds)):
        is_kept = log_odds[row] >= border
        if has_groups and not is_kept:
            group = np.uint64(item_group[np.uint64(item[row])])
            is_kept = is_asked[group] and log_odds[row] >= best[group, 0]
        if is_kept:
            kept[count] = row
            count += 1
    return count


@compiled(
    int64(
        READ_F64, READ_I32, READ_I64, READ_I16, READ_BOOL, int64, int64,
        int64[::1], boolean[::1], float64[::1],
    )
)  # fmt: skip
def in_order(
    log_odds, item, item_id, item_group, is_asked, most, of_each, row, is_of_each, last_of_group
):
    """Write the rows of the `most` likeliest, and of the `of_each` likeliest of each group.

    Return how many that are: the likeliest first, ties by item id.

    Parameters
    ----------
    log_odds, item
        (C,)
    item_id, item_group
        (I,) ids, and the group of each item; without groups none may be asked for.
    is_asked
        Which groups are asked for.
    row, is_of_each
        Room for C. They receive the rows, and which are of the likeliest of a group.
    last_of_group
        Receives for each group the log-odds of the last of these; minus infinity where there are
        fewer.
    """
    best = np.full((len(is_asked), of_each), -np.inf)
    kept = row[: _may_be(log_odds, item, item_group, is_asked, most, of_each, row, best)].copy()
    order = kept[np.argsort(-log_odds[kept], kind="mergesort")]
    _by_id_where_equal(order, log_odds, item, item_id)
    found = np.zeros(len(is_asked), dtype=np.int64)
    last_of_group[:] = -np.inf
    count = 0
    for rank in range(len(order)):
        at = order[rank]
        group = int64(item_group[item[at]]) if len(item_group) else 0
        is_of_group = is_asked[group] and found[group] < of_each
        if is_of_group:
            found[group] += 1
            if found[group] == of_each:
                last_of_group[group] = log_odds[at]
        if rank < most or is_of_group:
            row[count], is_of_each[count] = at, is_of_group
            count += 1
    return count
