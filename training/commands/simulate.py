"""`reco simulate`: seeded worlds to try everything on."""

from datetime import date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from reco.console import WorldOption, console, settings_for
from reco.whole_table import Table
from reco.world import open_world
from training.commands.progress import share_progress
from training.simulate.calendar import TIMEZONE
from training.simulate.world import WorldSummary, simulate_world

app = typer.Typer(no_args_is_help=True)


@app.callback()
def simulate() -> None:
    """Simulate a seeded world: France's towns, venues, offers, people with hidden tastes."""


@app.command()
def world(
    context: typer.Context,
    *,
    size: Annotated[str, typer.Option(help="demo, town or france.")] = "demo",
    seed: Annotated[int, typer.Option(help="The same seed gives the same world.")] = 1,
    anchor: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="First day of the agenda. [default: this Monday]",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the frames. [default: `frames` in the world's folder]"),
    ] = None,
    world_name: WorldOption = None,
) -> None:
    """Write the frames of a simulated world, and its hidden truth in the folder beside them."""
    # Only the world's folder is asked for; its database stays closed.
    folder = out or open_world(settings_for(context, world_name), private_conninfo="").frames
    started = perf_counter()
    first_day = anchor.date() if anchor else this_monday()
    with share_progress() as progress:
        summary = simulate_world(size, seed, first_day, folder, progress)
    console.print(_table(summary, perf_counter() - started))
    console.print(f"frames: {summary.folder}\ntruth: {summary.truth}", soft_wrap=True)


def this_monday() -> date:
    """Return the Monday of this week in Paris."""
    today = datetime.now(ZoneInfo(TIMEZONE)).date()
    return today - timedelta(days=today.weekday())


def _table(summary: WorldSummary, seconds: float) -> Table:
    table = Table(title=f"{summary.size}, seed {summary.seed}", caption=f"made in {seconds:.1f} s")
    table.add_column(f"agenda from {summary.anchor}")
    table.add_column("rows", justify="right")
    for name, rows in summary.rows.items():
        table.add_row(name, f"{rows:,}")
    return table
