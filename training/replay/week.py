"""One week of an evaluation: slates at its start, figures by what was booked until its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reco.catalogue.shelf import CAPS, ONLINE
from reco.db.arrays import FOREVER_US, micros
from reco.feed.generation import Generation
from reco.feed.state import UserState
from reco.feed.surroundings import Surroundings
from training.beyond import share_of_users
from training.replay.coarse import coarse_homes, pooled_classes_m, rounded_m
from training.replay.evaluation import Evaluation
from training.replay.figures import Backdrop, affordable_offers, figures_of, hit_marks
from training.replay.futures import Window, window_of
from training.replay.plan import WEEK
from training.replay.reachable import Reachable
from training.replay.slates import Lists, Moment, System, replay

_COLD, _WARM = 1, 3


@dataclass(frozen=True)
class Means:
    """What U people could pay, and earn."""

    limits_cents: NDArray[np.int64]
    """(U, 3) the most that a stock may cost, by its cap."""
    most_points: NDArray[np.float64]
    """(U,) what n candidates could earn at most."""


@dataclass(frozen=True)
class Week:
    """A moment with all models loaded, shared by the processes that work on its people."""

    evaluation: Evaluation
    moment: Moment

    @classmethod
    def of(cls, evaluation: Evaluation, at: datetime) -> "Week":
        """Return the week that begins at `at`, with all made that its parts share."""
        plan = evaluation.plan
        week = cls(evaluation, Moment(evaluation.past, at, plan.radius_m, plan.n))
        _ = (week.groups, week.reachable, week.share_of_users, evaluation.latent)
        _ = (evaluation.venues_near, evaluation.attributes.names, evaluation.acts)
        return week

    @cached_property
    def groups(self) -> list[tuple[Generation, list[int]]]:
        """What serves, and the places in the plan of the systems that it serves."""
        systems = self.evaluation.plan.systems
        order = sorted(range(len(systems)), key=lambda place: _version(systems[place]))
        return [
            (self.moment.serving(systems[members[0]].model), members)
            for members in (
                list(group) for _, group in groupby(order, key=lambda at: _version(systems[at]))
            )
        ]

    @cached_property
    def reachable(self) -> Reachable:
        """What could be earned around."""
        return Reachable(self.moment.catalogue)

    @cached_property
    def share_of_users(self) -> NDArray[np.float64]:
        """(I,) who had booked each item, of the people whom there were."""
        acts, past, at_us = self.evaluation.acts, self.evaluation.past, micros(self.moment.at)
        is_there = past.people.are_there(self.moment.at)
        stood = (acts.at_us <= at_us) & (acts.cancelled_us > at_us)
        before = acts.take(stood & is_there[acts.user])
        users = int(is_there.sum())
        return share_of_users(before.user, before.item, items=len(past.items), users=users)

    def part(self, places: NDArray[np.int64]) -> pa.Table:
        """Return the rows of some people, by place among the evaluation's: a row a system.

        Within a system they are in the order of the pseudonyms: that of the places would undo them.
        """
        places = np.sort(places)
        evaluation, plan = self.evaluation, self.evaluation.plan
        users = evaluation.users[places]
        at_us = micros(self.moment.at)
        window = window_of(
            evaluation.attributes, evaluation.acts, users, at_us, micros(self.moment.at + WEEK)
        )
        lists = [Lists.empty(len(users), plan.n) for _ in plan.systems]
        means = Means(np.empty((len(users), len(CAPS)), dtype=np.int64), np.empty(len(users)))
        for row, user in enumerate(users.tolist()):
            situation = self.moment.situation(user)
            means.limits_cents[row] = _limits_cents(situation.state)
            around = situation.around
            for serving, members in self.groups:
                systems = [plan.systems[place] for place in members]
                for place, made in zip(
                    members, replay(self.moment, serving, situation, systems), strict=True
                ):
                    lists[place].write(row, made)
                    # Sparse surroundings were looked beyond: what was found there counts, too.
                    around = max(around, made.situation.around, key=_radius_m)
            met = window.times_met[[row]].indices
            means.most_points[row] = self.reachable.most_points(around, met, plan.n)
        about = self._about(places, window)
        order = pc.sort_indices(about["user"])
        return pa.concat_tables(
            [
                pa.table(self._rows(system, made, window, means) | about).take(order)
                for system, made in zip(plan.systems, lists, strict=True)
            ]
        )

    def _rows(
        self,
        system: System,
        lists: Lists,
        window: Window,
        means: "Means",
    ) -> dict[str, pa.Array]:
        backdrop = Backdrop(
            share_of_users=self.share_of_users,
            latent=self.evaluation.latent,
            most_points=means.most_points,
            is_affordable=affordable_offers(self.moment.catalogue, lists.offer, means.limits_cents),
        )
        figures = figures_of(lists, window, backdrop)
        figures |= {
            name: rounded_m(column)
            for name, column in figures.items()
            if name.startswith("distance_m")
        }
        columns = {"system": pa.array([system.name] * len(window.users))}
        columns |= {name: pa.array(column.astype(np.float32)) for name, column in figures.items()}
        columns |= {name: pa.array(vars(lists)[name]) for name in ("radius_m", "distinct")}
        listed = {
            "offers": lists.offer,
            "items": lists.item,
            "venues": self._venues(lists.offer),
            "probabilities": lists.probability,
            "gains": lists.gain,
            "pooled_distances_m": pooled_classes_m(lists.distance_m, self.evaluation.plan.seed),
            "ranks": lists.rank,
            "hits": hit_marks(lists, window),
        }
        shown = (lists.offer >= 0).sum(axis=1)
        return columns | {name: _ragged(column, shown) for name, column in listed.items()}

    def _venues(self, offers: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the row of the venue of each offer shown, −1: online."""
        past = self.evaluation.past
        venue = past.offers.venue[offers]
        return np.where(venue == ONLINE, -1, past.venues.rows(venue)).astype(np.int32)

    def _about(self, places: NDArray[np.int64], window: Window) -> dict[str, pa.Array]:
        """Return what tells of the people: segments, and where they live to a tenth of a degree."""
        evaluation, past = self.evaluation, self.evaluation.past
        users, count = window.users, len(window.users)
        names: dict[int, str | None] = {0: None, **past.categories}
        booked = window.bookings
        seen = np.where(booked < _COLD, "cold", np.where(booked < _WARM, "warming", "warm"))
        home = coarse_homes(evaluation.places[places])
        return {
            "at": pa.array([self.moment.at] * count, pa.timestamp("us", tz="UTC")),
            "user": pa.array([evaluation.pseudonym(user) for user in users.tolist()]),
            "bookings": pa.array(booked),
            "seen": pa.array(seen.tolist()),
            "density": pa.array(evaluation.density[places].tolist()),
            "first_category": pa.array(
                [names[code] for code in window.first_category.tolist()], pa.string()
            ),
            "lon": pa.array(home[:, 0], mask=np.isnan(home[:, 0])),
            "lat": pa.array(home[:, 1], mask=np.isnan(home[:, 1])),
            "bookable_items": pa.array([self.reachable.bookable_items] * count),
            "bookable_venues": pa.array([self.reachable.bookable_venues] * count),
            "drawn_of_all": pa.array([evaluation.plan.everybody] * count),
            "booked_later": pa.array(np.diff(window.targets.indptr)),
        }


def _radius_m(around: Surroundings) -> float:
    return around.radius_m


def _version(system: System) -> str:
    return system.model.version if system.model else ""


def _limits_cents(state: UserState) -> Sequence[int]:
    limits = (state.credit.limit_cents(cap) for cap in CAPS)
    return [FOREVER_US if limit is None else limit for limit in limits]


def _ragged(column: NDArray[np.generic], length: NDArray[np.int64]) -> pa.Array:
    """Return the first entries of each row as lists."""
    kept = np.arange(column.shape[1]) < length[:, np.newaxis]
    start = np.append(0, np.cumsum(length)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(start), pa.array(column[kept]))
