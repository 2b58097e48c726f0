"""What is expected of lists, against sums by hand."""

import numpy as np
import pytest

from training.slate_expectation import Expectation
from training.slate_pools import Pools


def test_expected_dcg_is_the_discounted_sum_of_the_chances_of_what_is_listed():
    pools = Pools(
        start=np.array([0, 3, 5]),
        item=np.array([4, 0, 2, 2, 4]),
        score=np.zeros(5),
        second=np.zeros(5),
        is_found=np.zeros(5, dtype=bool),
        is_of_each=np.zeros(5, dtype=bool),
    )
    chance = np.array([0.4, 0.1, 0.2, 0.5, 0.3])
    found = Expectation.of(pools, chance, items=5).dcg(
        np.array([[2, 4, -1], [4, -1, -1]], dtype=np.int32)
    )
    assert found == pytest.approx([0.2 + 0.4 / np.log2(3), 0.3])
