import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.simulate.randomness import Streams, draw_in_segments, running_sum, triangular


def test_streams_are_repeatable_and_independent():
    streams = Streams(3)
    first, again, other = (streams.of(name).random(5) for name in ("users", "users", "items"))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, Streams(4).of("users").random(5))


@given(
    st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=6).filter(any), min_size=1),
    st.floats(0, 1, exclude_max=True),
)
def test_draws_stay_in_their_segment_and_have_weight(segments, uniform):
    weights = np.concatenate(segments).astype(float)
    end = np.cumsum([len(segment) for segment in segments])
    start = end - [len(segment) for segment in segments]
    drawn = draw_in_segments(np.full(len(end), uniform), running_sum(weights), start, end)
    assert ((start <= drawn) & (drawn < end)).all()
    assert (weights[drawn] > 0).all()


def test_draws_follow_the_weights():
    uniform = np.random.default_rng(0).random(20_000)
    start, end = np.full(20_000, 1), np.full(20_000, 4)
    drawn = draw_in_segments(uniform, running_sum(np.array([9.0, 1, 2, 7, 9])), start, end)
    assert np.allclose(np.bincount(drawn, minlength=5) / 20_000, [0, 0.1, 0.2, 0.7, 0], atol=0.02)


def test_a_triangle_without_width_is_its_value():
    five = np.full(3, 5.0)
    drawn = triangular(np.random.default_rng(0), five, five, five)
    assert np.allclose(drawn, 5.0, atol=1e-6)
