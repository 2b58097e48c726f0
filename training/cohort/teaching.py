"""What was shown to a cohort, and what came of it: its ranker learns from that, as one in service.

Slates at which nobody looked are not made (`training.cohort.life`), though a service would have
them on record, with nothing booked. Whether anybody looks is drawn before a slate is made, so those
that are missing are like those that are there: what was not booked stands for its like in them.
Of that a part is drawn: there is so much more of it that it tells hardly less.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reco.db.arrays import micros
from reco.feed.exploring import UNKNOWN
from reco.feed.generation import Generation
from reco.feed.ranking import Ranking
from reco.feed.scoring import taste_of
from reco.feed.situation import Situation
from reco.model.loaded import LoadedModel
from training.cohort.assumptions import Assumptions
from training.cohort.attention import seen
from training.impressions import LEAST_BOOKED
from training.ranker import Learned, weights_of
from training.replay.impressions import Impressions
from training.replay.shown import TELLING, shown_columns
from training.replays import OF_SESSION, OF_VISIT, pairs_from
from training.shown_ranker import corrected

_OTHERS_DRAWN = 0.25
"""Of what was shown and not booked, so much teaches: some ten offers a booking."""


@dataclass(frozen=True)
class Slate:
    """A slate of P offers, told as a ranker is told of visits, before anything came of it."""

    person: int
    at_us: int
    columns: Mapping[str, NDArray[Any]]
    place: NDArray[np.int64]
    """(P,) from 0 on."""
    offer: NDArray[np.int64]
    """(P,) row in the past."""
    users: int
    """Whose bookings its catalogue counts."""

    def take(self, kept: NDArray[np.bool_]) -> "Slate":
        """Return the slate with some of its offers (P,), each still in its place."""
        masks = dict.fromkeys(OF_SESSION, np.repeat(kept, self.columns["sessions"]))
        columns = {
            name: column if name in OF_VISIT else column[masks.get(name, kept)]
            for name, column in self.columns.items()
        }
        return replace(self, columns=columns, place=self.place[kept], offer=self.offer[kept])


def telling_of(serving: Generation) -> Generation:
    """Return what tells of the slates that `serving` chooses: as it is, but for its ranker."""
    model = serving.model
    if model is None:
        raise ValueError("Without a model no score can be told.")
    return replace(serving, model=replace(model, ranker=TELLING))


def told(
    telling: Generation,
    person: int,
    ranking: Ranking,
    situation: Situation,
    offers: NDArray[np.int64],
) -> Slate:
    """Return a slate of offers (N,), by their ids, as the model that chose it saw them.

    Parameters
    ----------
    telling
        `telling_of` what chose it: one for all slates, since it works out once what they share.
    ranking, situation
        What it was chosen from.
    """
    taste = taste_of(telling, ranking.sweep, situation, ranking.taste.history)
    columns, place = shown_columns(replace(ranking, taste=taste), situation, offers)
    return Slate(
        person=person,
        at_us=micros(situation.query.now),
        columns=columns,
        place=place,
        offer=offers[place] - 1,
        users=telling.catalogue.users,
    )


@dataclass
class Lessons:
    """Slates that were shown so far, with what was booked of each within its week."""

    first: LoadedModel | None
    """The model of the beginning, whose ranker is corrected; None: there is nothing to teach."""
    is_seen: float
    """Chance that anybody looks at a slate."""
    every: int
    """Of so many people the slate of one teaches, each in turn; 0: nobody's."""
    generator: np.random.Generator
    """Draws what was not booked."""
    slates: list[Slate] = field(default_factory=list)
    booked: list[NDArray[np.bool_]] = field(default_factory=list)
    """Of each slate which offers (P,) were."""

    @classmethod
    def of(cls, assumptions: Assumptions, seed: int, first: LoadedModel | None) -> "Lessons":
        """Return none yet: as many will teach a fit as the assumptions say."""
        wanted, is_seen = assumptions.lesson_slates, seen(assumptions)
        looked_at = assumptions.people * assumptions.weeks_between_fits * is_seen
        teaches = wanted and first is not None and first.ranker is not None
        every = max(1, int(looked_at / wanted)) if teaches else 0
        return cls(first, is_seen, every, np.random.default_rng([seed, _STREAM]))

    def of_week(self, week: int, people: int) -> NDArray[np.bool_]:
        """Return whose slates of a week teach (people,), if anybody looks at them."""
        if not self.every:
            return np.zeros(people, dtype=bool)
        return np.asarray((np.arange(people) + week) % self.every == 0)

    def add(self, slate: Slate, offers: Sequence[int]) -> None:
        """Add a slate and the offers, by row in the past, that were booked of it."""
        is_booked = np.isin(slate.offer, np.array(offers, dtype=np.int64))
        kept = is_booked | (self.generator.random(len(slate.offer)) < _OTHERS_DRAWN)
        if kept.any():
            self.slates.append(slate.take(kept))
            self.booked.append(is_booked[kept])

    def taught(self, model: LoadedModel) -> LoadedModel:
        """Return the model with the ranker of the first one, corrected by all that was shown.

        As it is, where too little was booked to learn from.
        """
        first = self.first
        if sum(map(np.count_nonzero, self.booked)) < LEAST_BOOKED or not (first and first.ranker):
            return model
        taught = weights_of(Learned(first.ranker, first.calibration))
        found = corrected(taught, self.impressions).weights.learned
        return replace(model, ranker=found.ranker, calibration=found.calibration)

    @property
    def impressions(self) -> Impressions:
        """What was shown; at least one slate was."""
        slates = self.slates
        parts = [self._columns(*one) for one in zip(slates, self.booked, strict=True)]
        place = np.concatenate([slate.place for slate in slates])
        return Impressions(
            pairs=pairs_from(parts, np.ones(len(parts)), slates[-1].users),
            place=place,
            propensity=np.full(len(place), UNKNOWN),
            offer=np.concatenate([slate.offer for slate in slates]),
            user=np.array([slate.person for slate in slates]),
            at_us=np.array([slate.at_us for slate in slates]),
            lost=0,
        )

    def _columns(self, slate: Slate, is_booked: NDArray[np.bool_]) -> Mapping[str, NDArray[Any]]:
        others_drawn = np.full(len(is_booked), self.is_seen * _OTHERS_DRAWN)
        return {
            **slate.columns,
            "is_booked": is_booked,
            "drawn": np.where(is_booked, 1.0, others_drawn),
            "others_drawn": others_drawn,
        }


_STREAM = 20_261_126
"""Tells these draws from those of the lives."""
