"""Where an experiment stands: counts, the split, differences, guards, and what follows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from reco.experiments.plan import GUARDS, METRICS, Experiment, Plan
from training.experiments.people import Counts, Figures, People, read_people
from training.experiments.ratio import Split, split
from training.experiments.sequences import (
    LEAST_PEOPLE,
    Difference,
    Group,
    always_valid,
    always_valid_below,
    at_the_horizon,
)

ALPHA = 0.05
"""Of a metric, over all comparisons with the first variant; of all guards together as much."""

_NOBODY = Counts(0, 0, 0, ())


@dataclass(frozen=True)
class VariantStatus:
    """One variant so far."""

    label: str
    share: float
    """Of the people that it should have."""
    users: int
    slates: int
    impressions: int
    judged: int
    """Users whose window is over."""
    model_versions: tuple[str, ...]
    """That answered."""
    means: Mapping[str, float]
    """Of a judged user, by figure; empty while they may not be looked at."""


@dataclass(frozen=True)
class Comparison:
    """A variant beside the first one, by one metric."""

    variant: str
    metric: str
    difference: Difference | None
    """The interval and p are corrected for the number of variants. None: too few are judged, or
    they are all alike."""


@dataclass(frozen=True)
class GuardStatus:
    """Whether a variant has got worse than the first by more than a margin."""

    variant: str
    guard: str
    margin: float
    """A share of the first variant's mean for relative guards, else in the figure's unit."""
    beyond: float | None
    """How far beyond the margin it is at least; negative: not shown to be. None: nobody can say,
    or it may not be looked at."""
    state: Literal["breached", "not breached", "unknown"]
    """Shown to be beyond; not shown to be; too few are judged, or they are all alike."""


@dataclass(frozen=True)
class Status:
    """An experiment at a moment."""

    experiment: Experiment
    until: datetime
    """What happened from then on is not counted."""
    looks_at: datetime | None
    """When a fixed horizon is reached; None: it may be looked at any time."""
    may_look: bool
    variants: tuple[VariantStatus, ...]
    split: Split
    comparisons: tuple[Comparison, ...]
    guards: tuple[GuardStatus, ...]
    advice: tuple[str, ...]


def status_of(conninfo: str, experiment: Experiment, now: datetime) -> Status:
    """Return where an experiment stands at `now`."""
    until = min(now, experiment.stopped_at or now, horizon_of(experiment) or now)
    return assess(experiment, read_people(conninfo, experiment, until), until)


def horizon_of(experiment: Experiment) -> datetime | None:
    """Return when an experiment of a fixed horizon may be looked at; None: it has none."""
    horizon = experiment.plan.horizon
    return None if horizon is None else experiment.started_at + horizon


def assess(experiment: Experiment, people: People, until: datetime) -> Status:
    """Return where an experiment stands by its people up to `until`.

    Before the fixed horizon nothing is said of figures, nor ever if it was stopped before: of
    guards only whether they are breached, by bounds that hold at every look.
    """
    plan, looks_at = experiment.plan, horizon_of(experiment)
    may_look = looks_at is None or until >= looks_at
    variants = tuple(_variants(plan, people, may_look))
    found = split([variant.users for variant in variants], plan.buckets)
    comparisons = tuple(_comparisons(plan, people)) if may_look else ()
    guards = tuple(_guards(plan, people, may_look))
    status = Status(experiment, until, looks_at, may_look, variants, found, comparisons, guards, ())
    return replace(status, advice=tuple(_advice(status)))


def _variants(plan: Plan, people: People, may_look: bool) -> Iterator[VariantStatus]:
    total = sum(plan.buckets)
    for variant, buckets in zip(plan.variants, plan.buckets, strict=True):
        counts = people.counts.get(variant.label, _NOBODY)
        judged = int((people.variant == variant.label).sum())
        told = people.figures if may_look and judged else {}
        yield VariantStatus(
            label=variant.label,
            share=buckets / total,
            users=counts.users,
            slates=counts.slates,
            impressions=counts.impressions,
            judged=judged,
            model_versions=counts.model_versions,
            means={name: float(people.of(name, variant.label).mean()) for name in told},
        )


def _comparisons(plan: Plan, people: People) -> Iterator[Comparison]:
    first, *others = [variant.label for variant in plan.variants]
    alpha, planned = ALPHA / len(others), _planned(plan)
    for label in others:
        for metric in METRICS:
            one, other = (Group.of(people.of(metric, name)) for name in (first, label))
            found = (
                always_valid(one, other, alpha, planned[label])
                if plan.horizon is None
                else at_the_horizon(one, other, alpha)
            )
            yield Comparison(label, metric, found and _corrected(found, len(others)))


def _planned(plan: Plan) -> dict[str, float]:
    """Return by variant how many of the planned people it and the first one have together."""
    first, *others = plan.buckets
    labels = (variant.label for variant in plan.variants[1:])
    return {
        label: plan.planned_users * (first + buckets) / sum(plan.buckets)
        for label, buckets in zip(labels, others, strict=True)
    }


def _corrected(found: Difference, variants: int) -> Difference:
    """Return a difference with the p that its interval goes by (Bonferroni over the variants)."""
    return replace(found, p=min(1.0, found.p * variants))


def _guards(plan: Plan, people: People, may_look: bool) -> Iterator[GuardStatus]:
    first, *others = [variant.label for variant in plan.variants]
    alpha, planned = ALPHA / (len(others) * max(1, len(plan.guards))), _planned(plan)
    for label in others:
        for name, margin in plan.guards.items():
            one, other = (people.of(name, variant) for variant in (first, label))
            beyond = _beyond(name, margin, one, other, alpha=alpha, planned=planned[label])
            yield GuardStatus(label, name, margin, beyond if may_look else None, _state(beyond))


def _state(beyond: float | None) -> Literal["breached", "not breached", "unknown"]:
    if beyond is None:
        return "unknown"
    return "breached" if beyond > 0.0 else "not breached"


def _beyond(
    name: str, margin: float, first: Figures, other: Figures, *, alpha: float, planned: float
) -> float | None:
    """Return how far beyond the margin `other` is at least; None: nobody can say."""
    guard = GUARDS[name]
    sign = 1.0 if guard.worse == "up" else -1.0
    scale = 1.0 + sign * margin if guard.is_relative else 1.0
    below = always_valid_below(
        Group.of(sign * first), Group.of(sign * other), alpha, planned, scale
    )
    if below is None:
        return None
    return below if guard.is_relative else below - margin


def _advice(status: Status) -> Iterator[str]:
    if status.split.is_wrong:
        yield (
            f"STOP: people do not split as planned (p = {status.split.p:.1g}); something beside "
            "the draw decides who is counted, and no figure is to be trusted before it is found."
        )
    for guard in status.guards:
        if guard.state == "breached":
            allowed = f"{guard.margin:.0%}" if GUARDS[guard.guard].is_relative else guard.margin
            yield (
                f"STOP: {guard.variant} is worse in {guard.guard} by more than the {allowed} that "
                "may be lost."
            )
    for variant in status.variants:
        if len(variant.model_versions) > 1:
            yield f"{variant.label} was answered by several models: the champion changed."
    if status.may_look:
        for one in status.comparisons:
            if one.metric == status.experiment.plan.metric:
                yield _verdict(one, status.experiment.plan.variants[0].label)
    elif status.experiment.stopped_at:
        yield f"It was stopped before {_day(status.looks_at)}: it says nothing of the differences."
    else:
        yield f"Differences are told on {_day(status.looks_at)}, not before."


def _verdict(one: Comparison, first: str) -> str:
    found = one.difference
    if found is None:
        return (
            f"{one.variant}: nothing can be said of {one.metric} before {LEAST_PEOPLE} people of "
            "each variant are judged, and differ."
        )
    if found.low > 0.0:
        return f"{one.variant} brings more {one.metric} than {first}."
    if found.high < 0.0:
        return f"{one.variant} brings less {one.metric} than {first}."
    return f"{one.variant}: {one.metric} is not decided."


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""
