"""The table of a simulated cohort: every figure with its interval, and paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.cohort.assumptions import weeks_until
from training.cohort.figures import Lived
from training.cohort.intervals import OverSeeds, each_over_seeds, over_seeds, share_lost

COMPARED = ("three_categories", "categories", "horizon_points", "credit_used", "bookings")
"""Figures of which paired differences are told."""
THROUGH_TIME = ("three_categories", "horizon_points", "bookings", "credit_used")
COMPARED_THROUGH_TIME = ("three_categories", "horizon_points", "bookings")
COMPARED_MONTHS = (6, 12, 24)
"""Since the credit was granted; in the end nearly everybody has three categories."""


@dataclass(frozen=True)
class Told:
    """What came of one policy."""

    policy: str
    figures: Mapping[str, OverSeeds]
    by_month: Mapping[str, Sequence[OverSeeds]]
    """From the first month's end on."""


@dataclass(frozen=True)
class Difference:
    """One policy less another, person by person of the same cohorts."""

    policy: str
    against: str
    figures: Mapping[str, OverSeeds]
    months: Mapping[int, Mapping[str, OverSeeds]]
    """Some figures at the ends of months since the credit was granted, of those that it lasts."""


def told(lives: Sequence[Lived]) -> Told:
    """Return the figures of one policy from its lives, one a seed."""
    ends = [one.at_the_end() for one in lives]
    names = dict.fromkeys(name for end in ends for name in end)
    columns = {name: [_of(end, name) for end in ends] for name in names}
    # Of a territory where no seed has anybody there is nothing to tell.
    figures = {
        name: over_seeds(of_seeds)
        for name, of_seeds in columns.items()
        if not all(np.isnan(column).all() for column in of_seeds)
    }
    worth = [one.regret() for one in lives]
    if all(len(one["bookings"]) for one in worth):
        for name in ("bookings", "points"):
            got, best = ([one[key] for one in worth] for key in (name, f"best_{name}"))
            figures[f"regret {name}"] = share_lost(got, best)
    return Told(lives[0].policy, figures, _through_time(lives))


def differences(
    lives: Mapping[str, Sequence[Lived]], ours: Sequence[str], others: Sequence[str]
) -> list[Difference]:
    """Return each of our policies less each of the others, over the seeds that both have."""
    found = []
    for policy in ours:
        for against in others:
            pairs = _pairs(lives[policy], lives[against])
            if pairs and policy != against:
                found.append(_difference(policy, against, pairs))
    return found


def as_json(tolds: Sequence[Told], apart: Sequence[Difference]) -> dict[str, Any]:
    """Return all figures as plain values."""
    return {
        "policies": [asdict(one) for one in tolds],
        "differences": [asdict(one) for one in apart],
    }


def _of(end: Mapping[str, NDArray[np.float64]], name: str) -> NDArray[np.float64]:
    """Return a figure of one seed; a category that nobody booked there has none of it."""
    return end.get(name, np.zeros(len(end["bookings"])))


def _through_time(lives: Sequence[Lived]) -> dict[str, list[OverSeeds]]:
    months = range(1, lives[0].assumptions.months + 1)
    then = [[one.until(weeks_until(month)) for month in months] for one in lives]
    return {
        name: each_over_seeds([np.stack([month[name] for month in one], axis=1) for one in then])
        for name in THROUGH_TIME
    }


def _difference(policy: str, against: str, pairs: Sequence[tuple[Lived, Lived]]) -> Difference:
    assumptions = pairs[0][0].assumptions
    months = {
        month: _apart(pairs, COMPARED_THROUGH_TIME, weeks_until(month))
        for month in COMPARED_MONTHS
        if month <= assumptions.months
    }
    return Difference(policy, against, _apart(pairs, COMPARED, assumptions.weeks), months)


def _apart(
    pairs: Sequence[tuple[Lived, Lived]], names: Sequence[str], week: int
) -> dict[str, OverSeeds]:
    """Return some figures of the ones less those of the others, after so many weeks."""
    then = [(one.until(week), other.until(week)) for one, other in pairs]
    return {name: over_seeds([one[name] - other[name] for one, other in then]) for name in names}


def _pairs(some: Sequence[Lived], others: Sequence[Lived]) -> list[tuple[Lived, Lived]]:
    by_seed = {one.seed: one for one in others}
    return [(one, by_seed[one.seed]) for one in some if one.seed in by_seed]
