"""A world made where it is missing."""

from reco.db.migrate import migrate
from reco.db.ready import database_name, located_world, private_cluster, revision_of
from reco.db.revision import head_revision
from reco.settings import Settings
from reco.world import World


def ready_world(settings: Settings) -> World:
    """Return the world, after starting, making and migrating whatever is missing.

    Raises
    ------
    SetupError
        Says what to install or to mend.
    Unavailable
        The server of `RECO_DATABASE_URL` does not answer.
    """
    world = located_world(settings)
    if settings.database_url is None:
        cluster = private_cluster(settings)
        cluster.up()
        cluster.create_database(database_name(world.name))
    if revision_of(world) != head_revision():
        migrate(world)
    return world
