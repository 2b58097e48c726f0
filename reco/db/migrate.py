"""Bring a world's database to the schema of this code, and say how far it is from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from reco.db.revision import head_revision, refuse_newer
from reco.db.tables import metadata
from reco.errors import SetupError, Unavailable
from reco.world import World

_ObjectKind = Literal[
    "schema", "table", "column", "index", "unique_constraint", "foreign_key_constraint"
]


def migrate(world: World) -> str:
    """Create or upgrade the schemas of `world`, in one transaction, and return the revision.

    Raises
    ------
    SetupError
        The database belongs to another world, newer code has migrated it, or its server lacks an
        extension.
    Unavailable
        The server does not answer.
    """
    with _connection(world) as connection:
        connection.execute(text("select pg_advisory_xact_lock(hashtext('reco.migrate'))"))
        refuse_newer(_context(connection).get_current_revision(), world.name)
        _check_extensions(connection)
        connection.execute(text("create extension if not exists postgis"))
        connection.execute(text("create schema if not exists core"))
        connection.execute(text("create schema if not exists reco"))
        command.upgrade(_config(connection), "head")
        _claim(connection, world)
    return head_revision()


def differences(world: World) -> list[Any]:
    """Return what distinguishes the database of `world` from `reco.db.tables` (empty: nothing)."""
    with _connection(world) as connection:
        return list(compare_metadata(_context(connection), metadata))


def new_revision(world: World, message: str) -> Path:
    """Write the next migration from what `reco.db.tables` has more than the database of `world`."""
    with _connection(world) as connection:
        script = command.revision(_config(connection), message=message, autogenerate=True)
    written = script[0] if isinstance(script, list) else script
    if written is None:
        raise SetupError("There is nothing to migrate.")
    return Path(written.path)


@contextmanager
def _connection(world: World) -> Iterator[Connection]:
    # As libpq reads it: it takes more than URLs that SQLAlchemy knows.
    asked = {"connect_timeout": 5} | conninfo_to_dict(world.conninfo)
    engine = create_engine("postgresql+psycopg://", poolclass=NullPool, connect_args=asked)
    try:
        with engine.begin() as connection:
            yield connection
    except OperationalError as error:
        raise Unavailable(f"The database does not answer: {error.orig}") from error


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(
        connection,
        opts={
            "include_schemas": True,
            "version_table_schema": "reco",
            "include_object": _ours,
            "compare_server_default": False,
        },
    )


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["include_object"] = _ours
    return config


_CONTRIB = "postgresql (Debian, Ubuntu, Homebrew: a part of it), postgresql-contrib (others)"
_PACKAGES = {
    "postgis": "postgresql-postgis (Debian, Ubuntu), postgis (Fedora, Homebrew)",
    "unaccent": _CONTRIB,
    "pg_trgm": _CONTRIB,
}
"""What the server needs, and the package that brings it."""


def _check_extensions(connection: Connection) -> None:
    """Raise `SetupError` where the server lacks an extension, before anything is made."""
    there = set(connection.scalars(text("select name from pg_available_extensions")))
    for extension, package in _PACKAGES.items():
        if extension not in there:
            raise SetupError(
                f"The database server lacks the extension {extension}. Install on its machine: "
                f"{package}; then run this again."
            )


def _claim(connection: Connection, world: World) -> None:
    connection.execute(
        text("insert into reco.world (single, name) values (true, :name) on conflict do nothing"),
        {"name": world.name},
    )
    owner = connection.scalar(text("select name from reco.world"))
    if owner != world.name:
        raise SetupError(
            f"This database holds the world {owner!r}, not {world.name!r}. Give each world its own:"
            " put {world} into RECO_DATABASE_URL, or pass --world " + str(owner) + "."
        )


def _ours(
    item: Any,
    name: str | None,
    kind: _ObjectKind,
    reflected: bool,
    compare_to: Any,
) -> bool:
    """Leave out what PostGIS owns, Alembic's own table, and the partitions of our tables."""
    del item, compare_to
    if kind != "table" or not reflected:
        return True
    return name is not None and name in {table.name for table in metadata.tables.values()}
