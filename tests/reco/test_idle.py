"""What calls work in: the last few are kept, however many there were."""

from reco.idle import Idle


def test_the_last_few_that_a_crowd_has_put_back_are_kept():
    idle = Idle[int]()
    for piece in range(40):
        idle.put(piece)
    assert [idle.take() for _ in range(5)] == [39, 38, 37, 36, None]
