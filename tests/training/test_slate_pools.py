"""The candidates of many users, one user after the other."""

import numpy as np

from training.slate_pools import Pools


def pools_of(items):
    item = np.concatenate(items).astype(np.int64)
    zeros = np.zeros(len(item))
    start = np.append(0, np.cumsum([len(of_user) for of_user in items]))
    return Pools(start, item, zeros, zeros, zeros > 0, item > 7)


def test_the_likeliest_come_first_ties_by_item_and_short_lists_are_filled_up():
    pools = pools_of([[5, 3, 9], [], [7]])
    chance = np.array([0.2, 0.2, 0.3, 0.1])
    assert pools.likeliest(chance, 2).tolist() == [[9, 3], [-1, -1], [7, -1]]


def test_some_users_keep_their_candidates():
    pools = pools_of([[5, 3], [8], [7, 1]]).take(np.array([2, 0]))
    assert pools.likeliest(np.array([0.4, 0.3, 0.2, 0.1]), 2).tolist() == [[7, 1], [5, 3]]


def test_a_smaller_pool_has_the_likeliest_and_what_is_new():
    pools = pools_of([[5, 3, 9], [], [7, 8, 1]])
    chance = np.array([0.3, 0.2, 0.1, 0.1, 0.2, 0.1])
    places = pools.likeliest_and_new(chance, 1)
    smaller = pools.kept(places)
    assert smaller.start.tolist() == [0, 2, 2, 3]
    assert smaller.item.tolist() == [5, 9, 8]
    assert smaller.likeliest(chance[places], 2).tolist() == [[5, 9], [-1, -1], [8, -1]]
