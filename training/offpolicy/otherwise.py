"""Slates on record, replayed as they were chosen and as another policy would have chosen them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import groupby
from uuid import UUID

import numpy as np
import psycopg

from reco.errors import InvalidInput
from reco.feed.dials import Dials
from reco.feed.exploring import UNKNOWN, Exploration, exploration_of
from reco.feed.generation import NO_MODEL, Generation
from reco.model.loaded import LoadedModel
from reco.model.registry import version_named
from reco.model.serving import opened_anew
from reco.world import World
from training.offpolicy.intervals import Told, told
from training.offpolicy.overlap import Overlap, Overlaps, estimates, overlap_of
from training.offpolicy.recorded import MOST_RATE, Recorded
from training.replay.past import Past
from training.replay.recorded import past_from_database
from training.replay.requests import Request, recorded_requests, situation_of
from training.replay.slates import Moment, Replayed, System, replay

Models = Callable[[str], LoadedModel]
"""Version -> the model."""


@dataclass(frozen=True)
class Otherwise:
    """How slates are to be chosen: None is as each was."""

    version: str | None = None
    floor: float | None = None
    intensity: float | None = None
    points_a_booking: float | None = None
    """A floor told alone has no price, a price told alone no floor."""


@dataclass(frozen=True)
class ToldOtherwise:
    """What slates on record tell of another choice."""

    slates: int
    """Shown with exploration."""
    replayed: int
    """Of them, what gave the slate on record when it was replayed: the others are left out."""
    shares: Mapping[str, float]
    """Of positions and slates: the same, told, not told."""
    rewards: Mapping[str, Mapping[str, Told]]
    """By reward and estimate."""


def told_otherwise(
    world: World,
    recorded: Recorded,
    period: tuple[datetime, datetime],
    otherwise: Otherwise,
    *,
    seed: int,
    done: Callable[[float], None],
) -> ToldOtherwise:
    """Return what slates on record (of a `period` since, until) tell of another choice.

    Raises
    ------
    InvalidInput
        None of them gives the slate on record when it is replayed.
    NotFound
        There is no such model.
    """
    past = past_from_database(world.conninfo)
    with psycopg.connect(world.conninfo) as connection:
        requests = recorded_requests(connection, past, *period)
    explored = set(recorded.slate)
    asked = [request for request in requests if request.slate_id in explored]

    def model_of(version: str) -> LoadedModel:
        return opened_anew(version_named(world.conninfo, version), world.models)

    found = replayed_otherwise(past, asked, otherwise, cache(model_of), done)
    rows = [row for row, slate in enumerate(recorded.slate) if slate in found]
    if not rows:
        raise InvalidInput("since", "no slate since then can be replayed as it was shown")
    overlaps = Overlaps.of([found[recorded.slate[row]] for row in rows], recorded.person[rows])
    rewards = {}
    for name, column in recorded.rewards.items():
        terms = estimates(overlaps, column[rows, : overlaps.weight.shape[1]])
        rewards[name] = dict(zip(terms, told(list(terms.values()), seed), strict=True))
    return ToldOtherwise(len(recorded), len(rows), overlaps.shares, rewards)


def replayed_otherwise(
    past: Past,
    requests: Sequence[Request],
    otherwise: Otherwise,
    models: Models,
    done: Callable[[float], None],
) -> Mapping[UUID, Overlap]:
    """Return what slates shown with exploration tell of another choice, by their ids.

    What is replayed and does not give the slate on record (of what could be booked within the
    hour, something had changed) is left out.

    Parameters
    ----------
    requests
        By time.
    done
        Called with the share of the requests that are over.
    """
    found: dict[UUID, Overlap] = {}
    over = 0
    for _, group in groupby(requests, key=_occasion):
        asked = list(group)
        told = _at_once(past, asked, otherwise, models)
        found |= {request.slate_id: one for request, one in told if one is not None}
        over += len(asked)
        done(over / len(requests))
    return found


def _occasion(request: Request) -> tuple[str, datetime]:
    """Return what requests share that are answered from one catalogue."""
    return request.catalogue, request.query.now.replace(minute=0, second=0, microsecond=0)


def _at_once(
    past: Past, asked: Sequence[Request], otherwise: Otherwise, models: Models
) -> Iterator[tuple[Request, Overlap | None]]:
    first = asked[0].query
    moment = Moment(past, first.now, radius_m=first.radius_m, n=first.n)
    serving = _Serving(moment, models)
    for request in asked:
        yield request, _overlap(serving, request, otherwise)


class _Serving:
    """What a moment's requests are answered from, by model version."""

    def __init__(self, moment: Moment, models: Models) -> None:
        self.moment = moment
        self._models = models
        self._made: dict[str, Generation] = {}

    def choice(self, request: Request, version: str, dials: Dials) -> Replayed:
        """Return the slate that is chosen without chance."""
        if version not in self._made:
            model = None if version == NO_MODEL else self._models(version)
            before = next(iter(self._made.values()), None)
            self._made[version] = self.moment.serving(model, before)
        serving = self._made[version]
        certain = replace(request, query=replace(request.query, exploration=0.0))
        system = System(
            version, serving.model, dials.floor, dials.intensity, dials.points_a_booking
        )
        (made,) = replay(self.moment, serving, situation_of(self.moment, certain), [system])
        return made

    def chances(self, made: Replayed, rate: float) -> Exploration:
        """Return the chances of a slate, before another one takes the room that it lies in."""
        query = replace(made.situation.query, exploration=rate)
        chances = exploration_of(made.choice, made.ranking.sweep.catalogue, query)
        _ = chances.is_feasible
        return chances


def _overlap(serving: _Serving, request: Request, otherwise: Otherwise) -> Overlap | None:
    query, version = request.query, request.model_version
    made = serving.choice(request, version, query.dials)
    if not _is_on_record(made, request):
        return None
    chances = serving.chances(made, query.exploration)
    offers = made.choice.pool.candidates.offer_id.copy()
    dials = query.dials.turned(otherwise.floor, otherwise.intensity, otherwise.points_a_booking)
    other = serving.choice(request, otherwise.version or version, dials)
    shown = other.choice.offer_ids
    return overlap_of(chances, offers, shown, request.offers.tolist(), request.propensities)


def _is_on_record(made: Replayed, request: Request) -> bool:
    """Say whether a slate was chosen as it is replayed, but for what chance put there.

    Chance puts nothing there that had been chosen.
    """
    chosen = np.array(made.choice.offer_ids, dtype=np.int64)
    if len(chosen) != len(request.offers):
        return False
    drawn = (request.propensities < MOST_RATE) & (request.propensities != UNKNOWN)
    return bool(np.all((chosen == request.offers) != drawn))
