"""The command `reco train`: from events to a champion, and one screen about it."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import psycopg
import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reco.console import WorldOption, console, settings_for
from reco.db.ready import opened_world
from reco.errors import InvalidInput
from reco.model.address import published
from reco.model.artifact import PeopleFacts
from reco.model.registry import Act, champion, publication, publish
from reco.moments import moment_from
from reco.people.accounts import read_accounts
from reco.world import World
from training.commands.models import GATE_USERS, By, actor_of, verdict_table
from training.commands.progress import share_progress
from training.configuration import read_parameters
from training.extract import events_from_database, events_from_frames
from training.fits import PARAMETERS, Parameters
from training.gate import Floors
from training.intervals import Estimate
from training.registry import promote_behind_gate
from training.run import MAX_JUDGED, train_model
from training.saving import save_model
from training.split import SplitKind
from training.summary import TrainingSummary, as_metrics

_SHOWN = ("ndcg@10", "recall@10", "recall_full@10", "recall_full@20", "mrr@10", "hit@10")


class ModelKind(StrEnum):
    """Models that can be trained."""

    POPULARITY = "popularity"
    ITEMKNN = "itemknn"
    ALS = "als"
    IALS = "ials"
    BPR = "bpr"
    EASE = "ease"
    FILTER = "filter"


_DEFAULT = ModelKind.ITEMKNN


class Split(StrEnum):
    """How what is held out is chosen."""

    TIME = "time"
    GIVEN = "given"


def train(
    context: typer.Context,
    *,
    model: Annotated[
        ModelKind | None,
        typer.Option(help="What to train. [default: what --config holds, else itemknn]"),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file of the model's settings. [default: its defaults]")
    ] = None,
    cutoff: Annotated[
        str | None, typer.Option(help="Date or time; nothing from it on is seen. [default: none]")
    ] = None,
    split: Annotated[
        Split, typer.Option(help="By time, or as the data set gives it.")
    ] = Split.TIME,
    frames: Annotated[
        Path | None, typer.Option(help="Train from this folder of frames, not the database.")
    ] = None,
    is_promoted: Annotated[
        bool,
        typer.Option(
            "--promote/--no-promote", help="Serve it if the gate lets it, or leave it a candidate."
        ),
    ] = True,
    by: By = None,
    world: WorldOption = None,
) -> None:
    """Train a model, print how good it is, and serve it if it is not worse than the champion.

    The first model of a world is served at once; `reco models promote` has the gate's settings.
    """
    settings = settings_for(context, world)
    opened = opened_world(settings)
    zone = ZoneInfo(settings.timezone)
    kind = model.value if model else None
    parameters = read_parameters(config, kind) if config else PARAMETERS[kind or _DEFAULT.value]()
    summary = train_world(
        opened,
        parameters.kind,
        parameters=parameters,
        split=split.value,
        cutoff=moment_from(cutoff, "cutoff", zone) if cutoff else None,
        now=datetime.now(UTC),
        actor=actor_of(by),
        frames=frames,
        store_url=settings.model_store,
    )
    console.print(training_table(summary))
    served = champion(opened.conninfo)
    if served and served.version == summary.version:
        _say("It is the first model of this world, and served at once.")
    elif is_promoted:
        _promote(opened, summary.version, Act(datetime.now(UTC), actor_of(by)), frames)
    else:
        _say(f"It is a candidate: `reco models promote {summary.version}` serves it.")


def _promote(world: World, version: str, act: Act, frames: Path | None) -> None:
    verdict = promote_behind_gate(
        world, version, act, floors=Floors(), users=GATE_USERS, frames=frames
    )
    console.print(verdict_table(verdict))
    if verdict.passed:
        _say(f"Served from now on, in the place of {verdict.champion}.")
    for reason in verdict.reasons:
        _say(f"Refused, so that {verdict.champion} stays: {reason}.")


def _say(line: str) -> None:
    console.print(line, highlight=False)


def train_world(
    world: World,
    model: str,
    *,
    split: SplitKind,
    cutoff: datetime | None,
    now: datetime,
    actor: str = "",
    frames: Path | None = None,
    store_url: str | None = None,
    parameters: Parameters | None = None,
) -> TrainingSummary:
    """Train on a world's events, or on those of a folder, and publish the model as a candidate.

    The first one of a world is served at once. Who has no account in the world is not kept in the
    artifact.

    Parameters
    ----------
    now
        Names the version. Accounts made after it are not in the events.
    actor
        Who does it, for the record.
    store_url
        Where the artifact is copied to; None: it is served from the world's own folder.
    parameters
        Of that model; None: its defaults.

    Raises
    ------
    InvalidInput
        See `train_model`; or the same model was published in this very second.
    Unavailable
        The database or the store does not answer; nothing is published.
    """
    with share_progress() as progress:
        progress("reading", 0.0)
        events = events_from_frames(frames) if frames else events_from_database(world.conninfo)
        trained = train_model(
            events,
            parameters or PARAMETERS[model](),
            split=split,
            cutoff=cutoff,
            progress=progress,
        )
    with publication(world.conninfo) as connection:
        accounts = read_accounts(connection, now)
        try:
            summary = save_model(
                trained, models=world.models, now=now, revision=_revision(), accounts=accounts
            )
        except FileExistsError as error:
            raise InvalidInput("now", f"the same model was published just then ({error})") from None
        with _removed_unless_kept(summary.folder):
            _publish(connection, summary, published(summary.folder, store_url), Act(now, actor))
            connection.commit()
    return summary


def _publish(
    connection: psycopg.Connection[Any], summary: TrainingSummary, address: str, act: Act
) -> None:
    publish(
        connection,
        version=summary.version,
        kind=summary.kind,
        address=address,
        digest=summary.digest,
        cutoff=summary.cutoff,
        created_at=summary.created_at,
        metrics=as_metrics(summary.figures, summary.open_figures, is_held_out=summary.is_held_out),
        act=act,
    )


@contextmanager
def _removed_unless_kept(folder: Path) -> Iterator[None]:
    """Take a folder away again that could not be registered: nobody would know whom it holds."""
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _revision() -> str | None:
    """Return the commit of this checkout, None where it is none."""
    git = shutil.which("git")
    if git is None:
        return None
    asked = [git, "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() or None


def training_table(summary: TrainingSummary) -> RenderableType:
    """Return one screen about a run: data, time, memory, metrics with intervals."""
    table = Table(title=f"Model {summary.version}", title_justify="left", header_style="bold")
    table.add_column("metric")
    for name in (summary.kind, "popularity", "difference"):
        table.add_column(f"{name} (95 % interval)", justify="right")
    for figures, among in ((summary.figures, ""), (summary.open_figures, ", open items")):
        for row in figures:
            if row.metric in (_SHOWN if not among else _SHOWN[:1]):
                cells = (_text(row.model), _text(row.popularity), _text(row.difference, sign="+"))
                table.add_row(row.metric + among, *cells)
    return Group(table, *(Text(line) for line in _lines(summary)))


def _lines(summary: TrainingSummary) -> list[str]:
    task = summary.task
    seconds = ", ".join(f"{stage} {took:.1f} s" for stage, took in summary.seconds.items())
    fades = (
        f"counts half after {summary.half_life_days:.0f} days"
        if summary.half_life_days
        else "never fades"
    )
    until = f" before {summary.cutoff.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if summary.cutoff else ""
    judged = (
        "Judged on what came after."
        if summary.is_held_out
        else "Judged by a rehearsal, on the tenth that also chose the half-life: a little too good."
    )
    drawn = ", drawn at random" if len(task.users) == MAX_JUDGED else ""
    held = [_people_line(summary.people)] if summary.people else []
    return [
        f"Seen: {summary.events:,} events of {summary.users:,} users on {summary.items:,} items"
        f"{until}; interest {fades}.",
        f"{judged} To be found: {task.targets.nnz:,} items of {len(task.users):,} users{drawn} "
        f"({task.answers:,} answers of all, {task.repeats:,} pairs already met, left out; "
        f"{task.unknown_items:,} targets on items that nobody had met).",
        *held,
        f"Took: {seconds}; peak memory {summary.peak_memory_bytes / 1e6:,.0f} MB.",
        f"Saved in {summary.folder}.",
    ]


def _people_line(people: PeopleFacts) -> str:
    return (
        f"Holds nobody but accounts: {people.left_out:,} others were left out, {people.erased:,} "
        f"are erased; held without an account: {people.vectors_without_account:,}."
    )


def _text(estimate: Estimate, sign: str = "") -> str:
    def number(value: float) -> str:
        return f"{value:{sign}.4f}"

    return f"{number(estimate.value)} ({number(estimate.low)} .. {number(estimate.high)})"
