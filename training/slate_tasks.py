"""What is to be found, for slates: who had met what, and which offers they booked later."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.horizon import ValueTable
from features.interactions import SPLITS, Events
from reco.errors import InvalidInput
from training.beyond import Found, as_matrix
from training.evaluate import Task, task_of
from training.slate_data import SlateData
from training.split import HELD_OUT_SHARE, Part, target_kinds

TRAIN_SHARE = 0.7
"""Share of the interactions, by time, that the rehearsal is fitted on."""
SEEN_SHARE = 0.8
"""Share of them that the test is judged after; those between the two choose."""


@dataclass(frozen=True)
class SlateTask:
    """n users with something to be found in the future of a part."""

    part: Part
    task: Task
    items: ValueTable
    """(I,) values of each item: those of its offer that was booked most in the past."""
    venue: NDArray[np.int64]
    """(I,) venue of that offer, -1: none."""
    place: NDArray[np.float64]
    """(I, 2) longitude and latitude of that offer, NaN: none."""
    offers: ValueTable
    """(O,)"""
    times_met: "csr_array[np.float64]"
    """(U, V) bookings of each user with each value before the cutoff."""
    found: Found
    """Later bookings of the users of `task`, those of its targets."""

    @cached_property
    def booked(self) -> Events:
        """The past's bookings; where there are none, all that counts as a success."""
        past = self.part.past
        return past.take(np.isin(past.kind, target_kinds(past, self.part.future)))

    def take(self, users: NDArray[np.int64]) -> "SlateTask":
        """Return the task of some of its users, by place."""
        place = np.full(len(self.task.users), -1)
        place[users] = np.arange(len(users))
        kept = place[self.found.user] >= 0
        return replace(
            self,
            task=replace(self.task, users=self.task.users[users], targets=self.task.targets[users]),
            found=Found(
                place[self.found.user[kept]], self.found.item[kept], self.found.offer[kept]
            ),
        )


def slate_tasks(data: SlateData, split: str, seed: int = 0) -> tuple[SlateTask, SlateTask]:
    """Return what parameters are chosen by, and the test.

    Parameters
    ----------
    split
        `time`: the first 70 % of the interactions train, the next 10 % choose, the last 20 % test,
        one border for all users; what was booked before it and cancelled after counts as met.
        `given`: the data set's own parts; without a part `valid` a tenth of `train` chooses.

    Raises
    ------
    InvalidInput
        The split is unknown, or the data do not allow it.
    """
    if split == "time":
        return _by_time(data)
    if split != "given":
        raise InvalidInput("split", f"{split!r} is unknown", ["given", "time"])
    code = data.events.split
    if not np.any(code == SPLITS.index("test")):
        raise InvalidInput("split", "these interactions name no test; use --split time")
    valid = code == SPLITS.index("valid")
    seen = valid | (code == SPLITS.index("train"))
    if not valid.any():
        valid = seen & (np.random.default_rng(seed).random(len(code)) < HELD_OUT_SHARE)
    return (
        _task(data, seen & ~valid, valid, None),
        _task(data, seen, code == SPLITS.index("test"), None),
    )


def _by_time(data: SlateData) -> tuple[SlateTask, SlateTask]:
    at, stands = data.events.at, data.events.stands
    timed = np.flatnonzero(~np.isnat(at) & stands())
    if not len(timed):
        raise InvalidInput("split", "these interactions have no times; use --split given")
    ordered = np.sort(at[timed])
    first = ordered[int(len(ordered) * TRAIN_SHARE)]
    second = ordered[int(len(ordered) * SEEN_SHARE)]
    return (
        _task(
            data,
            (at < first) & stands(first),
            (at >= first) & (at < second) & stands(second),
            first,
        ),
        _task(data, (at < second) & stands(second), (at >= second) & stands(), second),
    )


def _task(
    data: SlateData,
    past: NDArray[np.bool_],
    future: NDArray[np.bool_],
    cutoff: np.datetime64 | None,
) -> SlateTask:
    events, offer = data.events, data.offer
    part = Part(events.take(past), events.take(future), cutoff)
    task = task_of(part)
    kinds = target_kinds(part.past, part.future)
    booked = past & np.isin(events.kind, kinds)
    shown = _usual_offers(data, booked)
    shape = (len(events.users), len(data.values.start) - 1)
    did = csr_array((np.ones(booked.sum()), (events.user[booked], offer[booked])), shape=shape)
    return SlateTask(
        part=part,
        task=task,
        items=data.values.take(shown),
        venue=data.venue[shown],
        place=data.place[shown],
        offers=data.values,
        times_met=csr_array(did @ as_matrix(data.values)),
        found=_found(task, data, future & np.isin(events.kind, kinds)),
    )


def _usual_offers(data: SlateData, booked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the offer of each item that was booked most; the first by id where none was more."""
    bookings = np.bincount(data.offer[booked], minlength=len(data.offer_item))
    order = np.lexsort((-bookings, data.offer_item))
    items = data.offer_item[order]
    first = np.searchsorted(items, np.arange(len(data.events.items)))
    return np.asarray(order[np.minimum(first, len(order) - 1)])


def _found(task: Task, data: SlateData, later: NDArray[np.bool_]) -> Found:
    events = data.events
    place = np.full(len(events.users), -1)
    place[task.users] = np.arange(len(task.users))
    user, item, offer = place[events.user[later]], events.item[later], data.offer[later]
    wanted = task.targets.shape[1]
    target_user = np.repeat(np.arange(len(task.users)), np.diff(task.targets.indptr))
    is_target = np.isin(
        user.astype(np.int64) * wanted + item, target_user * wanted + task.targets.indices
    )
    rows = np.unique(np.stack([user, item, offer], axis=1)[is_target & (user >= 0)], axis=0)
    return Found(*(rows[:, at].astype(np.int64) for at in range(3)))
