"""The commands `reco db ...`: the private cluster, and a world's schema."""

import os
import shutil
from datetime import UTC, datetime
from typing import Annotated

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from reco.console import WorldOption, console, settings_for
from reco.db.cluster import Cluster
from reco.db.making import ready_world
from reco.db.migrate import migrate as migrate_world
from reco.db.partitions import AHEAD_MONTHS, make_partitions, partitions_ahead
from reco.db.programs import required_programs
from reco.db.ready import database_name, located_world, opened_world, private_cluster
from reco.errors import SetupError, Unavailable
from reco.settings import Settings
from reco.whole_table import Table

app = typer.Typer(no_args_is_help=True)


@app.command()
def up(context: typer.Context, world: WorldOption = None) -> None:
    """Start the private cluster, made where it is missing, and make the world's database."""
    ready_world(settings_for(context, world))
    status(context, world)


@app.command()
def down(context: typer.Context) -> None:
    """Stop the private cluster; what it holds stays."""
    cluster = private_cluster(settings_for(context, None))
    cluster.down()
    console.print(f"The private cluster is down; its folder is {cluster.folder}.")


@app.command()
def status(context: typer.Context, world: WorldOption = None) -> None:
    """Say whether the private cluster runs, where it lies and where its log is."""
    settings = settings_for(context, world)
    state = private_cluster(settings).state()
    table = Table(show_header=False)
    is_up = "up" if state.is_running else "down" if state.is_made else "not made: `reco db up`"
    table.add_row("cluster", is_up)
    table.add_row("folder", str(state.folder))
    table.add_row("log", str(state.log))
    if state.is_running:
        table.add_row("worlds", _worlds(private_cluster(settings)))
    located = located_world(settings)
    if state.is_running and settings.database_url is None and _lacks(settings):
        table.add_row(f"world {located.name}", f"not made: `reco db up --world {located.name}`")
    else:
        table.add_row(f"URL of {located.name}", _without_password(located.conninfo))
    console.print(table)


@app.command()
def migrate(context: typer.Context, world: WorldOption = None) -> None:
    """Bring the world's schema to this code's."""
    settings = settings_for(context, world)
    if settings.database_url is None:
        private_cluster(settings).up()
    located = located_world(settings)
    console.print(f"{located.name} is at revision {migrate_world(located)}.")


@app.command()
def partitions(
    context: typer.Context,
    *,
    months: Annotated[int, typer.Option(min=1, max=120, help="Ahead of today.")] = AHEAD_MONTHS,
    world: WorldOption = None,
) -> None:
    """Make the partitions of the months ahead; safe to run twice, and from cron."""
    opened = opened_world(settings_for(context, world))
    wanted = partitions_ahead(datetime.now(UTC).date(), months)
    try:
        left = make_partitions(opened.conninfo, wanted)
    except psycopg.Error as error:
        raise Unavailable(f"The database makes no partitions: {error}") from error
    if left:
        names = ", ".join(partition.name for partition in left)
        raise Unavailable(f"Somebody reads for long; run it again for {names}.")
    console.print(f"All {len(wanted)} partitions of the next {months} months are there.")


@app.command()
def psql(context: typer.Context, world: WorldOption = None) -> None:
    """Open psql on the world's database."""
    located = opened_world(settings_for(context, world))
    program = shutil.which("psql")
    if program is None:
        folder = required_programs(lambda _: None).folder
        program = str(folder / "psql") if (folder / "psql").exists() else None
    if program is None:
        raise SetupError("psql is not installed: it comes with PostgreSQL's client package.")
    # Everybody on the machine sees what a process is called with.
    rest, password = _password_apart(located.conninfo)
    environment = dict(os.environ) if password is None else os.environ | {"PGPASSWORD": password}
    os.execve(program, [program, rest], environment)


def _lacks(settings: Settings) -> bool:
    """Return whether the private cluster says that it has no such world; one that is full does not.

    Its server is up.
    """
    try:
        return database_name(settings.world) not in private_cluster(settings).databases()
    except Unavailable:
        return False


def _worlds(cluster: Cluster) -> str:
    try:
        names = [name for name in cluster.databases() if name.startswith("reco_")]
    except Unavailable as error:
        return str(error)
    return ", ".join(name.removeprefix("reco_") for name in names)


def _without_password(conninfo: str) -> str:
    rest, password = _password_apart(conninfo)
    return rest if password is None else f"{rest} password=***"


def _password_apart(conninfo: str) -> tuple[str, str | None]:
    """Return how to connect without the password, and the password, None where there is none."""
    asked = conninfo_to_dict(conninfo)
    password = asked.pop("password", None)
    return (conninfo, None) if password is None else (make_conninfo("", **asked), str(password))
