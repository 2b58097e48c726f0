"""The command `reco evaluate`: the feeds of past weeks, judged by what was booked in them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Group
from rich.text import Text

from reco.console import WorldOption, console, settings_for
from reco.db.ready import located_world, opened_world
from reco.errors import InvalidInput
from reco.feed.dials import FLOOR, NAMES, Dials
from reco.model.loaded import LoadedModel, load_model
from reco.model.registry import champion, kept_version
from reco.model.serving import opened_anew, usable_model
from reco.moments import moment_from
from reco.secret import signing_secret
from reco.whole_table import Table
from reco.world import World
from training.commands.pairs import known_pairs, number
from training.commands.progress import share_progress
from training.commands.revision import code_revision
from training.intervals import Estimate
from training.replay.evaluation import Evaluation
from training.replay.outcome import evaluate as evaluated
from training.replay.plan import Plan
from training.replay.reading import past_from_folder
from training.replay.recorded import past_from_database
from training.replay.served import answers_alike, facts_of
from training.replay.slates import System
from training.replay.summary import RunSummary
from training.screen import figure_cell

CHAMPION, NONE = "champion", "none"
_USERS = 2_000
_SHOWN = ("ndcg", "horizon_recall", "novel_recall", "slate_points", "distance_m", "coverage")


def evaluate(
    context: typer.Context,
    *,
    versions: Annotated[
        str,
        typer.Option(
            help="Model versions, or folders of models (with a /), separated by commas; "
            "`champion`: what is served; `none`: popularity near. Others are compared with what is "
            "served now, where it is among them, else with the first."
        ),
    ] = f"{CHAMPION},{NONE}",
    floors: Annotated[
        str | None,
        typer.Option(
            help="Floors on relevance that each model's slates are chosen under."
            f" [default: as served ({FLOOR:g} where nothing else is set), then 1]"
        ),
    ] = None,
    intensity: Annotated[
        float | None, typer.Option(min=1.0, help="Of the slates. [default: as served]")
    ] = None,
    dials: Annotated[
        list[str] | None,
        typer.Option(
            help="Another way that each model's slates are chosen, beside the floors:"
            " points_a_booking=180,floor=.95,intensity=1; may be repeated."
        ),
    ] = None,
    cutoff: Annotated[
        str | None,
        typer.Option(help="Start of the first week. [default: when the models' data end]"),
    ] = None,
    weeks: Annotated[int, typer.Option(min=1, help="Weeks from there on.")] = 2,
    users: Annotated[
        int | None, typer.Option(min=1, help=f"People, drawn at random. [default: {_USERS}]")
    ] = None,
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
    seed: Annotated[int, typer.Option(help="Of all that is drawn by chance.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    world: WorldOption = None,
) -> None:
    """Replay the feeds of past weeks as they would have been, and judge them.

    At the start of each week: what could be booked then, around each person, within their credit,
    with what was known of them, through the code that serves. What they booked in the seven days
    after is what was to be found. Run again, it goes on where it was stopped.
    """
    if users is not None and all_users:
        raise InvalidInput("users", "--users and --all-users: leave one of the two out")
    settings = settings_for(context, world)
    asked = [name.strip() for name in versions.split(",") if name.strip()]
    if frames and all(name == NONE or _is_folder(name) for name in asked):
        # Nothing that is asked for lies in the world's database: it need not be there.
        place, served = located_world(settings), None
    else:
        place = opened_world(settings)
        model, _ = usable_model(place.conninfo, place.models)
        served = System("served", model, *astuple(settings.dials))
    usual = settings.dials.turned(intensity=intensity)
    ways = [*_ways(floors, usual), *(dials_from(text, usual) for text in dials or ())]
    models = _models(place, asked, served.model if served else None)
    systems = _served_first(_systems(models, ways, usual), served)
    zone = ZoneInfo(settings.timezone)
    plan = Plan(
        systems=systems,
        start=moment_from(cutoff, "cutoff", zone) if cutoff else _data_end(systems),
        weeks=weeks,
        n=n,
        radius_m=settings.radius_m,
        users=None if all_users else users or _USERS,
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
                "served": facts_of(served) if served else None,
            },
        )
    if as_json:
        typer.echo(json.dumps({"run": run.name} | run.summary()))
    else:
        console.print(_screen(summary, plan, served))
        if run.most_mb is not None:
            console.print(f"All processes together held {run.most_mb:,.0f} MB at most.")
        # A line to be copied; `latest` would be what was begun last, which need not be this run.
        console.print(Text(f"`reco report {quote(str(run.path))}` draws it."), soft_wrap=True)


def _ways(floors: str | None, usual: Dials) -> list[Dials]:
    """Return how to choose under `floors`; where none are told, as usual and by relevance."""
    if floors is None:
        return list(dict.fromkeys([usual, usual.turned(floor=1.0)]))
    return [usual.turned(floor=floor) for floor in _floors(floors)]


def _floors(text: str) -> list[float]:
    try:
        floors = [float(part) for part in text.split(",")]
    except ValueError:
        raise InvalidInput("floors", f"{text!r} is no list of numbers", ["0.98,1"]) from None
    if not all(0.0 <= floor <= 1.0 for floor in floors):
        raise InvalidInput("floors", f"{text!r} is not between 0 and 1", ["0.98,1"])
    return floors


def dials_from(text: str, usual: Dials) -> Dials:
    """Return the dials that `text` names, else raise `InvalidInput`; what it leaves out is usual.

    >>> dials_from("points_a_booking=180,intensity=1", Dials())
    Dials(floor=0.0, intensity=1.0, points_a_booking=180.0)
    """
    told = known_pairs("dials", text, NAMES)
    return usual.turned(**{name: number(name, value) for name, value in told.items()})


def _models(
    world: World, names: list[str], served: LoadedModel | None
) -> Iterator[LoadedModel | None]:
    """Yield the model of each name; None: popularity near."""
    for name in names:
        version = _champion(world) if name == CHAMPION else name
        if version == NONE:
            yield None
        elif _is_folder(version):
            yield load_model(Path(version))
        elif served and served.version == version:
            yield served
        else:
            yield opened_anew(kept_version(world.conninfo, version), world.models)


def _is_folder(name: str) -> bool:
    """Return whether a model is named by its folder, and not by the version on record."""
    return "/" in name


def _champion(world: World) -> str:
    found = champion(world.conninfo)
    if found is None:
        raise InvalidInput("versions", "no model is served in this world: run `reco train`")
    return found.version


def _systems(
    models: Iterable[LoadedModel | None], ways: Sequence[Dials], usual: Dials
) -> list[System]:
    """Return every model under every way to choose; popularity alone is shown as it is."""
    systems = []
    for model in models:
        if model is None:
            systems.append(System(NONE, None, 1.0, usual.intensity))
            continue
        systems += [
            System(f"{model.version}@{_said(dials, usual)}", model, *astuple(dials))
            for dials in ways
        ]
    return systems


def _said(dials: Dials, usual: Dials) -> str:
    """Return a floor and a price in short, and an intensity where it is not the usual one.

    >>> _said(Dials(0.98), Dials()), _said(Dials(0.0, 1.0, 180.0), Dials())
    ('0.98', 'price=180,intensity=1')
    """
    price = dials.points_a_booking
    parts = [f"{dials.floor:g}"] if dials.floor or not price else []
    parts += [f"price={price:g}"] if price else []
    parts += [f"intensity={dials.intensity:g}"] if dials.intensity != usual.intensity else []
    return ",".join(parts)


def _served_first(systems: list[System], served: System | None) -> tuple[System, ...]:
    """Return the systems in their order, what is served before all others."""
    return tuple(sorted(systems, key=lambda one: not _is_served(one, served)))


def _is_served(system: System, served: System | None) -> bool:
    return served is not None and answers_alike(facts_of(system), facts_of(served))


def _data_end(systems: tuple[System, ...]) -> datetime:
    ends = [system.model.cutoff for system in systems if system.model and system.model.cutoff]
    if not ends:
        raise InvalidInput("cutoff", "no model says when its data end; say where the weeks begin")
    return max(ends)


def _screen(summary: RunSummary, plan: Plan, served: System | None) -> Group:
    table = Table(f"{summary.people:,} people", *(one.system for one in summary.systems))
    for name in (f"{metric}@{plan.n}" for metric in _SHOWN):
        cells = (figure_cell(figures.metrics[name]) for figures in summary.systems)
        table.add_row(name, *cells)
    if any(figures.ece for figures in summary.systems):
        table.add_row("ece without chance", *(_span(figures.ece) for figures in summary.systems))
    end = plan.end.astimezone(plan.start.tzinfo)
    is_served = _is_served(plan.systems[0], served)
    told = (
        f"{summary.judged:,} of them booked something new in the {plan.weeks} weeks from "
        f"{plan.start:%Y-%m-%d} to {end:%Y-%m-%d}. Change against the first column"
        f"{', which is what is served now' if is_served else ''}, 95 % interval; "
        "* p < 0.05 after Holm."
    )
    return Group(table, Text(told))


def _span(found: Estimate | None) -> str:
    return f"{found.value:.5f} ({found.low:.5f} .. {found.high:.5f})" if found else "-"
