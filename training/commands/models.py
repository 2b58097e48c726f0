"""The commands `reco models ...`: what there is, what is served, and how that changes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from reco.console import By, WorldOption, actor_of, console, settings_for
from reco.db.ready import opened_world
from reco.errors import ArtifactRefused, RuleBroken
from reco.model.address import local_folder, require_removed, without_password
from reco.model.artifact import ModelFacts, read_artifact
from reco.model.registry import (
    Act,
    ModelEvent,
    ModelVersion,
    events,
    version_named,
    versions,
)
from reco.whole_table import Table
from reco.world import World
from training.criteria import Criterion
from training.gate import Floors, Verdict
from training.intervals import Estimate
from training.registry import (
    compare_versions,
    promote_behind_gate,
    promote_past_gate,
    prune_versions,
    roll_back_one,
)

app = typer.Typer(no_args_is_help=True)

_DEFAULT = Floors()
_SHOWN = "ndcg@10"
_TOO_FEW = "too few to judge"

VersionName = Annotated[
    str, typer.Argument(metavar="VERSION", help="As `reco models list` has it.")
]
FramesFolder = Annotated[
    Path | None, typer.Option("--frames", help="Judge on this folder of frames, not the database.")
]
GateUsers = Annotated[
    int,
    typer.Option(
        "--gate-users", min=30, help="People drawn to judge by, and cold ones beside them."
    ),
]
NdcgLoss = Annotated[
    float, typer.Option("--max-ndcg-loss", min=0, help="Share of ndcg that may be lost.")
]
HorizonLoss = Annotated[
    float, typer.Option("--max-horizon-loss", min=0, help="The same of horizon_recall.")
]
ColdLoss = Annotated[
    float, typer.Option("--max-cold-loss", min=0, help="The same of ndcg of people new here.")
]
Slowdown = Annotated[
    float,
    typer.Option(
        "--max-slowdown", min=0, help="Share of time that a request may take more, .5 ms at least."
    ),
]
GATE_USERS = 2_000


@app.command("list")
def list_versions(
    context: typer.Context,
    *,
    newest: Annotated[
        bool,
        typer.Option("--newest", help="Print the name of the newest, no more; of none pruned."),
    ] = False,
    world: WorldOption = None,
) -> None:
    """List all model versions, the newest first, with their state and figures."""
    opened = opened_world(settings_for(context, world))
    if newest:
        kept = (row for row in versions(opened.conninfo) if row.state != "pruned")
        for row in islice(kept, 1):
            typer.echo(row.version)
        return
    table = Table(title=f"Models of the world {opened.name}")
    for name in ("version", "state", "trained until", f"{_SHOWN} (95 % interval)", "judged on"):
        table.add_column(name)
    for row in versions(opened.conninfo):
        style = "bold" if row.state == "champion" else None
        table.add_row(row.version, row.state, _moment(row.cutoff), *_figure(row), style=style)
    console.print(table)


@app.command()
def show(context: typer.Context, version: VersionName, world: WorldOption = None) -> None:
    """Show how a version came about, how good it is, and all that became of it."""
    opened = opened_world(settings_for(context, world))
    row = version_named(opened.conninfo, version)
    history = [event for event in events(opened.conninfo) if event.version == version]
    console.print(_portrait(row, _facts_of(opened, row), history), highlight=False)


@app.command()
def compare(
    context: typer.Context,
    version: VersionName,
    other: Annotated[
        str | None,
        typer.Argument(metavar="OTHER", help="What with. [default: the one that is served]"),
    ] = None,
    *,
    frames: FramesFolder = None,
    users: GateUsers = GATE_USERS,
    world: WorldOption = None,
) -> None:
    """Compare a version with another as the gate does; nothing changes."""
    opened = opened_world(settings_for(context, world))
    now = datetime.now(UTC)
    verdict = compare_versions(
        opened, version, other, now=now, floors=_DEFAULT, users=users, frames=frames
    )
    console.print(verdict_table(verdict))


@app.command()
def promote(
    context: typer.Context,
    version: VersionName,
    *,
    forced: Annotated[
        str | None,
        typer.Option("--force", metavar="REASON", help="Past the gate; the reason is recorded."),
    ] = None,
    by: By = None,
    ndcg_loss: NdcgLoss = _DEFAULT.ndcg_loss,
    horizon_loss: HorizonLoss = _DEFAULT.horizon_loss,
    cold_loss: ColdLoss = _DEFAULT.cold_loss,
    slowdown: Slowdown = _DEFAULT.slowdown,
    users: GateUsers = GATE_USERS,
    frames: FramesFolder = None,
    world: WorldOption = None,
) -> None:
    """Serve a version, if the gate lets it: not worse than the champion by the floors."""
    opened = opened_world(settings_for(context, world))
    if forced is not None:
        promote_past_gate(opened, version, _act(by, forced))
        console.print(f"{version} is served, past the gate.", highlight=False)
        return
    floors = Floors(ndcg_loss, horizon_loss, cold_loss, slowdown)
    verdict = promote_behind_gate(
        opened, version, _act(by), floors=floors, users=users, frames=frames
    )
    console.print(verdict_table(verdict))
    if not verdict.passed:
        raise RuleBroken("gate", f"{version} is refused. {'; '.join(verdict.reasons)}.")


@app.command()
def rollback(
    context: typer.Context,
    *,
    reason: Annotated[str | None, typer.Option(help="Why, for the record.")] = None,
    by: By = None,
    world: WorldOption = None,
) -> None:
    """Serve the champion before this one again."""
    opened = opened_world(settings_for(context, world))
    done = roll_back_one(opened, _act(by, reason))
    for passed_over in done.passed_over:
        console.print(f"Passed over: {passed_over}", highlight=False)
    console.print(f"{done.champion} is served again, not {done.left}.", highlight=False)


@app.command()
def prune(
    context: typer.Context,
    *,
    keep: Annotated[int, typer.Option(min=0, help="So many of the newest stay.")] = 5,
    by: By = None,
    world: WorldOption = None,
) -> None:
    """Delete old artifacts; the champion, the one before it and the newest stay."""
    opened = opened_world(settings_for(context, world))
    pruned = prune_versions(opened, keep, _act(by, f"keep {keep}"))
    for version in pruned.given_up:
        console.print(f"Pruned {version}.", highlight=False)
    console.print(
        f"Versions pruned: {len(pruned.given_up)}, kept: {pruned.kept}; "
        f"artifacts deleted: {len(pruned.deleted)}.",
        highlight=False,
    )
    require_removed(pruned.failed)


def verdict_table(verdict: Verdict) -> RenderableType:
    """Return the gate's verdict as a table with a line on what the figures mean."""
    table = Table(title=f"The gate: {verdict.candidate}")
    for name in ("", "over", "candidate", "compared with", "difference", "limit", ""):
        table.add_column(name, justify="left" if not name else "right")
    for criterion in verdict.criteria:
        table.add_row(*_cells(criterion))
    lines = [
        f"Compared with {verdict.champion}.",
        "The worse end of a difference's 95 % interval must not be beyond the limit; where there is"
        " no difference, that of the candidate's own figure.",
        verdict.judged_on,
    ]
    return Group(table, *(Text(line) for line in lines))


def _cells(criterion: Criterion) -> tuple[str, ...]:
    outcome = "passed" if criterion.passed else "REFUSED"
    name, count, limit = criterion.name, f"{criterion.count:,}", f"{criterion.limit:+.4f}"
    candidate, champion = criterion.candidate, criterion.champion
    if candidate is None:
        why = criterion.lacks or _TOO_FEW
        over = "" if criterion.lacks else count
        return name, over, "", "", "", "", why if criterion.passed else f"REFUSED: {why}"
    if criterion.difference is None:
        others = _interval(champion, "+") if champion else ""
        told = f"{outcome}: {criterion.lacks}" if criterion.lacks else outcome
        return name, count, _interval(candidate, "+"), others, "", limit, told
    difference = _interval(criterion.difference, "+")
    return name, count, _value(candidate), _value(champion), difference, limit, outcome


def _act(by: str | None, reason: str | None = None) -> Act:
    return Act(datetime.now(UTC), actor_of(by), reason)


def _facts_of(world: World, row: ModelVersion) -> ModelFacts | str:
    try:
        return read_artifact(local_folder(row.address, world.models)).facts
    except ArtifactRefused as error:
        return str(error)


def _portrait(row: ModelVersion, facts: ModelFacts | str, history: list[ModelEvent]) -> Group:
    table = Table(title=f"Model {row.version}", show_header=False)
    address = without_password(row.address)
    for name, told in [("state", row.state), ("address", address), ("digest", row.digest)]:
        table.add_row(name, told)
    for name, told in _manifest(facts) if isinstance(facts, ModelFacts) else [("artifact", facts)]:
        table.add_row(name, told)
    for name, estimate in _figures(row.metrics):
        table.add_row(name, _interval(estimate))
    past = Table(title="What became of it")
    for column in ("when", "what", "who", "why"):
        past.add_column(column)
    for event in history:
        past.add_row(_moment(event.at), _action(event), event.actor, _why(event))
    return Group(table, past)


def _manifest(facts: ModelFacts) -> list[tuple[str, str]]:
    return [
        ("trained until", _moment(facts.cutoff)),
        ("created", _moment(facts.created_at)),
        ("git revision", facts.git_revision or "unknown"),
        ("libraries", ", ".join(f"{name} {known}" for name, known in facts.libraries.items())),
        ("settings", ", ".join(f"{name} {value}" for name, value in facts.parameters.items())),
    ]


def _figures(metrics: Any) -> list[tuple[str, Estimate]]:
    return [
        (f"{name}, {metrics['judged_on']}", Estimate(*figures["model"]))
        for name, figures in metrics.get("all_items", {}).items()
        if name.startswith(("ndcg", "recall@"))
    ]


def _figure(row: ModelVersion) -> tuple[str, str]:
    found = row.metrics.get("all_items", {}).get(_SHOWN)
    judged = row.metrics.get("judged_on", "")
    return (_interval(Estimate(*found["model"])) if found else ""), judged


def _action(event: ModelEvent) -> str:
    """Return what was done; the state that it led to is told where its own name does not say."""
    return "published as a candidate" if event.action == "published" else event.action


def _why(event: ModelEvent) -> str:
    if event.evidence is None:
        return event.reason or ""
    outcome = "passed" if event.evidence["passed"] else "breached"
    told = [
        f"{row['name']} {_judged(row)}{'' if row['passed'] else ' (REFUSED)'}"
        for row in event.evidence["criteria"]
        if row["candidate"] or not row["passed"]
    ]
    return f"gate {outcome} over {event.evidence['champion']}: {'; '.join(told)}"


def _judged(row: Mapping[str, Any]) -> str:
    if judged := row["difference"] or row["candidate"]:
        return f"{judged['low']:+.4f} .. {judged['high']:+.4f}"
    # Verdicts of before it was told have none.
    return row.get("lacks") or _TOO_FEW


def _value(estimate: Estimate | None) -> str:
    return "" if estimate is None else f"{estimate.value:.4f}"


def _interval(estimate: Estimate, sign: str = "") -> str:
    value, low, high = (f"{n:{sign}.4f}" for n in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low} .. {high})"


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else ""
