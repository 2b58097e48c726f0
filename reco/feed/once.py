"""One feed outside a worker: the catalogue as of the request's time, the champion, the record."""

import logging

from reco.catalogue.build import build_catalogue
from reco.db.pool import connected, open_pool
from reco.errors import ArtifactRefused
from reco.feed.answer import FeedAnswer
from reco.feed.generation import generation
from reco.feed.pipeline import feed
from reco.feed.query import FeedQuery
from reco.feed.recorder import SlateRecorder
from reco.model.address import local_folder
from reco.model.loaded import LoadedModel, load_model
from reco.model.registry import champion
from reco.world import World

log = logging.getLogger(__name__)


def feed_once(world: World, query: FeedQuery, secret: str) -> FeedAnswer:
    """Answer `query` as of `query.now`, which may lie in the past, and record the slate.

    A champion whose folder is not what its manifest says is not used; the log says why, and the
    answer is ranked by popularity.

    Raises
    ------
    InvalidInput
        A category that this world does not have.
    Unavailable
        The database does not answer.
    """
    pool = open_pool(world.conninfo, 2)
    with pool, SlateRecorder(pool) as recorder:
        with connected(pool) as connection:
            serving = generation(build_catalogue(connection, query.now), _champion(world))
            made = feed(connection, serving, query, secret)
        recorder.record(made.slate)
    return made.answer


def _champion(world: World) -> LoadedModel | None:
    newest = champion(world.conninfo)
    if newest is None:
        return None
    try:
        return load_model(local_folder(newest.address, world.models), newest.digest)
    except ArtifactRefused as error:
        log.warning("%s", error)
        return None
