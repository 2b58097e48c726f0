"""The command `reco train`: from events to a champion, and one screen about it."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import psycopg
import typer

from features.interactions import Events
from reco.console import By, WorldOption, actor_of, console, settings_for, warn
from reco.db.ready import opened_world
from reco.errors import InvalidInput, Unavailable
from reco.model.address import address_of, published, removed_unless_kept, without_password
from reco.model.registry import Act, champion, publication, publish, version_named
from reco.moments import moment_from
from reco.people.accounts import read_accounts
from reco.world import World
from training.commands.future import refuse_future, without_future
from training.commands.models import GATE_USERS, verdict_table
from training.commands.progress import share_progress
from training.commands.revision import code_revision
from training.commands.screen import training_table
from training.configuration import read_parameters
from training.content import content_of_world
from training.distributed import spark_parameters
from training.extract import events_from_database, events_from_frames
from training.fits import DEFAULT_KIND, PARAMETERS, Parameters
from training.gate import Floors
from training.impressions import read_impressions
from training.markets import market_of_folder, market_of_world
from training.registry import promote_behind_gate
from training.run import train_model
from training.saving import save_model
from training.split import SplitKind, aware
from training.summary import TrainingSummary, as_metrics
from training.tracking import require_mlflow, track
from training.tune import end_of


class ModelKind(StrEnum):
    """Models that can be trained."""

    POPULARITY = "popularity"
    ITEMKNN = "itemknn"
    ALS = "als"
    IALS = "ials"
    BPR = "bpr"
    EASE = "ease"
    FILTER = "filter"
    HYBRID = "hybrid"


class Engine(StrEnum):
    """Where a model is fitted."""

    LOCAL = "local"
    SPARK = "spark"


class Split(StrEnum):
    """How what is held out is chosen."""

    TIME = "time"
    GIVEN = "given"


def train(
    context: typer.Context,
    *,
    model: Annotated[
        ModelKind | None,
        typer.Option(help="What to train. [default: what --config holds, else ials]"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="TOML file of the model's settings; a half-life there is not chosen. "
            "[default: its defaults]"
        ),
    ] = None,
    cutoff: Annotated[
        str | None, typer.Option(help="Date or time; nothing from it on is seen. [default: none]")
    ] = None,
    weeks: Annotated[
        int | None,
        typer.Option(
            "--hold-out-weeks", min=1, help="As --cutoff, so many weeks before the last event."
        ),
    ] = None,
    split: Annotated[
        Split, typer.Option(help="By time, or as the data set gives it.")
    ] = Split.TIME,
    engine: Annotated[Engine, typer.Option(help="Where it is fitted.")] = Engine.LOCAL,
    spark: Annotated[
        str, typer.Option(metavar="URL", help="The cluster, as spark://host:7077; local[n]: here.")
    ] = "local[*]",
    spark_folder: Annotated[
        Path | None,
        typer.Option(help="Folder that this machine and the cluster share. [default: temporary]"),
    ] = None,
    frames: Annotated[
        Path | None, typer.Option(help="Train from this folder of frames, not the database.")
    ] = None,
    is_left: Annotated[
        bool,
        typer.Option(
            "--no-promote",
            help="Leave it a candidate, but for a world's first; do not ask the gate.",
        ),
    ] = False,
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
    parameters = read_parameters(config, kind) if config else PARAMETERS[kind or DEFAULT_KIND]()
    if engine is Engine.SPARK:
        parameters = spark_parameters(parameters, spark, spark_folder)
    if settings.mlflow_tracking_uri:
        require_mlflow()
    if cutoff and weeks:
        raise InvalidInput("cutoff", "--cutoff and --hold-out-weeks: leave one of the two out")
    border = moment_from(cutoff, "cutoff", zone) if cutoff else None
    summary = train_world(
        opened,
        parameters.kind,
        parameters=parameters,
        split=split.value,
        cutoff=timedelta(weeks=weeks) if weeks else border,
        now=datetime.now(UTC),
        actor=actor_of(by),
        frames=frames,
        store_url=settings.model_store,
    )
    console.print(training_table(summary))
    try:
        served = champion(opened.conninfo)
        if served and served.version == summary.version:
            _say("It is the first model of this world, and served at once.")
        elif is_left:
            _say(f"It is a candidate: `reco models promote {summary.version}` serves it.")
        else:
            _promote(opened, summary.version, Act(datetime.now(UTC), actor_of(by)), frames)
    finally:
        # At last: whoever waits for a promotion is not to wait for another server.
        if settings.mlflow_tracking_uri:
            _track(settings.mlflow_tracking_uri, opened, summary)


def _track(uri: str, world: World, summary: TrainingSummary) -> None:
    """Tell MLflow; the model is published by now, so that a failure is told and no more."""
    address = version_named(world.conninfo, summary.version).address
    try:
        run = track(uri, f"reco-{world.name}", summary, without_password(address))
    except Unavailable as error:
        warn(str(error))
    else:
        _say(f"MLflow has it as run {run}.")


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
    cutoff: datetime | timedelta | None,
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
    cutoff
        Nothing from that moment on is seen; a length of time: so long before the last event.
    now
        Names the version. Accounts made after it, and events dated later, are left out.
    actor
        Who does it, for the record.
    store_url
        Where the artifact is copied to; None: it is served from the world's own folder.
    parameters
        Of that model; None: its defaults.

    Raises
    ------
    InvalidInput
        See `train_model`; the cutoff lies after `now`, or all events do; or the same model was
        published in this very second.
    Unavailable
        The database or the store does not answer; nothing is published.
    """
    if isinstance(cutoff, datetime):
        refuse_future(cutoff, now)
    with share_progress() as progress:
        progress("reading events", 0.0)
        told = events_from_frames(frames) if frames else events_from_database(world.conninfo)
        events = without_future(told, now)
        if isinstance(cutoff, timedelta):
            cutoff = _before_the_end(events, cutoff)
        progress("reading what could be booked", 0.0)
        market = (
            market_of_folder(frames, events, cutoff)
            if frames
            else market_of_world(world.conninfo, events, cutoff)
        )
        trained = train_model(
            events,
            parameters or PARAMETERS[model](),
            split=split,
            cutoff=cutoff,
            progress=progress,
            market=market,
            impressions=(
                None if frames else partial(read_impressions, world.conninfo, cutoff=cutoff)
            ),
        )
        progress("learning from content", 1.0)
        content = content_of_world(world.conninfo, trained)
    with publication(world.conninfo) as connection:
        accounts = read_accounts(connection, now)
        try:
            summary = save_model(
                trained,
                models=world.models,
                now=now,
                revision=code_revision(),
                accounts=accounts,
                content=content,
            )
        except FileExistsError as error:
            raise InvalidInput("now", f"the same model was published just then ({error})") from None
        with removed_unless_kept(summary.folder, address_of(summary.folder, store_url)):
            _publish(connection, summary, published(summary.folder, store_url), Act(now, actor))
            connection.commit()
    return summary


def _before_the_end(events: Events, length: timedelta) -> datetime:
    end = aware(end_of(events))
    if end is None:
        raise InvalidInput("hold-out-weeks", "no event has a time")
    return end - length


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
        metrics=as_metrics(
            summary.figures,
            summary.open_figures,
            task=summary.task,
            is_held_out=summary.is_held_out,
            ranker=summary.ranker,
        ),
        act=act,
    )
