"""What may be seen and what is held out: by time, or as a data set gives it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.interactions import BOOKING, EVENT_WEIGHTS, SPLITS, Events
from reco.errors import InvalidInput

SplitKind = Literal["time", "given"]

HELD_OUT_SHARE = 0.1
"""Share of the events held out where no cutoff or file says which."""

_TEST = SPLITS.index("test")
_VALID = SPLITS.index("valid")


@dataclass(frozen=True)
class Part:
    """Events cut in two: a model is fitted on `past` and judged on `future`."""

    past: Events
    future: Events
    cutoff: np.datetime64 | None
    """The border; None where it is not one of time."""


@dataclass(frozen=True)
class Plan:
    """The two fits of a training run."""

    rehearsal: Part
    """Within what may be seen: its future calibrates, and gives the figures where `final` has
    no future."""
    final: Part
    """Its past is what the published model is fitted on; its future is the test, if any."""


def split_plan(
    events: Events, split: SplitKind, cutoff: np.datetime64 | None, seed: int = 0
) -> Plan:
    """Return which events are fitted on, calibrated on and tested on.

    Parameters
    ----------
    split
        `time`: the published model sees what lies before `cutoff`, and the rest is the test;
        without a cutoff it sees everything, and the last tenth of what it saw is held out from the
        rehearsal. `given`: train and valid are seen, test is the test; valid is held out from the
        rehearsal.
    cutoff
        For `time` alone.

    Raises
    ------
    InvalidInput
        The events have no times, or no split; nothing lies before the cutoff, or in the past of
        the rehearsal.
    """
    if split == "given" and cutoff is not None:
        raise InvalidInput("cutoff", "a given split has no cutoff; leave one of the two out")
    plan = given_plan(events, seed) if split == "given" else time_plan(events, cutoff)
    require_past(plan.rehearsal)
    return plan


def choosing_part(events: Events, plan: Plan) -> Part:
    """Return the part whose future chooses settings: the rehearsal, in general.

    Without a cutoff the rehearsal's future judges, here and at the gate. Then it is the part that
    rehearses what came before: the last tenth but one chooses.

    Parameters
    ----------
    events
        Those of `plan`.
    """
    if plan.final.cutoff is not None or plan.rehearsal.cutoff is None:
        return plan.rehearsal
    return time_plan(events, plan.rehearsal.cutoff).rehearsal


def can_learn(part: Part) -> bool:
    """Return whether there is anything in the past of a part that teaches a model."""
    return bool(np.any(EVENT_WEIGHTS[part.past.kind] > 0.0))


def require_past(part: Part) -> None:
    """Raise `InvalidInput` where a model could learn nothing from the past of a part."""
    if not can_learn(part):
        raise InvalidInput(
            "events", "none lies before those held out to judge by, so that nothing can be learned"
        )


def time_plan(events: Events, cutoff: np.datetime64 | None) -> Plan:
    """Return the split at one moment, or all as what is seen; the rehearsal may have no past.

    Raises
    ------
    InvalidInput
        The events have no times, or nothing lies before the cutoff.
    """
    timed = require_times(events)
    final = _all_of(timed) if cutoff is None else time_split(timed, cutoff)
    if cutoff is not None and not len(final.past):
        raise InvalidInput("cutoff", f"nothing happened before {cutoff}")
    inner = inner_cutoff(final.past)
    later = final.past.take(final.past.at >= inner)
    return Plan(Part(_before(timed, inner), later, inner), final)


def known_at(events: Events, now: datetime) -> Events:
    """Return the events before `now`, and those without a time.

    What is dated later cannot have happened yet, whatever filled in its date: seen now, it would
    move the moment that all ages are measured against. Once its date is past, it counts.

    Raises
    ------
    InvalidInput
        There are events, and all of them lie in the future.
    """
    known = events.take(~(events.at >= naive_utc(now)))
    if len(events) and not len(known):
        raise InvalidInput("events", f"all {len(events):,} of them lie after {now:%Y-%m-%d %H:%M}")
    return known


def time_split(events: Events, cutoff: np.datetime64) -> Part:
    """Cut `events` at one moment for all users: before it, as was known there, and from it on.

    What was cancelled is in neither half, unless it was booked before `cutoff` and cancelled after.

    >>> at = np.array(["2025-05-01", "2025-06-01", "2025-06-02"], dtype="datetime64[us]")
    >>> zeros = np.zeros(3, dtype=np.int32)
    >>> ids = np.array([b"a"])
    >>> codes = zeros.astype(np.int8)
    >>> values, never = zeros.astype(np.float32), np.array(["NaT"], dtype="datetime64[us]")
    >>> events = Events(ids, ids, zeros, zeros, codes, at, values, codes, never)
    >>> part = time_split(events, np.datetime64("2025-06-01", "us"))
    >>> len(part.past), len(part.future)
    (1, 2)
    """
    known = events.standing(cutoff)
    return Part(_before(known, cutoff), known.take(~(known.at < cutoff)), cutoff)


def _before(events: Events, cutoff: np.datetime64) -> Events:
    known = events.standing(cutoff)
    return known.take(known.at < cutoff)


def inner_cutoff(events: Events, share: float = HELD_OUT_SHARE) -> np.datetime64:
    """Return the moment after which the last `share` of the target events that stand lie."""
    known = events.standing()
    at = np.sort(known.at[np.isin(known.kind, target_kinds(known))])
    if not len(at):
        raise InvalidInput("events", "there is none that a model could learn from")
    return np.datetime64(at[int(len(at) * (1.0 - share))], "us")


def naive_utc(moment: datetime) -> np.datetime64:
    """Return a moment with a zone as events have theirs."""
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


def aware(moment: np.datetime64 | None) -> datetime | None:
    """Return a moment of events, which is in UTC, as a datetime that says so."""
    return None if moment is None else moment.astype("datetime64[us]").item().replace(tzinfo=UTC)


def target_kinds(*events: Events) -> NDArray[np.int8]:
    """Return the kinds that count as a success: bookings, else all that shows interest."""
    kinds = np.unique(np.concatenate([part.kind for part in events]))
    is_target = kinds == BOOKING if BOOKING in kinds else EVENT_WEIGHTS[kinds] > 0.0
    return np.asarray(kinds[is_target], dtype=np.int8)


def _all_of(events: Events) -> Part:
    known = events.standing()
    return Part(known, known.take(np.zeros(len(known), dtype=bool)), None)


def given_plan(events: Events, seed: int = 0) -> Plan:
    """Return the split that the events name; the rehearsal may have no past.

    Raises
    ------
    InvalidInput
        They name none, or there are none.
    """
    require_some(events)
    if not np.any(events.split >= 0):
        raise InvalidInput("split", "these interactions name no split; use --split time")
    used = events.take(events.stands() & (events.split >= 0))
    is_test = used.split == _TEST
    seen = used.take(~is_test)
    held_out = seen.split == _VALID
    if not held_out.any():
        held_out = np.random.default_rng(seed).random(len(seen)) < HELD_OUT_SHARE
    return Plan(
        Part(seen.take(~held_out), seen.take(held_out), None), Part(seen, used.take(is_test), None)
    )


def require_some(events: Events) -> None:
    """Raise `InvalidInput` where nobody did anything: no other split would help."""
    if not len(events):
        raise InvalidInput("interactions", "there are none")


def require_times(events: Events) -> Events:
    """Return the events that have a time, or raise `InvalidInput` where none has."""
    require_some(events)
    timed = ~np.isnat(events.at)
    if not timed.any():
        raise InvalidInput("split", "these interactions have no times; use --split given")
    return events.take(timed)
