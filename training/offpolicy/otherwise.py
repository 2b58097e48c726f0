"""Slates on record, replayed as they were chosen and as another policy would have chosen them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import groupby

import numpy as np
import psycopg

from reco.errors import InvalidInput
from reco.feed.dials import Dials
from reco.feed.exploring import UNKNOWN, Exploration, exploration_of
from reco.feed.generation import NO_MODEL, Generation
from reco.model.loaded import LoadedModel
from reco.model.registry import kept_version, versions
from reco.model.serving import opened_anew
from reco.world import World
from training.offpolicy.estimators import Terms
from training.offpolicy.intervals import Told, told
from training.offpolicy.outcomes import Outcomes
from training.offpolicy.overlap import Overlap, Overlaps, Tally, overlap_of
from training.offpolicy.recorded import MOST_RATE
from training.replay.past import Past
from training.replay.recorded import past_from_database
from training.replay.requests import Request, recorded_requests, situation_of
from training.replay.slates import Moment, Replayed, System, replay

Models = Callable[[str], LoadedModel]
"""Version -> the model."""
_SLATES_AT_ONCE = 10_000


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
    """Of them, what gave the slate on record when it was replayed: the others are left out, and
    those of models that are pruned."""
    shares: Mapping[str, float]
    """Of positions and slates: the same, told, not told."""
    rewards: Mapping[str, Mapping[str, Told]]
    """By reward and estimate."""


def told_otherwise(
    world: World,
    outcomes: Outcomes,
    otherwise: Otherwise,
    *,
    seed: int,
    done: Callable[[float], None],
) -> ToldOtherwise:
    """Return what slates on record tell of another choice.

    Parameters
    ----------
    done
        Called with the share of the slates that are over.

    Raises
    ------
    InvalidInput
        None of them gives the slate on record when it is replayed.
    NotFound
        There is no such model.
    RuleBroken
        The model that is to choose otherwise is pruned.
    """

    @cache
    def model_of(version: str) -> LoadedModel:
        return opened_anew(kept_version(world.conninfo, version), world.models)

    if otherwise.version not in {None, NO_MODEL}:
        model_of(str(otherwise.version))
    past = past_from_database(world.conninfo)
    pruned = {one.version for one in versions(world.conninfo) if one.state == "pruned"}

    people = int(outcomes.person.max()) + 1
    tallies = {name: Tally(people) for name in outcomes.rewards}
    requests = _requests(world.conninfo, past, outcomes)
    for _, group in groupby(requests, key=_occasion):
        asked = list(group)
        kept = [one for one in asked if one[1].model_version not in pruned]
        found = list(_at_once(past, kept, otherwise, model_of)) if kept else []
        if found:
            _add(found, outcomes, tallies)
        done((asked[-1][0] + 1) / len(outcomes))
    replayed = next(iter(tallies.values()))
    if not len(replayed):
        raise InvalidInput(
            "since",
            "no slate since then can be replayed as it was shown (none of a pruned model can)",
        )
    rewards = {name: _told(tally.estimates, seed) for name, tally in tallies.items()}
    return ToldOtherwise(len(outcomes), len(replayed), replayed.shares, rewards)


def _add(
    found: Sequence[tuple[int, Overlap]], outcomes: Outcomes, tallies: Mapping[str, Tally]
) -> None:
    """Add what slates tell, each with its row, to the tally of each reward."""
    rows = [row for row, _ in found]
    overlaps = Overlaps.of([one for _, one in found])
    for name, tally in tallies.items():
        reward = outcomes.reward(name, rows)[:, : overlaps.weight.shape[1]]
        tally.add(overlaps, outcomes.person[rows], reward)


def _told(terms: Mapping[str, Terms], seed: int) -> Mapping[str, Told]:
    return dict(zip(terms, told(list(terms.values()), seed), strict=True))


def _requests(conninfo: str, past: Past, outcomes: Outcomes) -> Iterator[tuple[int, Request]]:
    """Yield the requests of slates by time, each with the row of its slate; few are held."""
    for start in range(0, len(outcomes), _SLATES_AT_ONCE):
        at = slice(start, start + _SLATES_AT_ONCE)
        row = {slate: start + place for place, slate in enumerate(outcomes.ids(at))}
        with psycopg.connect(conninfo) as connection:
            found = recorded_requests(connection, past, *outcomes.period(at), row)
        yield from ((row[request.slate_id], request) for request in found)


def _occasion(asked: tuple[int, Request]) -> tuple[str, datetime]:
    """Return what requests share that are answered from one catalogue."""
    _, request = asked
    return request.catalogue, request.query.now.replace(minute=0, second=0, microsecond=0)


def _at_once(
    past: Past, asked: Sequence[tuple[int, Request]], otherwise: Otherwise, models: Models
) -> Iterator[tuple[int, Overlap]]:
    """Yield what slates of one occasion tell of another choice.

    What is replayed and does not give the slate on record (of what could be booked within the
    hour, something had changed) is left out.
    """
    first = asked[0][1].query
    moment = Moment(past, first.now, radius_m=first.radius_m, n=first.n)
    serving = _Serving(moment, models)
    for row, request in asked:
        if (found := _overlap(serving, request, otherwise)) is not None:
            yield row, found


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
