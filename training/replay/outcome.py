"""A whole evaluation: replayed, summed up, and kept in its folder."""

import csv
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reco.errors import InvalidInput
from training.paired import Compared
from training.replay.about import items_table, venues_table
from training.replay.evaluation import Evaluation
from training.replay.examples import examples_of
from training.replay.folder import RunFolder
from training.replay.memory import MemoryWatch
from training.replay.origin import origin_of
from training.replay.plan import Plan
from training.replay.run import Progress, run
from training.replay.served import facts_of
from training.replay.summary import RunSummary, columns_of, summary_from, summary_of
from training.replay.week import Week

_COLUMNS = ("segment", "group", "people", "system", "metric", *Compared.__dataclass_fields__)

_SAME = {
    "plan": "plan",
    "world": "world",
    "source": "source",
    "code_revision": "code",
    "people": "people",
    "people_digest": "people",
    "past_digest": "data",
    "key_digest": "secret",
}
"""What the manifest of a run says that goes on, and what it is called."""


def evaluate(
    evaluation: Evaluation,
    folder: Path,
    *,
    workers: int,
    progress: Progress,
    about: Mapping[str, Any],
) -> tuple[RunFolder, RunSummary]:
    """Replay, sum up and keep; what a run before has finished is not made again.

    Parameters
    ----------
    about
        Where the past comes from and the like, for the manifest.

    Raises
    ------
    InvalidInput
        There is nobody to replay, or the folder holds another evaluation.
    """
    kept, plan = RunFolder(folder), evaluation.plan
    manifest = {**about, **_asked(plan), "people": len(evaluation.users)}
    manifest |= origin_of(evaluation)
    if kept.is_begun:
        _require_same(kept, manifest)
    else:
        kept.write_manifest(manifest)
    if kept.is_finished:
        return kept, summary_from(kept.summary())
    kept.write_table("items", items_table(evaluation.past))
    kept.write_table("venues", venues_table(evaluation))

    def illustrate(week: Week) -> None:
        if week.moment.at == plan.start:
            kept.write_examples(examples_of(week))

    memory = MemoryWatch()

    def replayed(what: str, share: float) -> None:
        memory.look()
        progress(what, 0.95 * share)

    run(evaluation, kept.people, workers, replayed, illustrate)
    if not kept.has_examples:
        kept.write_examples(examples_of(Week.of(evaluation, plan.start)))
    progress("summing up", 0.96)
    names = [system.name for system in plan.systems]
    summary = summary_of(kept.rows(columns_of(kept.columns)), names, plan.n, plan.seed)
    _write_csv(kept.csv, summary)
    kept.note_memory(memory.most_mb())
    kept.write_summary(summary.as_object())
    return kept, summary


def _require_same(kept: RunFolder, manifest: Mapping[str, Any]) -> None:
    """Raise `InvalidInput` where a folder holds parts of something else: they would be mixed."""
    before = kept.manifest()
    other = [told for name, told in _SAME.items() if before.get(name) != manifest.get(name)]
    if other:
        raise InvalidInput(
            "out",
            f"{kept.path} holds another evaluation, of other {', '.join(dict.fromkeys(other))};"
            " choose another folder with --out, or delete it",
        )


def _asked(plan: Plan) -> dict[str, Any]:
    return {
        "plan": plan.name,
        "systems": [{"name": system.name} | facts_of(system) for system in plan.systems],
        "start": plan.start.isoformat(),
        "end": plan.end.isoformat(),
        "weeks": plan.weeks,
        "n": plan.n,
        "radius_m": plan.radius_m,
        "everybody": plan.everybody,
        "seed": plan.seed,
    }


def _write_csv(path: Path, summary: RunSummary) -> None:
    """Write a row a segment, system and metric; the first segment is everybody."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        names = [figures.system for figures in summary.systems]
        for kind, value, people, systems in summary.groups():
            for system, metrics in zip(names, systems, strict=True):
                for metric, figure in metrics.items():
                    writer.writerow((kind, value, people, system, metric, *asdict(figure).values()))
