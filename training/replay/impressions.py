"""What slates of a past showed, told as a ranker is told of visits, and what came of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reco.db.arrays import micros
from reco.feed.exploring import UNKNOWN
from reco.feed.pipeline import ranked_around
from reco.model.loaded import LoadedModel
from training.offpolicy.recorded import MOST_RATE
from training.replay.past import Past
from training.replay.requests import Request, situation_of
from training.replay.shown import TELLING, shown_columns
from training.replay.slates import Moment
from training.replays import Pairs, pairs_from

MOST_MOMENTS = 60
"""Catalogues that are made anew; a slate is told by the last of them that is not after its own."""


@dataclass(frozen=True)
class Answered:
    """A slate on record and what came of it."""

    request: Request
    is_booked: NDArray[np.bool_]
    """(N,) by the person, because of this slate."""
    drawn: float = 1.0
    """Chance that it was drawn from all that are on record."""


@dataclass(frozen=True)
class Impressions:
    """P offers that were shown on W slates."""

    pairs: Pairs
    """A visit is a slate, a pair an offer of it with its sessions, by place."""
    place: NDArray[np.int64]
    """(P,) from 0 on; the pages before come first."""
    propensity: NDArray[np.float64]
    """(P,) of the place showing what it showed; `UNKNOWN` where it is not known."""
    offer: NDArray[np.int64]
    """(P,) id in the past."""
    user: NDArray[np.int64]
    """(W,) row in the past."""
    at_us: NDArray[np.int64]
    """(W,) ascending."""
    lost: int
    """Offers shown that could not be told of; they are none of these."""

    def __len__(self) -> int:
        return len(self.place)

    @property
    def by_chance(self) -> NDArray[np.bool_]:
        """(P,) which ones chance had put in their places."""
        return np.asarray((self.propensity < MOST_RATE) & (self.propensity != UNKNOWN))

    def of_slates(self, is_wanted: NDArray[np.bool_]) -> "Impressions":
        """Return those of the slates that a mask (W,) chooses; `lost` stays that of all."""
        kept = is_wanted[self.pairs.visit]
        return Impressions(
            pairs=self.pairs.of_visits(is_wanted),
            place=self.place[kept],
            propensity=self.propensity[kept],
            offer=self.offer[kept],
            user=self.user[is_wanted],
            at_us=self.at_us[is_wanted],
            lost=self.lost,
        )


def impressions_of(
    past: Past, slates: Sequence[Answered], model: LoadedModel
) -> Impressions | None:
    """Return what slates showed, each offer as the feed would have seen it then with a model.

    Parameters
    ----------
    slates
        By time; of people who are in the past.
    model
        Whose scores are told: fitted on nothing later than the first slate.

    Returns
    -------
    None where nothing of what was shown can be told of.
    """
    told = replace(model, ranker=TELLING, content=None)
    parts = [part for at, some in _by_moment(slates) for part in _told(past, at, some, told)]
    found = sorted((part for part in parts if len(part.place)), key=attrgetter("at_us"))
    if not found:
        return None
    visit_drawn = np.array([part.drawn for part in found])
    shown, users = (
        sum(len(slate.is_booked) for slate in slates),
        past.population_at(found[-1].at_us),
    )
    place = np.concatenate([part.place for part in found])
    return Impressions(
        pairs=pairs_from([part.columns for part in found], visit_drawn, users),
        place=place,
        propensity=np.concatenate([part.propensity for part in found]),
        offer=np.concatenate([part.offer for part in found]),
        user=np.array([part.user for part in found]),
        at_us=np.array([part.at_us for part in found]),
        lost=shown - len(place),
    )


@dataclass(frozen=True)
class _Part:
    """One slate, as its columns."""

    columns: Mapping[str, NDArray[Any]]
    place: NDArray[np.int64]
    propensity: NDArray[np.float64]
    offer: NDArray[np.int64]
    user: int | None
    at_us: int
    drawn: float


def _told(
    past: Past, at: datetime, slates: Sequence[Answered], model: LoadedModel
) -> Iterator[_Part]:
    first = slates[0].request.query
    moment = Moment(past, at, first.radius_m, first.n)
    serving = moment.serving(model)
    for slate in slates:
        request, situation = slate.request, situation_of(moment, slate.request)
        with serving.workspace.scratches.lent(len(serving.catalogue.items)) as scratch:
            situation, ranking = ranked_around(serving, situation, scratch, moment.look)
            columns, place = shown_columns(ranking, situation, request.offers)
        is_booked = slate.is_booked[place]
        yield _Part(
            columns=columns
            | {
                "is_booked": is_booked,
                "drawn": np.ones(len(place)),
                "others_drawn": np.ones(len(place)),
            },
            place=place + len(request.query.shown_offers),
            propensity=request.propensities[place],
            offer=request.offers[place],
            user=request.user,
            at_us=micros(request.query.now),
            drawn=slate.drawn,
        )


def _by_moment(slates: Sequence[Answered]) -> Iterator[tuple[datetime, list[Answered]]]:
    """Yield the slates with the moment of the catalogue that they are told by.

    It is the last one kept that is not after their own. They are those that served, thinned so that
    about `MOST_MOMENTS` are made.
    """
    in_order = sorted(slates, key=_built_at)
    if not in_order:
        return
    apart = (_built_at(in_order[-1]) - _built_at(in_order[0])) / MOST_MOMENTS
    at, some = _built_at(in_order[0]), list[Answered]()
    for slate in in_order:
        built = _built_at(slate)
        if built > at and built - at >= apart:
            yield at, some
            at, some = built, []
        some.append(slate)
    yield at, some


def _built_at(slate: Answered) -> datetime:
    """Return when the catalogue was built that a slate was chosen from."""
    told = slate.request.catalogue.partition("-")[0]
    return datetime.strptime(told, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
