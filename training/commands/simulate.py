"""`reco simulate`: seeded worlds to try everything on."""

from datetime import date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from reco.console import WorldOption, console, errors, settings_for
from reco.world import open_world
from training.simulate.calendar import TIMEZONE
from training.simulate.world import WorldSummary, simulate_world

app = typer.Typer(no_args_is_help=True)

_COLUMNS = (TextColumn("{task.description:<36}"), BarColumn(), TimeElapsedColumn())


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
        typer.Option(formats=["%Y-%m-%d"], help="First day of the agenda. [default: this Monday]"),
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
    with Progress(*_COLUMNS, console=errors, transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        summary = simulate_world(
            size,
            seed,
            anchor.date() if anchor else _this_monday(),
            folder,
            lambda stage, share: bar.update(task, description=stage, completed=share),
        )
    console.print(_table(summary, perf_counter() - started))
    console.print(f"frames: {summary.folder}\ntruth: {summary.truth}", soft_wrap=True)


def _this_monday() -> date:
    today = datetime.now(ZoneInfo(TIMEZONE)).date()
    return today - timedelta(days=today.weekday())


def _table(summary: WorldSummary, seconds: float) -> Table:
    table = Table(title=f"{summary.size}, seed {summary.seed}", caption=f"made in {seconds:.1f} s")
    table.add_column(f"agenda from {summary.anchor}")
    table.add_column("rows", justify="right")
    for name, rows in summary.rows.items():
        table.add_row(name, f"{rows:,}")
    return table
