"""The commands `reco import ...` and `reco export ...`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from reco.console import WorldOption, console, errors, settings_for
from reco.core.stocks import refund_cancelled
from reco.db.making import ready_world
from reco.db.ready import opened_world
from reco.db.session import transaction
from reco.frames.exporting import export_frames
from reco.frames.importing import import_frames
from reco.frames.sources import FolderSource, FrameSource, MemorySource
from reco.frames.staging import Progress as Report
from reco.frames.writing import Counts
from reco.settings import Settings
from reco.whole_table import Table
from training.commands.progress import progress_lines
from training.datasets.readers import READERS

import_app = typer.Typer(no_args_is_help=True)
export_app = typer.Typer(no_args_is_help=True)

SourceFolder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the files to read.")]


class FileFormat(StrEnum):
    """Formats of frames."""

    CSV = "csv"
    PARQUET = "parquet"


@export_app.callback()
def export() -> None:
    """Take a world's data out."""


@import_app.command("frames")
def import_folder(context: typer.Context, folder: SourceFolder, world: WorldOption = None) -> None:
    """Import a folder of frames (CSV or Parquet): all of it or, if a row is bad, nothing."""
    _import(settings_for(context, world), FolderSource(folder))


@import_app.command("meetup")
def import_meetup(context: typer.Context, folder: SourceFolder, world: WorldOption = None) -> None:
    """Import Meetup groups, events and answers: a series is an item, a yes a booking."""
    _import(settings_for(context, world), MemorySource(READERS["meetup"](folder)))


@import_app.command("yelp-poi")
def import_yelp(context: typer.Context, folder: SourceFolder, world: WorldOption = None) -> None:
    """Import Yelp check-ins: a place is a venue and its item."""
    _import(settings_for(context, world), MemorySource(READERS["yelp-poi"](folder)))


@import_app.command("movielens")
def import_movielens(
    context: typer.Context, folder: SourceFolder, world: WorldOption = None
) -> None:
    """Import MovieLens ratings: a film is an item without a place."""
    _import(settings_for(context, world), MemorySource(READERS["movielens"](folder)))


@import_app.command("lightgcn")
def import_lightgcn(
    context: typer.Context, folder: SourceFolder, world: WorldOption = None
) -> None:
    """Import a data set in LightGCN's text format, with the split that it brings."""
    _import(settings_for(context, world), MemorySource(READERS["lightgcn"](folder)))


@export_app.command("frames")
def export_folder(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write, or replace.")],
    file_format: Annotated[
        FileFormat, typer.Option("--format", help="Of the files.")
    ] = FileFormat.CSV,
    world: WorldOption = None,
) -> None:
    """Export a world as a folder of frames."""
    started_s = perf_counter()
    opened = opened_world(settings_for(context, world))
    with frame_progress() as report:
        rows = export_frames(opened, folder, file_format.value, report)
    table = Table("frame", "rows", title=f"{opened.name} → {folder}")
    table.columns[1].justify = "right"
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    console.print(table)
    console.print(f"{perf_counter() - started_s:.1f} s")


@contextmanager
def frame_progress() -> Iterator[Report]:
    """Show what an import or export reports as progress bars, while it lasts; in a log, lines."""
    if not errors.is_terminal:
        tell = progress_lines()
        yield lambda what, _rows, share: tell(what, share)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def report(what: str, rows: int, share: float) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=1.0, rows=0)
            bars.update(tasks[what], completed=share, rows=rows)

        yield report


def _import(settings: Settings, source: FrameSource) -> None:
    started_s = perf_counter()
    world = ready_world(settings)
    with frame_progress() as report:
        summary = import_frames(world, source, report)
    # In a transaction of its own: if it fails, the next import makes up for it.
    with transaction(world.conninfo) as connection:
        refunded = refund_cancelled(connection, "import", datetime.now(UTC))
    console.print(_summary(world.name, summary.tables))
    if refunded:
        console.print(f"{refunded:,} bookings of cancelled stocks refunded")
    console.print(f"{perf_counter() - started_s:.1f} s")


def _summary(world: str, tables: Mapping[str, Counts]) -> Table:
    shown = Table("table", "rows", "new", "changed", "unchanged", title=f"Import into {world}")
    for column in shown.columns[1:]:
        column.justify = "right"
    for table, counts in tables.items():
        figures = (counts.rows, counts.new, counts.changed, counts.unchanged)
        shown.add_row(table, *(f"{figure:,}" for figure in figures))
    return shown
