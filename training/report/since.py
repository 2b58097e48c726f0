"""What changed since the champion: how systems were made, and the headline beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reco.feed.dials import NAMES
from training.intervals import Estimate
from training.paired import Compared
from training.replay.summary import RunSummary
from training.report.definitions import HEADLINE
from training.report.labels import Label
from training.report.verdict import Verdict, verdict_of

_MADE = ("version", "kind", "trained_until", *NAMES)

Value = str | float | int | None


@dataclass(frozen=True)
class Setting:
    """One thing that makes a system's answers."""

    name: str
    served: Value
    """Of what was served when the run began; None: it has none, or nobody knows."""
    systems: tuple[Value, ...]
    """Of each system of the run, in its order; None: it has none."""
    differs: bool
    """Whether two of these differ; in a setting of a model, two that have it."""


@dataclass(frozen=True)
class Difference:
    """A figure of a system beside that of the first one, over the same people and weeks."""

    system: str
    figure: str
    first: float
    second: float
    difference: Estimate | None
    """Second minus first, paired; None: there is no interval."""
    compared: Compared
    """The second figure, with the change relative to the first and its test."""
    verdict: Verdict


@dataclass(frozen=True)
class Since:
    """What a run compares with what is served, where it is the first system; else with that."""

    settings: tuple[Setting, ...]
    headline: tuple[Difference, ...]


def since_of(manifest: Mapping[str, Any], summary: RunSummary, labels: Sequence[Label]) -> Since:
    """Return what changed from the first system to the others, and from what was served."""
    return Since(
        tuple(_settings(manifest.get("served"), manifest["systems"])),
        tuple(
            found
            for label, one in zip(labels[1:], summary.systems[1:], strict=True)
            for name in HEADLINE
            if (found := _difference(summary, label, one.metrics, f"{name}@{manifest['n']}"))
        ),
    )


def _settings(
    served: Mapping[str, Any] | None, systems: Sequence[Mapping[str, Any]]
) -> list[Setting]:
    made = [_made(one) for one in systems]
    champion = _made(served) if served else {}
    known = [champion, *made] if served else made
    return [
        Setting(
            name,
            champion.get(name),
            tuple(one.get(name) for one in made),
            differs=len({one[name] for one in known if name in one}) > 1,
        )
        for name in dict.fromkeys(name for one in known for name in one)
    ]


def _made(facts: Mapping[str, Any]) -> dict[str, Value]:
    return {name: facts.get(name) for name in _MADE} | dict(facts.get("settings", {}))


def _difference(
    summary: RunSummary, label: Label, metrics: Mapping[str, Compared], name: str
) -> Difference | None:
    first, second = summary.systems[0].metrics[name].value, metrics[name].value
    if first is None or second is None:
        return None
    apart = metrics[name].difference_interval
    return Difference(
        system=label.name,
        figure=name,
        first=first,
        second=second,
        difference=Estimate(*apart) if apart else None,
        compared=metrics[name],
        verdict=verdict_of(metrics[name]),
    )
