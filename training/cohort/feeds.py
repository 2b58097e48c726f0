"""The feeds of one week: who asks, what they are shown, what of it they look at."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from reco.feed.generation import Generation
from reco.feed.pipeline import ranked_farther
from reco.feed.query import feed_query
from reco.feed.ranking import Ranking
from reco.feed.scoring import Scored
from reco.feed.situation import Situation
from reco.feed.surroundings import Surroundings
from reco.feed.workspace import Scratch
from reco.geo.points import Point
from reco.lazily import lazy
from training.cohort.assumptions import Assumptions
from training.cohort.attention import Chances
from training.cohort.policies import Policy
from training.cohort.records import States
from training.cohort.settling import Considered
from training.replay.past import Past
from training.replay.slates import around_of
from training.replay.states import Biographer


@dataclass(frozen=True)
class Feeds:
    """Answers everybody of a cohort at one moment, by the stages that serve."""

    biographer: Biographer
    """Of the past with what the cohort did so far."""
    at: datetime
    serving: Generation
    policy: Policy
    states: States
    assumptions: Assumptions
    homes: dict[int, Surroundings]
    """What is around a home within the first radius, once it was looked for."""

    @property
    def past(self) -> Past:
        """The past with what the cohort did so far."""
        return self.biographer.past

    def answer(self, person: int) -> tuple[Ranking, Situation, Scored]:
        """Return the slate of a person, with what it was chosen from, until the next is asked."""
        situation, ranking = ranked_farther(
            self._situation(person),
            self._look,
            lambda there: self.policy.rank(self.serving, there, self._scratch),
        )
        return ranking, situation, self.policy.choose(ranking, situation)

    @lazy
    def _scratch(self) -> Scratch:
        """Where everybody's candidates are gathered, one after the other."""
        return Scratch.for_items(len(self.serving.catalogue.items))

    def _situation(self, person: int) -> Situation:
        row = len(self.past.people) - self.assumptions.people + person
        state = self.states.of(person, row, self.biographer, self.at)
        query = feed_query(
            now=self.at,
            as_of=self.at,
            default_radius_m=self.assumptions.radius_m,
            user_id=self.past.people.names[row],
            n=self.assumptions.n,
        )
        if person not in self.homes:
            lon, lat = self.past.people.home[row].tolist()
            self.homes[person] = self._look(Point(lon, lat), "home", query.radius_m)
        return Situation(query, state, self.homes[person])

    def _look(self, here: Point, source: str, radius_m: float) -> Surroundings:
        return around_of(self.serving.catalogue.venues, here, source, radius_m)


def looked_at(person: int, shown: Scored, chances: Chances) -> Considered:
    """Return what a person looks at of the slate that they are shown."""
    place = np.flatnonzero(chances.is_looked_at[person, : len(shown)])
    return Considered(
        person=np.full(len(place), person),
        position=place,
        offer=shown.candidates.offer_id[place] - 1,
        distance_m=shown.candidates.distance_m[place],
    )
