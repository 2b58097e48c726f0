"""When people look for something to do, and what for: a Poisson process a person."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.simulate.calendar import DAY_S, Seconds, paris_to_utc
from training.simulate.randomness import draw_in_segments, running_sum
from training.simulate.setting import Setting
from training.simulate.users import Users

_BLOCK = 100_000


@dataclass(frozen=True)
class Intentions:
    """Arrays of one length, grouped by person."""

    user: NDArray[np.int32]
    at_s: Seconds
    taste: NDArray[np.int16]
    """Style times scenes plus scene."""
    segment: NDArray[np.int16]
    """Row in the segments of the programme."""

    def __len__(self) -> int:
        return len(self.user)


def draw_intentions(users: Users, setting: Setting) -> Intentions:
    """Draw the intentions of all people between their grant and now."""
    generator = setting.streams.of("intentions")
    blocks = [
        _block(generator, users, np.arange(start, min(start + _BLOCK, len(users))), setting)
        for start in range(0, len(users), _BLOCK)
    ]
    return Intentions(
        np.concatenate([block.user for block in blocks]),
        np.concatenate([block.at_s for block in blocks]),
        np.concatenate([block.taste for block in blocks]),
        np.concatenate([block.segment for block in blocks]),
    )


def _block(
    generator: np.random.Generator, users: Users, rows: NDArray[np.int64], setting: Setting
) -> Intentions:
    user, at_s = _moments(generator, users, rows, setting)
    taste = _tastes(generator, users, rows, user, setting)
    segment = _segments(generator, taste // setting.parameters.scenes, setting)
    return Intentions(user.astype(np.int32), at_s, taste.astype(np.int16), segment.astype(np.int16))


def _moments(
    generator: np.random.Generator, users: Users, rows: NDArray[np.int64], setting: Setting
) -> tuple[NDArray[np.int64], Seconds]:
    now_s = setting.calendar.now_s
    tenure_s = now_s - users.granted_s[rows]
    number = generator.poisson(users.activity[rows] * tenure_s / (30 * DAY_S))
    user = np.repeat(rows, number)
    granted_s = users.granted_s[user]
    elapsed = generator.random(len(user)) ** setting.parameters.front_loading
    any_s = granted_s + (elapsed * (now_s - granted_s)).astype(np.int64)
    day_s = any_s // DAY_S * DAY_S
    at_s = paris_to_utc(day_s + _time_of_day(generator, len(user), setting))
    # On the days of the grant and of now the usual hours may fall outside.
    return user, np.where((at_s > granted_s) & (at_s < now_s), at_s, any_s)


def _time_of_day(generator: np.random.Generator, count: int, setting: Setting) -> Seconds:
    cumulative = running_sum(np.array(setting.parameters.hour_weights))
    cumulative /= cumulative[-1]
    hours = np.interp(generator.random(count), cumulative, np.arange(25))
    return np.floor(hours * 3_600).astype(np.int64)


def _tastes(
    generator: np.random.Generator,
    users: Users,
    rows: NDArray[np.int64],
    user: NDArray[np.int64],
    setting: Setting,
) -> NDArray[np.int64]:
    """Draw a taste for each intention: mostly one's own, sometimes everybody's."""
    parameters = setting.parameters
    everybody = setting.programme.demand.sum(axis=1)[:, None] / parameters.scenes
    exploring = parameters.exploration * users.openness[rows, None, None]
    mixture = (1 - exploring) * users.tastes[rows] + exploring * everybody
    width = mixture[0].size
    start = (user - rows[0]) * width
    position = draw_in_segments(
        generator.random(len(user)), running_sum(mixture.ravel()), start, start + width
    )
    return np.asarray(position - start)


def _segments(
    generator: np.random.Generator, style: NDArray[np.int64], setting: Setting
) -> NDArray[np.int64]:
    demand = setting.programme.demand
    width = demand.shape[1]
    start = style * width
    position = draw_in_segments(
        generator.random(len(style)), running_sum(demand.ravel()), start, start + width
    )
    return np.asarray(position - start)
