"""A world that exists: its server up, its database there, its schema this code's."""

import psycopg

from reco.console import errors, warn
from reco.db.cluster import Cluster
from reco.db.revision import check_revision, read_revision
from reco.errors import Unavailable
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
        The world was never made, or its schema is not this code's; says what to do.
    Unavailable
        The server does not answer.
    """
    world = located_world(settings)
    if settings.database_url is None:
        cluster = private_cluster(settings)
        if not cluster.state().is_made:
            check_revision(None, world.name)
        cluster.up()
        if database_name(world.name) not in cluster.databases():
            check_revision(None, world.name)
    check_revision(revision_of(world), world.name)
    return world


def awaited_world(settings: Settings) -> World:
    """Return a world that exists, or whose server does not answer now: a worker waits for it.

    Raises
    ------
    SetupError
        As `opened_world` does.
    """
    try:
        return opened_world(settings)
    except Unavailable as error:
        warn(f"Nothing is answered until the database is there. {error}")
        return located_world(settings)


def database_name(world: str) -> str:
    """Return the name of a world's database in the private cluster."""
    return f"reco_{world}"


def revision_of(world: World) -> str | None:
    """Return the revision of the world's schema, None where it has none."""
    try:
        with psycopg.connect(world.conninfo, connect_timeout=5) as connection:
            return read_revision(connection)
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database does not answer: {error}") from error
