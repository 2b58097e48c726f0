"""What an experiment compares, by what, and for how long: said before it begins, and kept."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from reco.errors import InvalidInput
from reco.experiments.assignment import bucket_of, shares, variant_at
from reco.feed.dials import check_dials

CHAMPION = "champion"
"""In place of a model version: whichever is served."""

METRICS: Mapping[str, str] = MappingProxyType(
    {
        "horizon_points": "points that all bookings in the window add to the person's horizon",
        "bookings": "bookings in the window of what a slate of the experiment had shown",
        "bookings_made": "all bookings in the window, wherever they came from",
    }
)
"""What is compared, of each person, and what it means."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")


@dataclass(frozen=True)
class Guard:
    """A figure of each person that must not get worse by more than a margin."""

    meaning: str
    worse: Literal["up", "down"]
    """Where it goes when it gets worse."""
    is_relative: bool
    """Whether the margin is a share of the first variant's mean, else in the figure's own unit."""
    margin: float
    """Unless another is said."""


GUARDS: Mapping[str, Guard] = MappingProxyType(
    {
        "empty_slates": Guard("share of the person's slates without an offer", "up", False, 0.01),
        "relevance_kept": Guard("share of the relevance that slates keep", "down", False, 0.05),
        "bookings_made": Guard("all bookings of the person", "down", True, 0.10),
        "cancellations": Guard("bookings that were cancelled again", "up", False, 0.02),
    }
)


@dataclass(frozen=True)
class Variant:
    """What the people of some buckets are shown."""

    label: str
    weight: float = 1.0
    """Its share of the people, relative to the others'."""
    model: str = CHAMPION
    """A model version, or `CHAMPION`."""
    floor: float | None = None
    """None: as for everybody."""
    intensity: float | None = None
    """None: as for everybody."""
    points_a_booking: float | None = None
    """The price of relevance, without a floor where none is named beside it; None: no price beside
    a floor, else as for everybody."""


@dataclass(frozen=True)
class Plan:
    """An experiment before it begins. The first variant is what the others are compared with."""

    name: str
    salt: str
    variants: tuple[Variant, ...]
    metric: str
    """A key of `METRICS`: what is decided on."""
    guards: Mapping[str, float]
    """Keys of `GUARDS` with the margin of each."""
    window: timedelta
    """From a person's first slate on, so long is what they do counted; then they are judged."""
    planned_users: int
    """People judged at which the always-valid intervals are made tightest."""
    horizon: timedelta | None = None
    """None: looked at whenever one likes; else once, so long after the start."""

    @property
    def buckets(self) -> list[int]:
        """(V,) how many buckets each variant takes."""
        return shares([variant.weight for variant in self.variants])

    def variant_of(self, user_id: str) -> Variant:
        """Return the variant of a person, by the id on the wire; always the same."""
        return self.variants[variant_at(bucket_of(self.salt, user_id), self.buckets)]


@dataclass(frozen=True)
class Experiment:
    """A plan, and what became of it."""

    plan: Plan
    state: Literal["running", "stopped"]
    created_at: datetime
    created_by: str
    started_at: datetime
    """It may lie ahead."""
    stopped_at: datetime | None = None
    stopped_by: str | None = None
    stop_reason: str | None = None


def checked(plan: Plan) -> Plan:
    """Return `plan` if it can be run, else raise `InvalidInput` that names what to mend."""
    if not _NAME.fullmatch(plan.name):
        raise InvalidInput("name", f"{plan.name!r} is no name: a-z, 0-9, - . or _, 40 at most")
    _check_variants(plan)
    if plan.metric not in METRICS:
        raise InvalidInput("metric", f"{plan.metric!r} is unknown", list(METRICS))
    for name, margin in plan.guards.items():
        if name not in GUARDS:
            raise InvalidInput("guard", f"{name!r} is unknown", list(GUARDS))
        if not (math.isfinite(margin) and margin >= 0.0):
            raise InvalidInput("guard", f"{margin} is no margin for {name}: 0 or more")
    if plan.window <= timedelta():
        raise InvalidInput("window", f"{plan.window} is not positive")
    if plan.horizon is not None and plan.horizon <= plan.window:
        raise InvalidInput(
            "fixed_horizon", f"{plan.horizon} leaves nobody time for a window of {plan.window}"
        )
    if plan.planned_users < 1:
        raise InvalidInput("planned_users", f"{plan.planned_users} is not 1 or more")
    return plan


def _check_variants(plan: Plan) -> None:
    labels = [variant.label for variant in plan.variants]
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise InvalidInput("variant", "two or more are needed, each with a label of its own")
    for variant in plan.variants:
        if not _NAME.fullmatch(variant.label):
            raise InvalidInput("variant", f"{variant.label!r} is no label")
        if not (math.isfinite(variant.weight) and variant.weight > 0.0):
            raise InvalidInput("weight", f"{variant.weight} of {variant.label} is not positive")
        check_dials(variant.floor, variant.intensity, variant.points_a_booking)
    for variant, buckets in zip(plan.variants, plan.buckets, strict=True):
        if not buckets:
            raise InvalidInput("weight", f"{variant.weight} leaves {variant.label} nobody")
