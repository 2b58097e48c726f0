"""One feed outside a worker: the catalogue as of the request's time, the champion, the record."""

import logging

from reco.catalogue.build import build_catalogue
from reco.catalogue.contents import read_contents
from reco.db.pool import connected, open_pool
from reco.feed.answer import FeedAnswer
from reco.feed.generation import generation
from reco.feed.pipeline import feed
from reco.feed.query import FeedQuery
from reco.feed.recorder import SlateRecorder
from reco.model.serving import usable_model
from reco.world import World

log = logging.getLogger(__name__)


def feed_once(world: World, query: FeedQuery, secret: str) -> FeedAnswer:
    """Answer `query`, which may look back (`as_of`), and record the slate.

    A champion whose folder is not what its manifest says is not used; the log says why, and the
    one before it answers, or popularity.

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
            model, refused = usable_model(world.conninfo, world.models)
            if refused:
                log.warning("The champion is refused: %s", refused)
            catalogue = build_catalogue(connection, query.now, query.as_of)
            serving = generation(
                catalogue, model, contents=lambda ids: read_contents(connection, ids)
            )
            made = feed(connection, serving, query, secret)
        recorder.record(made.slate)
    return made.answer
