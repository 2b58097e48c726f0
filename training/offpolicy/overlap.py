"""What slates that chance had a known part in tell of slates that are chosen otherwise.

The slate that another floor, intensity or model would choose is set against all slates that could
have been shown: where it differs from the one that was chosen, only chance can have shown it.
Whether a position can be told so depends on the request and its replay alone, never on what was
drawn, so that weighted rewards are unbiased for those that can (Li et al. 2011 match slates that
are uniform).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.rows import rows_of
from reco.feed.exploring import UNKNOWN, Exploration
from training.offpolicy.estimators import Terms, grouped

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
    """The overlaps of S slates, of K positions at most, with what came of them."""

    person: NDArray[np.int64]
    """(S,) from 0 on."""
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
    def of(cls, overlaps: Sequence[Overlap], person: NDArray[np.int64]) -> "Overlaps":
        """Put overlaps together; `person` (S,) whose each is."""
        length = np.array([len(one.weight) for one in overlaps])
        there = np.arange(int(length.max(initial=0))) < length[:, np.newaxis]
        is_same, is_told, weight = (np.zeros(there.shape, kind) for kind in (bool, bool, float))
        is_same[there] = np.concatenate([one.is_same for one in overlaps])
        is_told[there] = np.concatenate([one.is_told for one in overlaps])
        weight[there] = np.concatenate([one.weight for one in overlaps])
        return cls(
            person=person,
            length=length,
            is_same=is_same,
            is_told=is_told,
            weight=weight,
            slate_is_same=np.array([one.slate_is_same for one in overlaps]),
            slate_is_told=np.array([one.slate_is_told for one in overlaps]),
            slate_weight=np.array([one.slate_weight for one in overlaps]),
        )

    @property
    def shares(self) -> Mapping[str, float]:
        """Of all positions, and of all slates: the same, another that is told, not told."""
        positions, slates = int(self.length.sum()), len(self.length)
        same, told = int(self.is_same.sum()), int(self.is_told.sum())
        whole, whole_told = int(self.slate_is_same.sum()), int(self.slate_is_told.sum())
        return {
            "positions_same": same / positions,
            "positions_told": (told - same) / positions,
            "positions_not_told": 1.0 - told / positions,
            "slates_same": whole / slates,
            "slates_told": (whole_told - whole) / slates,
            "slates_not_told": 1.0 - whole_told / slates,
        }


def estimates(overlaps: Overlaps, rewards: Floats) -> Mapping[str, Terms]:
    """Return the rewards (S, K) a slate of where the other choice is told; rows are people.

    - as it was, by position, and iips: of the positions that are told, whatever stands elsewhere.
    - as it was, by slate, and slate ips: of the slates that are told as a whole; slate snips is
      the same over its mean weight.

    What weighs an estimate is where the choices differ: of the rest there is no doubt. Left out is
    what no slate tells.
    """
    columns = (overlaps.weight, rewards, overlaps.is_told, overlaps.is_same)
    by_position = _View(*columns, np.ones(len(rewards)))
    by_slate = _View(
        overlaps.slate_weight[:, np.newaxis],
        rewards.sum(axis=1, keepdims=True),
        overlaps.slate_is_told[:, np.newaxis],
        overlaps.slate_is_same[:, np.newaxis],
        overlaps.slate_is_told.astype(np.float64),
    )
    found: dict[str, Terms] = {}
    if by_position.is_told.any():
        found = {"as it was, by position": by_position.shown, "iips": by_position.other}
    if by_slate.is_told.any():
        found["as it was, by slate"] = by_slate.shown
        found |= {"slate ips": by_slate.other, "slate snips": by_slate.normalised}
    return {name: grouped(terms, overlaps.person) for name, terms in found.items()}


@dataclass(frozen=True)
class _View:
    """Slates by their positions, or each as a whole, K = 1; all (S, K)."""

    weight: Floats
    reward: Floats
    is_told: NDArray[np.bool_]
    is_same: NDArray[np.bool_]
    counts: Floats
    """(S,) 1 for slates over which the mean is taken, else 0."""

    @property
    def shown(self) -> Terms:
        """What was earned where the other choice is told."""
        earned = np.where(self.is_told, self.reward, 0.0).sum(axis=1)
        return Terms(earned, self.counts, self.counts[:, np.newaxis], self.counts)

    @property
    def other(self) -> Terms:
        """What the other choice would have earned there."""
        earned = np.where(self.is_told, self.weight * self.reward, 0.0).sum(axis=1)
        changed = self.is_told & ~self.is_same
        doubtful = changed if changed.any() else self.is_told
        weight = np.where(doubtful, self.weight, 0.0).sum(axis=1, keepdims=True)
        return Terms(earned, self.counts, weight, doubtful.sum(axis=1).astype(np.float64))

    @property
    def normalised(self) -> Terms:
        """The same over its weights: less noise, some bias."""
        weights = np.where(self.is_told, self.weight, 0.0).sum(axis=1)
        return replace(self.other, below=weights)
