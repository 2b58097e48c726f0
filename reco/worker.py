"""One process that answers: its connections, the generation it serves, the slates it records."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Self

import numpy as np
import psycopg
from numpy.typing import NDArray

from features.content import ItemContent
from reco.catalogue.contents import read_contents
from reco.catalogue.snapshot import Catalogue
from reco.catalogue.watch import CatalogueWatch
from reco.db.ahead import Ahead
from reco.db.outage import Outage
from reco.db.pool import Pool, connected, open_pool
from reco.db.replica import Reads
from reco.db.revision import check_revision, read_revision
from reco.db.share import Share
from reco.errors import RecoError, SetupError, Unavailable
from reco.experiments.records import running_experiment
from reco.experiments.trial import Trial, trial_of
from reco.feed.answer import FeedAnswer, FeedItem
from reco.feed.cursor import read_cursor
from reco.feed.exploring import default_rate
from reco.feed.generation import Generation, generation
from reco.feed.kept import Page as Favourites
from reco.feed.kept import Place, read_favourites
from reco.feed.pipeline import feed
from reco.feed.query import FeedQuery
from reco.feed.recorder import SlateRecorder
from reco.feed.shown import continued
from reco.feed.similar import read_offer, similar_offers
from reco.model.address import remove_copies
from reco.model.loaded import LoadedModel
from reco.model.registry import pruned_addresses
from reco.model.serving import ModelInUse
from reco.search.answer import MapAnswer, SearchAnswer
from reco.search.pipeline import Searcher, Sources
from reco.search.query import SearchQuery
from reco.settings import Settings
from reco.world import World

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

_LOOK_EVERY_S = 5.0
_REST_S = 60.0
_STOP_S = 2.0
"""A look that takes longer is left behind: its thread is a daemon."""


class Worker:
    """Serves one world; use it as a context manager.

    It starts without a database and serves as soon as there is one whose schema is this code's. A
    new champion takes the place of the old between two requests, one that is refused does not; an
    experiment begins and ends as fast. What can be booked is in the catalogue within a second of
    every change.
    """

    def __init__(self, settings: Settings, world: World, secret: str, clock: Clock) -> None:
        self.settings = settings
        self.secret = secret
        self._world = world
        self._clock = clock
        self._ahead = Ahead(world.conninfo)
        self._serving: Generation | None = None
        self._replacing = threading.Lock()
        self._model: LoadedModel | None = None
        self._in_use = ModelInUse(world.conninfo, world.models, time.monotonic)
        self._trial: Trial | None = None
        self._trial_rests_until_s = 0.0
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="champion-watch", daemon=True)
        is_private = settings.database_url is None
        remedy = f"`reco db up --world {world.name}` starts one that is down." if is_private else ""
        self._outage = Outage(remedy)
        self._catalogue_watch = CatalogueWatch(world, clock, self._take_catalogue, self._outage)
        self.pool: Pool = open_pool(world.conninfo, settings.pool_size, outage=self._outage)
        # Who writes may wait for a row, as whoever books does: in turn, and feeds do not.
        self.writers = Share(self.pool, max(1, settings.pool_size // 2))
        self.reads = Reads(
            self.pool,
            world.read_conninfo,
            size=settings.pool_size,
            max_lag_s=settings.max_replica_lag_s,
        )
        self._recorder = SlateRecorder(self.pool)
        self._searcher = Searcher(secret)
        self._sources = Sources(self.reads.near, lambda: connected(self.pool))

    def __enter__(self) -> Self:
        self._recorder.__enter__()
        self.reads.__enter__()
        self._try_each(self._look_ahead, self.refresh)
        self._catalogue_watch.__enter__()
        self._watcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        # Slates first: no request is left to make one, and a look may be stuck.
        self._recorder.__exit__(kind, error, trace)
        self._catalogue_watch.__exit__(kind, error, trace)
        self._watcher.join(_STOP_S)
        self.reads.__exit__(kind, error, trace)
        self.pool.close()

    @property
    def exploration(self) -> float:
        """Probability that chance changes one position of a slate: as set, or by the world."""
        chosen = self.settings.exploration
        return default_rate(self._world.name) if chosen is None else chosen

    @property
    def serving(self) -> Generation:
        """What requests are answered from.

        Raises
        ------
        Unavailable
            No catalogue could be built yet.
        """
        if self._serving is None:
            raise Unavailable("The catalogue is not built yet; try again in a moment.")
        return self._serving

    def feed(self, query: FeedQuery, cursor: str | None = None) -> FeedAnswer:
        """Answer `query`, or the page of it that `cursor` leads to, and record the slate.

        Raises
        ------
        InvalidInput
            The cursor was not made here, is over, or belongs to another question.
        """
        shown = read_cursor(cursor, query, self.secret) if cursor is not None else {}
        serving, trial = self.serving, self._trial
        if trial:
            serving, query = trial.treat(serving, query)
        with connected(self.pool) as connection:
            if shown:
                query = continued(connection, serving.catalogue.cards, query, shown)
            reads = partial(self.reads.of_user, query.user_id, connection)
            made = feed(connection, serving, query, self.secret, reads=reads)
        self._recorder.record(made.slate)
        return made.answer

    def offer(self, offer_id: str, now: datetime) -> FeedItem:
        """Return one offer with its bookable sessions, or raise `NotFound`."""
        with connected(self.pool) as connection:
            return read_offer(connection, offer_id, now)

    def similar(self, offer_id: str, n: int, now: datetime) -> tuple[FeedItem, ...]:
        """Return up to `n` offers like `offer_id` around it, or raise `NotFound`."""
        with connected(self.pool) as connection:
            return similar_offers(
                connection, self.serving, offer_id, n=n, now=now, radius_m=self.settings.radius_m
            )

    def favourites(
        self, user_id: str, now: datetime, *, n: int, before: Place | None = None
    ) -> Favourites:
        """Return a page of what a user has kept; raises what `read_favourites` does."""
        with connected(self.pool) as connection:
            cards = self.serving.catalogue.cards
            return read_favourites(
                connection,
                cards,
                user_id,
                now,
                n=n,
                radius_m=self.settings.radius_m,
                before=before,
            )

    def search(self, query: SearchQuery, cursor: str | None = None) -> SearchAnswer:
        """Return a page of what matches `query`; raises what `Searcher.search` does."""
        return self._searcher.search(self._sources, self.serving.catalogue, query, cursor)

    def clusters(self, query: SearchQuery, zoom: int) -> MapAnswer:
        """Return what matches `query` on a map; raises what `Searcher.clusters` does."""
        return self._searcher.clusters(self._sources, self.serving.catalogue, query, zoom)

    def categories(self) -> list[str]:
        """Return the names of all categories of this world."""
        return sorted(self.serving.catalogue.categories.values())

    def genres(self) -> list[str]:
        """Return the names of all genres of what can be booked."""
        return sorted(self.serving.catalogue.genres)

    def venue_types(self) -> list[str]:
        """Return the names of all kinds of venues of this world."""
        return sorted(self.serving.catalogue.venue_types)

    def missing(self) -> list[str]:
        """Return what is not as it should be, in words; empty: ready.

        The first word says what: database and catalogue are needed, all else is not.
        """
        found = []
        try:
            with connected(self.pool) as connection:
                connection.execute("select 1")
                if self._serving is None:
                    check_revision(read_revision(connection), self._world.name)
        except (Unavailable, SetupError) as error:
            found.append(f"database: {error}")
        if self._serving is None:
            found.append("catalogue: not built yet")
        found += self._catalogue_watch.lateness + self._models_missing()
        replica = self.reads.standing
        if replica and not replica.in_use:
            found.append(f"replica: {replica.reason}; the primary answers")
        if lateness := self._recorder.lateness:
            found.append(f"slates: {lateness}")
        return found

    def _models_missing(self) -> list[str]:
        """Return which models are not served; why is for the log: it names paths and hosts."""
        model, refused, trial = self._model, self._in_use.refused, self._trial
        found = [
            f"experiment: {version} is refused; the champion answers in its place"
            for version in (trial.refused if trial else ())
        ]
        if refused:
            instead = "popularity" if model is None else model.version
            found.append(f"model: {refused} is refused, the log says why; {instead} is served")
        elif model is None and self._serving is not None:
            found.append("model: none is published; popularity is served")
        return found

    def refresh(self) -> bool:
        """Take the newest champion and catalogue now; return whether one of them changed.

        Raises
        ------
        Unavailable
            The database does not answer.
        """
        before = self._serving
        self._refresh_model()
        self._refresh_trial()
        with connected(self.pool) as connection:
            self._catalogue_watch.look(connection)
        return self._serving is not before

    def _take_catalogue(self, catalogue: Catalogue) -> None:
        with self._replacing:
            made = generation(catalogue, self._model, self._serving, self._contents)
            self._serving = made.worked_out()
            self._trial = self._trial and self._trial.on(self._serving, self._contents)

    def _contents(self, item_ids: NDArray[np.bytes_]) -> Sequence[ItemContent | None]:
        """Read what items are about; nothing of any where the database is away just then."""
        try:
            with connected(self.pool) as connection:
                return read_contents(connection, item_ids)
        except Unavailable as error:
            log.warning("New items are ranked by popularity alone: %s", error)
            return [None] * len(item_ids)

    def _refresh_model(self) -> None:
        model = self._in_use.newest()
        with self._replacing:
            if self._serving and model is not self._model:
                made = generation(self._serving.catalogue, model, self._serving, self._contents)
                self._serving = made.worked_out()
                self._trial = self._trial and self._trial.on(self._serving, self._contents)
            self._model = model

    def _refresh_trial(self) -> None:
        conninfo, before = self._world.conninfo, self._trial
        experiment = running_experiment(conninfo)
        is_same = before is not None and before.refused and before.experiment == experiment
        if is_same and time.monotonic() < self._trial_rests_until_s:
            return
        # Opening what was refused reads all of it.
        self._trial_rests_until_s = time.monotonic() + _REST_S
        trial = trial_of(experiment, conninfo, self._world.models, before) if experiment else None
        if trial is before:
            return
        for reason in trial.refused.values() if trial else ():
            log.error("The champion answers in the place of a variant: %s", reason)
        with self._replacing:
            if trial and self._serving:
                trial = trial.on(self._serving, self._contents)
            self._trial = trial

    def _look(self) -> None:
        self._try_each(
            self._refresh_model, self._refresh_trial, self._look_ahead, self._drop_pruned
        )

    def _drop_pruned(self) -> None:
        """Delete this machine's copies of models that were given up, perhaps on another machine."""
        remove_copies(pruned_addresses(self._world.conninfo), self._world.models)

    def _look_ahead(self) -> None:
        self._ahead.look(self._clock())

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY_S):
            self._look()

    def _try_each(self, *refreshes: Callable[[], object]) -> None:
        """Do one after the other: what fails of one is no reason to leave those after it.

        A database that is away is: each would wait for it by itself, and tell the same.
        """
        was_away = self._outage.is_on
        for refresh in refreshes:
            try:
                refresh()
            except (RecoError, psycopg.Error) as error:
                if self._outage.is_why(error):
                    return
                log.warning("What is served stays as it was: %s", error)
            except Exception:
                # A full disk, say: the thread that looks for better must outlive it.
                log.exception("What is served stays as it was.")
        # A look that began before the outage says nothing of its end.
        if was_away:
            self._outage.end()
