"""All that a report says: one object, from which the page, the JSON and the CSV are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reco.errors import InvalidInput
from training.replay.folder import RunFolder
from training.replay.summary import RunSummary, summary_from
from training.report.benchmark import SlateBenchmark
from training.report.calibration import Bin, bins_of
from training.report.changes import Changes, changes_of
from training.report.labels import Label, labels_of
from training.report.people import system_rows
from training.report.places import METRICS, Territory, territory_of
from training.report.plain import Sentence, Told
from training.report.since import Since, since_of
from training.report.standing import Served, served_in
from training.report.venues import Exposure, exposure_of


@dataclass(frozen=True)
class Report:
    """A finished run, told."""

    run: str
    manifest: Mapping[str, Any]
    summary: RunSummary
    labels: tuple[Label, ...]
    beside: int
    """Place of the system that stands beside the first; 0: there is but one."""
    served: Served
    """What was served when the run began, as all changes are against it or not."""
    since: Since
    lead: Sentence
    """What the pair comes to, in a sentence."""
    sentences: tuple[Sentence, ...]
    others: tuple[Sentence, ...]
    """Of the systems that are not told in detail."""
    bins: tuple[tuple[Bin, ...], ...]
    """Calibration of the pair; empty where people were drawn because they booked, or nothing that
    was shown was booked."""
    territory: Territory
    exposure: Exposure
    changes: Changes | None
    """From the first system to that beside it; None: there is but one."""
    examples: Sequence[Mapping[str, Any]]
    benchmark: SlateBenchmark | None

    @property
    def n(self) -> int:
        """Offers a slate."""
        return int(self.manifest["n"])

    @property
    def pair(self) -> tuple[int, ...]:
        """Places of the first system and of that beside it: those that are told in detail."""
        return (0, self.beside) if self.beside else (0,)


def report_of(
    folder: RunFolder, system: str | None = None, benchmark: SlateBenchmark | None = None
) -> Report:
    """Return what a run says.

    Parameters
    ----------
    system
        Name of the one that stands beside the first; the second by default.
    benchmark
        A benchmark of slates to be told too.

    Raises
    ------
    InvalidInput
        The run is not finished, or has no such system.
    """
    manifest, summary = folder.manifest(), summary_from(folder.summary())
    labels = labels_of(manifest["systems"], manifest.get("served"))
    beside = _beside(labels, system)
    pair = (0, beside) if beside else (0,)
    figures = [f"{name}@{manifest['n']}" for name in METRICS]
    rows = system_rows(folder, [labels[at].name for at in pair], figures)
    told = Told(manifest, summary, labels, beside)
    served = served_in(manifest, labels)
    return Report(
        run=folder.name,
        manifest=manifest,
        summary=summary,
        labels=labels,
        beside=beside,
        served=served,
        since=since_of(manifest, summary, labels),
        lead=told.lead(),
        sentences=(served.told, *told.sentences()),
        others=told.others(),
        bins=tuple(bins_of(summary.systems[at].curve) for at in pair),
        territory=territory_of(rows, manifest["n"], manifest["seed"]),
        exposure=exposure_of(rows, folder.table("venues"), seed=manifest["seed"]),
        changes=changes_of(rows[0], rows[-1], folder.table("items"), manifest["seed"])
        if beside
        else None,
        examples=folder.examples(),
        benchmark=benchmark,
    )


def _beside(labels: Sequence[Label], system: str | None) -> int:
    if system is None:
        return min(1, len(labels) - 1)
    others = {label.name: place for place, label in enumerate(labels) if place}
    others |= {label.letter: place for place, label in enumerate(labels) if place}
    if system not in others:
        accepted = [label.name for label in labels[1:]]
        raise InvalidInput("system", f"{system!r} is none that stands beside the first", accepted)
    return others[system]
