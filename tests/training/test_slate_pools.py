"""The candidates of many users, one user after the other."""

import numpy as np

from training.slate_pools import Pools


def pools_of(items):
    item = np.concatenate(items).astype(np.int64)
    zeros = np.zeros(len(item))
    start = np.append(0, np.cumsum([len(of_user) for of_user in items]))
    return Pools(start, item, zeros, zeros, zeros > 0)


def test_the_likeliest_come_first_ties_by_item_and_short_lists_are_filled_up():
    pools = pools_of([[5, 3, 9], [], [7]])
    chance = np.array([0.2, 0.2, 0.3, 0.1])
    assert pools.likeliest(chance, 2).tolist() == [[9, 3], [-1, -1], [7, -1]]


def test_some_users_keep_their_candidates():
    pools = pools_of([[5, 3], [8], [7, 1]]).take(np.array([2, 0]))
    assert pools.likeliest(np.array([0.4, 0.3, 0.2, 0.1]), 2).tolist() == [[7, 1], [5, 3]]
