"""The command `reco snapshot`: build the catalogue and say what it holds."""

import time
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import psycopg
import typer

from reco.catalogue.build import build_catalogue
from reco.catalogue.folder import load_catalogue, save_catalogue, sole_writer
from reco.console import WorldOption, console, errors, settings_for
from reco.db.ready import opened_world
from reco.moments import moment_from
from reco.whole_table import Table


def snapshot(
    context: typer.Context,
    at: Annotated[str | None, typer.Option(help="As of this date or time. [default: now]")] = None,
    world: WorldOption = None,
) -> None:
    """Build the columnar catalogue of what can be booked, and print its size and time."""
    settings = settings_for(context, world)
    opened = opened_world(settings)
    moment = moment_from(at, "at", ZoneInfo(settings.timezone)) if at else datetime.now(UTC)
    began = time.perf_counter()
    with errors.status("Building the catalogue ..."):
        with psycopg.connect(opened.conninfo, autocommit=True) as connection:
            catalogue = build_catalogue(connection, moment, moment if at else None)
        built = time.perf_counter()
        # What is served is a snapshot of now: one of another time lies elsewhere.
        parent = opened.folder / "catalogue_as_of" if at else opened.catalogue
        with sole_writer(parent):
            folder = save_catalogue(catalogue, parent)
        saved = time.perf_counter()
        load_catalogue(folder)
        loaded = time.perf_counter()
    table = Table(title=f"Catalogue {catalogue.version}", show_header=False)
    for name, value in {
        "venues": f"{len(catalogue.base.venue_id):,}",
        "items": f"{len(catalogue.items):,}",
        "offers": f"{len(catalogue.base.offer_id):,}",
        "stocks": f"{len(catalogue.base.stock_id):,}",
        "size": f"{catalogue.nbytes() / 1e6:.1f} MB",
        "build": f"{built - began:.2f} s",
        "write": f"{saved - built:.2f} s",
        "verify and map": f"{loaded - saved:.3f} s",
        "folder": str(folder),
    }.items():
        table.add_row(name, value)
    console.print(table)
