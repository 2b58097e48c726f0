"""The command `reco evaluate`: the feeds of past weeks, judged by what was booked in them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from reco.console import WorldOption, console, settings_for
from reco.db.ready import opened_world
from reco.errors import InvalidInput
from reco.feed.dials import FLOOR, INTENSITY
from reco.model.loaded import LoadedModel
from reco.model.registry import champion, version_named
from reco.model.serving import opened
from reco.moments import moment_from
from reco.secret import signing_secret
from reco.world import World
from training.commands.progress import share_progress
from training.commands.revision import code_revision
from training.intervals import Estimate
from training.replay.evaluation import Evaluation
from training.replay.outcome import evaluate as evaluated
from training.replay.plan import Plan
from training.replay.reading import past_from_folder
from training.replay.recorded import past_from_database
from training.replay.slates import System
from training.replay.summary import RunSummary
from training.screen import figure_cell

CHAMPION, NONE = "champion", "none"
_SHOWN = ("ndcg", "horizon_recall", "novel_recall", "slate_points", "distance_m", "coverage")


def evaluate(
    context: typer.Context,
    *,
    versions: Annotated[
        str,
        typer.Option(
            help="Model versions, separated by commas; `champion`: what is served; `none`: "
            "popularity near. The first one is what others are compared with."
        ),
    ] = f"{CHAMPION},{NONE}",
    floors: Annotated[
        str, typer.Option(help="Floors on relevance that each model's slates are chosen under.")
    ] = f"1,{FLOOR:g}",
    intensity: Annotated[float, typer.Option(min=1.0, help="Of the slates.")] = INTENSITY,
    cutoff: Annotated[
        str | None,
        typer.Option(help="Start of the first week. [default: when the models' data end]"),
    ] = None,
    weeks: Annotated[int, typer.Option(min=1, help="Weeks from there on.")] = 2,
    users: Annotated[int, typer.Option(min=1, help="People, drawn at random.")] = 2_000,
    all_users: Annotated[bool, typer.Option("--all-users", help="All of them.")] = False,
    everybody: Annotated[
        bool,
        typer.Option("--everybody", help="Also people who booked nothing new in these weeks."),
    ] = False,
    n: Annotated[int, typer.Option(min=1, max=100, help="Offers a slate.")] = 20,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    frames: Annotated[
        Path | None, typer.Option(help="Replay this folder of frames, not the database.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run. [default: in the world's folder]")
    ] = None,
    seed: int = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    world: WorldOption = None,
) -> None:
    """Replay the feeds of past weeks as they would have been, and judge them.

    At the start of each week: what could be booked then, around each person, within their credit,
    with what was known of them, through the code that serves. What they booked in the seven days
    after is what was to be found. Run again, it goes on where it was stopped.
    """
    settings = settings_for(context, world)
    place = opened_world(settings)
    asked = [name.strip() for name in versions.split(",") if name.strip()]
    systems = tuple(_systems(place, asked, _floors(floors), intensity))
    zone = ZoneInfo(settings.timezone)
    plan = Plan(
        systems=systems,
        start=moment_from(cutoff, "cutoff", zone) if cutoff else _data_end(systems),
        weeks=weeks,
        n=n,
        radius_m=settings.radius_m,
        users=None if all_users else users,
        everybody=everybody,
        seed=seed,
    )
    with share_progress() as progress:
        progress("reading", 0.0)
        past = past_from_folder(frames) if frames else past_from_database(place.conninfo)
        run, summary = evaluated(
            Evaluation(past, plan, signing_secret(settings).encode()),
            out or place.evaluations / plan.name,
            workers=workers,
            progress=progress,
            about={
                "world": place.name,
                "source": str(frames) if frames else "database",
                "begun_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "code_revision": code_revision(),
            },
        )
    if as_json:
        typer.echo(json.dumps({"run": run.name} | run.summary()))
    else:
        console.print(_screen(summary, plan, run.path))


def _floors(text: str) -> list[float]:
    try:
        floors = [float(part) for part in text.split(",")]
    except ValueError:
        raise InvalidInput("floors", f"{text!r} is no list of numbers", ["1,0.98"]) from None
    if not floors or not all(0.0 <= floor <= 1.0 for floor in floors):
        raise InvalidInput("floors", f"{text!r} is not between 0 and 1", ["1,0.98"])
    return floors


def _systems(world: World, names: list[str], floors: list[float], intensity: float) -> list[System]:
    """Return every model under every floor; popularity alone is shown as it is."""
    systems = []
    for name in names:
        model = _model(world, name)
        of_model = floors if model else [1.0]
        said = model.version if model else NONE
        systems += [
            System(f"{said}@{floor:g}" if model else said, model, floor, intensity)
            for floor in of_model
        ]
    return systems


def _model(world: World, name: str) -> LoadedModel | None:
    if name == NONE:
        return None
    if name == CHAMPION:
        served = champion(world.conninfo)
        if served is None:
            raise InvalidInput("versions", "no model is served in this world: run `reco train`")
        name = served.version
    return opened(version_named(world.conninfo, name), world.models)


def _data_end(systems: tuple[System, ...]) -> datetime:
    ends = [system.model.cutoff for system in systems if system.model and system.model.cutoff]
    if not ends:
        raise InvalidInput("cutoff", "no model says when its data end; say where the weeks begin")
    return max(ends)


def _screen(summary: RunSummary, plan: Plan, folder: Path) -> Group:
    table = Table(f"{summary.people:,} people")
    for figures in summary.systems:
        # A version is long, and its end tells the floor.
        table.add_column(figures.system, overflow="fold")
    for name in (f"{metric}@{plan.n}" for metric in _SHOWN):
        cells = (figure_cell(figures.metrics[name]) for figures in summary.systems)
        table.add_row(name, *cells)
    if any(figures.ece for figures in summary.systems):
        table.add_row("ece without chance", *(_span(figures.ece) for figures in summary.systems))
    end = plan.end.astimezone(plan.start.tzinfo)
    told = (
        f"{summary.judged:,} of them booked something new in the {plan.weeks} weeks from "
        f"{plan.start:%Y-%m-%d} to {end:%Y-%m-%d}. Change against the first column, 95 % interval; "
        "* p < 0.05 after Holm."
    )
    return Group(table, Text(told), Text(f"Kept in {folder}; `reco report latest` draws it."))


def _span(found: Estimate | None) -> str:
    return f"{found.value:.5f} ({found.low:.5f} .. {found.high:.5f})" if found else "-"
