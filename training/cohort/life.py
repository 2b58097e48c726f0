"""A cohort lives through its credit against one policy, week by week."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reco.catalogue.shelf import RECENT
from reco.core.deposits import Cap
from reco.db.arrays import micros
from reco.feed.generation import Generation, generation
from reco.feed.state import Booked, Interacted
from reco.feed.surroundings import Surroundings
from reco.feed.workspace import Workspace
from reco.model.loaded import LoadedModel
from training.cohort.assumptions import Assumptions
from training.cohort.attention import Chances, attention
from training.cohort.feeds import Feeds, looked_at
from training.cohort.learning import fitted_again
from training.cohort.policies import Policy
from training.cohort.records import Record, States, seats_left
from training.cohort.regret import Judge, Worth
from training.cohort.settling import (
    Considered,
    Purse,
    Sessions,
    Till,
    ends,
    prices_cents,
    stock_caps,
)
from training.cohort.teaching import Lessons, Slate, telling_of, told
from training.cohort.world import CohortWorld
from training.replay.catalogues import catalogue_at
from training.replay.past import Past
from training.replay.plan import WEEK
from training.replay.states import Biographer
from training.replay.telling import Teller
from training.simulate.outcomes import BOOKING, CLICK

_JUDGED_PEOPLE = 100
"""Whose slates are compared with the best, the first of the cohort: all are drawn alike."""
_JUDGED_WEEK, _QUARTER = 6, 13


@dataclass
class Life:
    """The lives of one cohort under one policy; deterministic in the seed."""

    world: CohortWorld
    assumptions: Assumptions
    policy: Policy
    seed: int
    model: LoadedModel | None
    """At the beginning; None: popularity near, whatever the policy."""
    record: Record = field(init=False)
    states: States = field(init=False)
    lessons: Lessons = field(init=False)
    worths: list[tuple[int, int, Worth]] = field(init=False, default_factory=list)
    """Week, person, and what their slate was worth."""

    def __post_init__(self) -> None:
        self.record = Record(self.world)
        self.states = States.unknown(self.world.people)
        first = self.model if self.policy.needs_model else None
        self.lessons = Lessons.of(self.assumptions, self.seed, first)

    def weeks(self) -> Iterator[int]:
        """Live through all weeks, and yield each that is over."""
        for week in range(self.assumptions.weeks):
            self._refit(week)
            self._live(week)
            yield week

    def at(self, week: int) -> datetime:
        """Return when the feeds of a week are asked for: its first midnight."""
        return datetime.fromtimestamp(self.world.start_s, UTC) + week * WEEK

    def bookings(self) -> pa.Table:
        """Return all that was booked and stands in the end."""
        return self.record.bookings(self.at(self.assumptions.weeks))

    def worth(self) -> pa.Table:
        """Return what some slates were worth, by the hidden tastes."""
        rows = [{"week": week, "person": person, **vars(one)} for week, person, one in self.worths]
        kinds = [("week", pa.int64()), ("person", pa.int64())]
        kinds += [(name, pa.float64()) for name in Worth.__annotations__]
        return pa.Table.from_pylist(rows, pa.schema(kinds))

    def _refit(self, week: int) -> None:
        every = self.assumptions.weeks_between_fits
        if self.model and self.policy.needs_model and week and week % every == 0:
            at = self.at(week)
            fitted = fitted_again(self.model, self.record.events(at), at)
            self.model = self.lessons.taught(fitted)

    def feeds(self, week: int) -> Feeds:
        """Return what answers everybody in a week, as of what was done by then."""
        past = self.record.past()
        return Feeds(
            biographer=Biographer(past),
            at=self.at(week),
            serving=self._serving(past, week),
            policy=self.policy,
            states=self.states,
            assumptions=self.assumptions,
            homes=self._homes,
        )

    def _live(self, week: int) -> None:
        at = self.at(week)
        for person in self.record.cancelled(micros(at - WEEK), micros(at)):
            self.states.forget(person)
        feeds, chances = self.feeds(week), Chances.of_week(self.assumptions, self.seed, week)
        considered, slates = self._considered(feeds, week, chances)
        end = ends(considered, self.world.truth, feeds.past, chances)
        before = len(self.record.booked)
        self._settle(considered, end, week, feeds, self._till(feeds, chances))
        self._learn(slates, before)

    def _learn(self, slates: list[Slate], before: int) -> None:
        """Keep what slates have shown, and which offers of them were booked since."""
        offer_of = self.world.past.stocks.offer
        booked: dict[int, list[int]] = {}
        for person, stock, *_ in self.record.booked[before:]:
            booked.setdefault(person, []).append(int(offer_of[stock]))
        for slate in slates:
            self.lessons.add(slate, booked.get(slate.person, ()))

    def _serving(self, past: Past, week: int) -> Generation:
        catalogue = catalogue_at(past, self.at(week))
        # The ordinary people leave the record of the last weeks as the cohort enters it.
        since = min(1.0, week * WEEK / RECENT)
        users = (1.0 - since) * self.world.ordinary + since * self.world.people
        model = self.model if self.policy.needs_model else None
        made = generation(replace(catalogue, users=round(users)), model)
        return replace(made, workspace=self._workspace)

    def _considered(
        self, feeds: Feeds, week: int, chances: Chances
    ) -> tuple[Considered, list[Slate]]:
        """Return what everybody looks at, and the slates that teach.

        Those at which nobody looks change nothing.
        """
        is_judged = np.zeros(self.world.people, dtype=bool)
        is_judged[:_JUDGED_PEOPLE] = week % _QUARTER == _JUDGED_WEEK
        is_seen, parts, slates = chances.is_looked_at.any(axis=1), [], []
        teaches = is_seen & self.lessons.of_week(week, self.world.people)
        telling = telling_of(feeds.serving) if teaches.any() else None
        for person in np.flatnonzero(is_seen | is_judged).tolist():
            ranking, situation, shown = feeds.answer(person)
            parts.append(looked_at(person, shown, chances))
            if is_judged[person]:
                worth = self._judge.worth(ranking, situation, shown)
                self.worths.append((week, person, worth))
            if telling and teaches[person]:
                slates.append(told(telling, person, ranking, situation, shown.candidates.offer_id))
        return Considered.joined(parts), slates

    def _till(self, feeds: Feeds, chances: Chances) -> Till:
        return Till(
            sessions=self._sessions,
            caps=self._caps,
            seats=seats_left(feeds.past, feeds.at),
            at_us=micros(feeds.at),
            chances=chances,
            parameters=self.assumptions.parameters,
        )

    def _settle(
        self, considered: Considered, end: NDArray[np.int8], week: int, feeds: Feeds, till: Till
    ) -> None:
        """Record how considerations end; a wish that cannot be granted is a click."""
        people = dict.fromkeys(considered.person.tolist())
        purses = {person: Purse(self.states.known(person).credit) for person in people}
        booked: dict[int, list[Booked]] = {person: [] for person in people}
        done: dict[int, list[Interacted]] = {person: [] for person in people}
        columns = (considered.person, considered.offer, considered.position, end)
        tell, at_us = self._teller, till.at_us
        for person, offer, position, kind in zip(*(c.tolist() for c in columns), strict=True):
            wishes = kind == BOOKING
            paid = till.booked(person, offer, position, purses[person]) if wishes else None
            if paid:
                stock, _, amount_cents = paid
                self.record.booked.append((person, *paid, at_us, week, position))
                booked[person].append(tell.booked(stock, at_us, amount_cents))
            else:
                deed = CLICK if wishes else kind
                self.record.done.append((person, offer, deed, at_us))
                done[person].append(tell.interacted(offer, deed, at_us))
        for person in people:
            self.states.carry_on(person, feeds.at, booked[person], done[person])

    @cached_property
    def _homes(self) -> dict[int, Surroundings]:
        return {}

    @cached_property
    def _judge(self) -> Judge:
        world = self.world
        return Judge(
            world.truth, world.ordinary, prices_cents(world.past), attention(self.assumptions)
        )

    @cached_property
    def _workspace(self) -> Workspace:
        return Workspace()

    @cached_property
    def _teller(self) -> Teller:
        return Teller(self.world.past)

    @cached_property
    def _sessions(self) -> Sessions:
        return Sessions.of(self.world.past)

    @cached_property
    def _caps(self) -> list[Cap]:
        return stock_caps(self.world.past)
