"""A world that exists: its server up, its database there, its schema this code's."""

import psycopg

from reco.console import errors
from reco.db.cluster import Cluster
from reco.db.revision import head_revision
from reco.errors import SetupError, Unavailable
from reco.settings import Settings
from reco.world import World, open_world


def private_cluster(settings: Settings) -> Cluster:
    """Return the private cluster of `settings.home`, which tells on standard error."""
    return Cluster(settings.home, tell=lambda line: errors.print(line, style="dim"))


def located_world(settings: Settings) -> World:
    """Return the world that `settings` name, touching nothing."""
    return open_world(settings, private_cluster(settings).conninfo(database_name(settings.world)))


def opened_world(settings: Settings) -> World:
    """Return a world that exists; its private server is started where it is down.

    Raises
    ------
    SetupError
        The world was never made, or its schema is older than this code; says what to run.
    Unavailable
        The server does not answer.
    """
    world = located_world(settings)
    if settings.database_url is None:
        cluster = private_cluster(settings)
        if not cluster.state().is_made:
            raise _missing(world)
        cluster.up()
        if database_name(world.name) not in cluster.databases():
            raise _missing(world)
    revision = revision_of(world)
    if revision is None:
        raise _missing(world)
    if revision != head_revision():
        raise SetupError(
            f"The world {world.name!r} has schema {revision}, this code needs {head_revision()}: "
            f"run `reco db migrate --world {world.name}`."
        )
    return world


def database_name(world: str) -> str:
    """Return the name of a world's database in the private cluster."""
    return f"reco_{world}"


def _missing(world: World) -> SetupError:
    return SetupError(
        f"There is no world {world.name!r} yet: run `reco demo`, or `reco import ... --world "
        f"{world.name}`."
    )


def revision_of(world: World) -> str | None:
    """Return the revision of the world's schema, None where it has none."""
    try:
        with psycopg.connect(world.conninfo, connect_timeout=5) as connection:
            found = connection.execute("select to_regclass('reco.alembic_version')").fetchone()
            if found is None or found[0] is None:
                return None
            row = connection.execute("select version_num from reco.alembic_version").fetchone()
            return str(row[0]) if row else None
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database does not answer: {error}") from error
