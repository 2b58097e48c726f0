"""What slates that chance had a known part in tell of slates that are chosen otherwise.

The slate that another floor, intensity or model would choose is set against all slates that could
have been shown: where it differs from the one that was chosen, only chance can have shown it.
Whether a position can be told so depends on the request and its replay alone, never on what was
drawn, so that weighted rewards are unbiased for those that can (Li et al. 2011 match slates that
are uniform).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.rows import rows_of
from reco.feed.exploring import UNKNOWN, Exploration
from training.offpolicy.estimators import Terms

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Overlap:
    """What one slate of K positions tells of another choice."""

    is_same: NDArray[np.bool_]
    """(K,) whether the other choice has the same offer there."""
    is_told: NDArray[np.bool_]
    """(K,) whether what it has there could have been shown."""
    weight: Floats
    """(K,) where that was shown, one over the probability of it on record; elsewhere 0."""
    slate_is_told: bool
    """Whether the whole slate could have been shown."""
    slate_weight: float
    """One over the probability of it, by what is on record, if it was shown; else 0."""

    @property
    def slate_is_same(self) -> bool:
        """Whether the other choice is the slate that was chosen."""
        return bool(self.is_same.all())


def overlap_of(
    chances: Exploration,
    offers: NDArray[np.int64],
    other: Sequence[int],
    shown: Sequence[int],
    propensities: Floats,
) -> Overlap:
    """Return what a slate on record tells of another choice for the same request.

    Whether it can be told is asked of the replay, how likely it was of the record: what could be
    booked within the hour may have been more or less than what is replayed.

    Parameters
    ----------
    chances
        Of the slate that was chosen, of n offers from a pool of C, at the rate of the record.
    offers
        (C,) ids of the pool.
    other
        Ids of the other choice, in order; what a slate of another length shows cannot be told.
    shown, propensities
        (n,) of the record.
    """
    chosen, wanted, seen = (
        np.asarray(ids, dtype=np.int64) for ids in (offers[chances.chosen], other, shown)
    )
    if len(wanted) != len(chosen):
        nothing = np.zeros(len(chosen), dtype=bool)
        return Overlap(nothing, nothing, np.zeros(len(chosen)), False, 0.0)
    is_same = wanted == chosen
    chance = np.where(is_same, np.array(chances.propensities), _by_chance(chances, offers, wanted))
    is_told = chance > 0.0
    hit = is_told & (seen == wanted) & (propensities != UNKNOWN)
    weight = np.divide(1.0, propensities, out=np.zeros(len(chosen)), where=hit)
    can = _of_slate(chance, is_same) > 0.0
    whole = _of_slate(propensities, is_same) if can and hit.all() else np.inf
    return Overlap(is_same, is_told, weight, can, 1.0 / whole)


def _by_chance(
    chances: Exploration, offers: NDArray[np.int64], wanted: NDArray[np.int64]
) -> Floats:
    """Return the probability (n,) that chance puts each wanted offer in its position."""
    order = np.argsort(offers)
    place = rows_of(offers[order], wanted)
    can = (place >= 0) & chances.is_feasible[np.arange(len(wanted)), order[place]]
    each = [chances.propensity_at(at) if there else 0.0 for at, there in enumerate(can.tolist())]
    return np.array(each)


def _of_slate(chance: Floats, is_same: NDArray[np.bool_]) -> float:
    """Return the probability that the whole slate is shown: chance changes one position at most.

    Parameters
    ----------
    chance
        (n,) that each position shows what it is to show.
    """
    other = np.flatnonzero(~is_same)
    if len(other) > 1:
        return 0.0
    if len(other):
        return float(chance[other[0]])
    return 1.0 - float(np.sum(1.0 - chance))


@dataclass(frozen=True)
class Overlaps:
    """The overlaps of S slates, of K positions at most."""

    length: NDArray[np.int64]
    """(S,)"""
    is_same: NDArray[np.bool_]
    """(S, K), False behind the end of a slate."""
    is_told: NDArray[np.bool_]
    weight: Floats
    slate_is_same: NDArray[np.bool_]
    """(S,)"""
    slate_is_told: NDArray[np.bool_]
    slate_weight: Floats

    @classmethod
    def of(cls, overlaps: Sequence[Overlap]) -> Self:
        """Put overlaps together."""
        length = np.array([len(one.weight) for one in overlaps])
        there = np.arange(int(length.max(initial=0))) < length[:, np.newaxis]
        is_same, is_told, weight = (np.zeros(there.shape, kind) for kind in (bool, bool, float))
        is_same[there] = np.concatenate([one.is_same for one in overlaps])
        is_told[there] = np.concatenate([one.is_told for one in overlaps])
        weight[there] = np.concatenate([one.weight for one in overlaps])
        return cls(
            length=length,
            is_same=is_same,
            is_told=is_told,
            weight=weight,
            slate_is_same=np.array([one.slate_is_same for one in overlaps]),
            slate_is_told=np.array([one.slate_is_told for one in overlaps]),
            slate_weight=np.array([one.slate_weight for one in overlaps]),
        )


class Tally:
    """What overlaps tell of one reward, summed up by person; slates come in any order."""

    def __init__(self, people: int) -> None:
        self._positions, self._slates = _Told.nothing(people), _Told.nothing(people)
        self._people = 0
        self._shown = 0

    def add(self, overlaps: Overlaps, person: NDArray[np.integer], reward: Floats) -> None:
        """Add S slates.

        Parameters
        ----------
        person
            (S,) whose each is, from 0 on.
        reward
            (S, K) what came of them.
        """
        self._people = max(self._people, int(person.max()) + 1)
        self._shown += int(overlaps.length.sum())
        by_position = _Told.of(overlaps.is_told, overlaps.is_same, overlaps.weight, reward)
        whole = _Told.of(
            overlaps.slate_is_told[:, np.newaxis],
            overlaps.slate_is_same[:, np.newaxis],
            overlaps.slate_weight[:, np.newaxis],
            reward.sum(axis=1, keepdims=True),
        )
        self._positions.add(replace(by_position, count=np.ones(len(person))), person)
        self._slates.add(whole, person)

    def __len__(self) -> int:
        return int(self._positions.count.sum())

    @property
    def shares(self) -> Mapping[str, float]:
        """Of all positions, and of all slates: the same, another that is told, not told."""
        positions = self._positions.shares("positions", self._shown)
        return positions | self._slates.shares("slates", len(self))

    @property
    def estimates(self) -> Mapping[str, Terms]:
        """The reward a slate of where the other choice is told; rows are people.

        - as it was, by position, and iips: of the positions that are told, whatever stands
          elsewhere.
        - as it was, by slate, and slate ips: of the slates that are told as a whole; slate snips is
          the same over its mean weight.

        What weighs an estimate is where the choices differ: of the rest there is no doubt. Left out
        is what no slate tells.
        """
        by_position, by_slate = (
            told.of_first(self._people) for told in (self._positions, self._slates)
        )
        found: dict[str, Terms] = {}
        if by_position.told.any():
            found = {"as it was, by position": by_position.shown, "iips": by_position.other}
        if by_slate.told.any():
            found["as it was, by slate"] = by_slate.shown
            found |= {"slate ips": by_slate.other, "slate snips": by_slate.normalised}
        return found


@dataclass(frozen=True)
class _Told:
    """What is told by positions, or by slates as a whole: of N slates, or of all those of N people.

    All are (N,).
    """

    count: Floats
    """Slates over which the mean is taken: by positions all, as a whole those that are told."""
    told: Floats
    """Positions, or slates."""
    changed: Floats
    """Those of them that differ."""
    weight: Floats
    changed_weight: Floats
    earned: Floats
    """Where the other choice is told."""
    weighed: Floats
    """The same times its weight."""

    @classmethod
    def of(
        cls, is_told: NDArray[np.bool_], is_same: NDArray[np.bool_], weight: Floats, reward: Floats
    ) -> Self:
        """Sum up N slates by K positions (N, K); each is counted in which something is told."""
        changed = is_told & ~is_same
        columns: list[Any] = [
            is_told.any(axis=1, keepdims=True),
            is_told,
            changed,
            weight,
            np.where(changed, weight, 0.0),
            np.where(is_told, reward, 0.0),
            weight * reward,
        ]
        return cls(*(column.sum(axis=1).astype(np.float64) for column in columns))

    @classmethod
    def nothing(cls, people: int) -> Self:
        """Return what is told of nobody yet."""
        return cls(*(np.zeros(people) for _ in fields(cls)))

    def add(self, slates: Self, person: NDArray[np.integer]) -> None:
        """Add slates to what is told of the people (S,) whose they are."""
        for name, column in vars(slates).items():
            np.add.at(getattr(self, name), person, column)

    def of_first(self, people: int) -> Self:
        """Return what is told of the first of the people."""
        return type(self)(*(column[:people] for column in vars(self).values()))

    def shares(self, name: str, all_of_them: int) -> dict[str, float]:
        """Return shares: the same, another that is told, not told."""
        told, changed = float(self.told.sum()), float(self.changed.sum())
        return {
            f"{name}_same": (told - changed) / all_of_them,
            f"{name}_told": changed / all_of_them,
            f"{name}_not_told": 1.0 - told / all_of_them,
        }

    @property
    def shown(self) -> Terms:
        """What was earned where the other choice is told."""
        return Terms(self.earned, self.count, self.count[:, np.newaxis], self.count)

    @property
    def other(self) -> Terms:
        """What the other choice would have earned there."""
        weight, doubtful = self.weight, self.told
        if self.changed.any():
            weight, doubtful = self.changed_weight, self.changed
        return Terms(self.weighed, self.count, weight[:, np.newaxis], doubtful)

    @property
    def normalised(self) -> Terms:
        """The same over its weights: less noise, some bias."""
        return replace(self.other, below=self.weight)
