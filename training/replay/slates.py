"""Slates that people would have been shown at a past moment, by the stages that serve."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.snapshot import Catalogue
from reco.catalogue.venues import Venues
from reco.db.arrays import micros
from reco.feed.choosing import Choice, Chooser, ranks
from reco.feed.dials import FLOOR, INTENSITY, POINTS_A_BOOKING, Dials
from reco.feed.exploring import explored
from reco.feed.generation import Generation, generation
from reco.feed.pipeline import ranked_around, settled
from reco.feed.query import FeedQuery, feed_query
from reco.feed.ranking import Ranking
from reco.feed.situation import Situation
from reco.feed.state import UserState
from reco.feed.surroundings import Surroundings
from reco.geo.points import Point
from reco.geo.reach import within
from reco.model.loaded import LoadedModel
from training.reliability import distinct_share
from training.replay.catalogues import catalogue_at
from training.replay.contents import contents_of
from training.replay.past import Past
from training.replay.readback import Reader
from training.replay.states import Biographer


@dataclass(frozen=True)
class System:
    """What is evaluated: a model, or none (popularity near), and how its slates are chosen."""

    name: str
    model: LoadedModel | None
    floor: float = FLOOR
    intensity: float = INTENSITY
    points_a_booking: float = POINTS_A_BOOKING

    @property
    def dials(self) -> Dials:
        """How its slates are chosen."""
        return Dials(self.floor, self.intensity, self.points_a_booking)


@dataclass(frozen=True)
class Replayed:
    """One slate as it would have been."""

    ranking: Ranking
    choice: Choice
    situation: Situation


@dataclass(frozen=True)
class Moment:
    """A world as of a moment, ready to answer with any of several models."""

    past: Past
    at: datetime
    radius_m: float
    n: int

    @cached_property
    def catalogue(self) -> Catalogue:
        """What could be booked."""
        return catalogue_at(self.past, self.at)

    @cached_property
    def biographer(self) -> Biographer:
        """Tells what was known of people."""
        return Biographer(self.past)

    @cached_property
    def reader(self) -> Reader:
        """Reads offers back as they were."""
        return Reader(self.past, self.catalogue)

    def serving(self, model: LoadedModel | None, before: Generation | None = None) -> Generation:
        """Return what a worker with this model would have served from."""
        made = generation(self.catalogue, model, contents=contents_of(self.past, micros(self.at)))
        return replace(made, workspace=before.workspace) if before else made

    def query(self, user: int) -> FeedQuery:
        """Return what the person of row `user` would have asked: around home, unfiltered."""
        return feed_query(
            now=self.at,
            as_of=self.at,
            default_radius_m=self.radius_m,
            user_id=self.past.people.names[user],
            n=self.n,
        )

    def situation(self, user: int) -> Situation:
        """Return the request of a person at home, or where they used to go until then."""
        query, state = self.query(user), self.biographer.state_at(user, self.at)
        if state.person and state.person.home is None:
            query = replace(query, location=self.biographer.usual_place(user, micros(self.at)))
        return self.situation_of(query, state)

    def situation_of(self, query: FeedQuery, state: UserState) -> Situation:
        """Return a request with what is around its place, or around the person's home."""
        home = state.person.home if state.person else None
        here, source = (query.location, "request") if query.location else (home, "home")
        if here is None:
            return Situation(query, state, Surroundings.nowhere(query.radius_m))
        return Situation(query, state, self.look(here, source, query.radius_m))

    def look(self, here: Point, source: str, radius_m: float) -> Surroundings:
        """Return the venues within `radius_m`: told by the same geodesic distance as live."""
        return around_of(self.catalogue.venues, here, source, radius_m)


def around_of(venues: Venues, here: Point, source: str, radius_m: float) -> Surroundings:
    """Return the venues within `radius_m` of a place, told without a database."""
    rows, distance_m = within(venues, venues.all_rows, here, radius_m)
    return Surroundings(here, source, radius_m, rows, distance_m)


def replay(
    moment: Moment, serving: Generation, situation: Situation, systems: Sequence[System]
) -> list[Replayed]:
    """Return the slate of each system; all of them have the model of `serving`.

    What is around is ranked once. Only for an agenda to keep are offers read back, for their
    sessions: the catalogue is that of this very moment.
    """
    with serving.workspace.scratches.lent(len(serving.catalogue.items)) as scratch:
        situation, ranking = ranked_around(serving, situation, scratch, moment.look)
        made = []
        for system in systems:
            asked = replace(situation, query=situation.query.with_dials(system.dials))
            made.append(_slate(moment, ranking, asked))
    return made


def _slate(moment: Moment, ranking: Ranking, asked: Situation) -> Replayed:
    if asked.query.plan:
        live = settled(ranking, asked, partial(moment.reader.asked, asked))
        return Replayed(ranking, live.choice, asked)
    choice = Chooser(ranking, asked).choose(frozenset())
    shown = explored(choice, ranking.sweep.catalogue, asked.query, _is_live)
    return Replayed(ranking, shown.choice, asked)


def _is_live(_offer: int) -> bool:
    """Say that an offer can be had, as all of a catalogue of this very moment can."""
    return True


@dataclass(frozen=True)
class Lists:
    """The slates of one system for U people, best first, filled up with −1 and NaN; (U, n)."""

    offer: NDArray[np.int32]
    """Row in the past."""
    item: NDArray[np.int32]
    probability: NDArray[np.float32]
    gain: NDArray[np.float32]
    distance_m: NDArray[np.float32]
    rank: NDArray[np.int32]
    """By probability alone, from 1; 0 unknown."""
    relevance_kept: NDArray[np.float32]
    """(U,)"""
    gain_at_intensity: NDArray[np.float32]
    """(U,) expected points of each slate, at the intensity that it was chosen with."""
    radius_m: NDArray[np.float32]
    """(U,) within which was looked."""
    distinct: NDArray[np.float32]
    """(U,) share of distinct probabilities among the likeliest candidates, 500 at most."""

    @classmethod
    def empty(cls, users: int, n: int) -> "Lists":
        """Return room for so many slates."""
        return cls(
            offer=np.full((users, n), -1, dtype=np.int32),
            item=np.full((users, n), -1, dtype=np.int32),
            probability=np.full((users, n), np.nan, dtype=np.float32),
            gain=np.full((users, n), np.nan, dtype=np.float32),
            distance_m=np.full((users, n), np.nan, dtype=np.float32),
            rank=np.zeros((users, n), dtype=np.int32),
            relevance_kept=np.full(users, np.nan, dtype=np.float32),
            gain_at_intensity=np.full(users, np.nan, dtype=np.float32),
            radius_m=np.full(users, np.nan, dtype=np.float32),
            distinct=np.full(users, np.nan, dtype=np.float32),
        )

    def write(self, user: int, made: Replayed) -> None:
        """Put a slate in its place."""
        choice = made.choice
        shown = choice.pool.take(choice.widened.chosen)
        place = slice(0, len(shown))
        items = made.ranking.sweep.catalogue.items
        self.offer[user, place] = shown.candidates.offer_id - 1
        self.item[user, place] = items.item_id[shown.candidates.item] - 1
        self.probability[user, place] = shown.probability
        self.gain[user, place] = choice.widened.gains
        self.distance_m[user, place] = shown.candidates.distance_m
        rank, is_known = ranks(choice)
        self.rank[user, place] = np.where(is_known, rank, 0)
        self.relevance_kept[user] = choice.widened.relevance_kept
        self.gain_at_intensity[user] = choice.widened.gain
        self.radius_m[user] = made.situation.around.radius_m
        self.distinct[user] = distinct_share(made.ranking.top.probability)
