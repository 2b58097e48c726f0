"""One feed outside a worker: the catalogue as of the request's time, the champion, the record."""

from reco.catalogue.build import build_catalogue
from reco.db.pool import connected, open_pool
from reco.feed.answer import FeedAnswer
from reco.feed.generation import generation
from reco.feed.pipeline import feed
from reco.feed.query import FeedQuery
from reco.feed.recorder import SlateRecorder
from reco.model.address import local_folder
from reco.model.loaded import load_model
from reco.model.registry import champion
from reco.world import World


def feed_once(world: World, query: FeedQuery, secret: str) -> FeedAnswer:
    """Answer `query` as of `query.now`, which may lie in the past, and record the slate.

    Raises
    ------
    InvalidInput
        A category that this world does not have.
    ArtifactRefused
        The champion's folder is not what its manifest says.
    Unavailable
        The database does not answer.
    """
    pool = open_pool(world.conninfo, 2)
    with pool, SlateRecorder(pool) as recorder:
        with connected(pool) as connection:
            newest = champion(world.conninfo)
            model = (
                load_model(local_folder(newest.address, world.models), newest.digest)
                if newest
                else None
            )
            serving = generation(build_catalogue(connection, query.now), model)
            made = feed(connection, serving, query, secret)
        recorder.record(made.slate)
    return made.answer
