"""Item-item neighbours add up in room that requests share."""

from collections import deque

import numpy as np

from reco.model.history import History
from reco.model.item_item import ItemItem


class TakenMeanwhile(deque):
    """Room that is there when one asks, and that another request takes before one does."""

    def __len__(self):
        return 1

    def pop(self):
        self.clear()
        return super().pop()


def test_a_request_that_another_takes_the_room_from_makes_its_own():
    scorer = ItemItem(
        neighbour_start=np.array([0, 1, 2, 2]),
        neighbour_item=np.array([2, 2], dtype=np.int32),
        neighbour_similarity=np.array([0.5, 0.25], dtype=np.float32),
    )
    scorer._totals._idle._kept = TakenMeanwhile()
    both = History(np.array([0, 1], dtype=np.int32), np.ones(2, dtype=np.float32))
    for _ in range(2):
        found = scorer.scores(both, np.arange(3, dtype=np.int32))
        np.testing.assert_array_equal(found, [np.nan, np.nan, 0.75])
