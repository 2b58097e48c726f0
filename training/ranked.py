"""A ranker learned on what a rehearsal had not seen, and judged on visits after those."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from features.credit import CREDIT_WEIGHT
from features.pairs import DAY_US
from training.intervals import Estimate, mean_intervals
from training.market import Market
from training.ranker import LEAST_BOOKINGS, Learned, learn_ranker
from training.reliability import Reliability, distinct_share, losses, reliability
from training.replays import DRAWN, Pairs, Visits, joined, replay, visits_from
from training.tune import Rehearsed

MAX_VISITS = 6_000
"""Visits that are replayed, drawn at random; two in three with a booking."""
RADIUS_M = 50_000.0
"""How far is looked, as feeds do where nothing else is asked."""
_JUDGED_SHARE = 1 / 3
"""Of the visits, the last ones: a first ranker, learned on those before, is judged on them."""
_WHOLE_VISITS = 20
_TOP = 500


@dataclass(frozen=True)
class RankerFigures:
    """How far the probabilities of a ranker can be believed, on visits after those it learned."""

    visits: int
    bookings: int
    reliability: Reliability
    """Over all that could be booked, each pair that was drawn for as many as it stands for."""
    loss_a_visit: Estimate
    """Log-loss less that of the base rate, over the candidates of a visit."""
    distinct_share: float
    """Of the values among the 500 likeliest candidates of a visit; the mean of some visits."""


@dataclass(frozen=True)
class Ranked:
    """The ranker that is published, and the figures of one that had seen less."""

    learned: Learned
    figures: RankerFigures


def learn_from_visits(
    market: Market, rehearsal: Rehearsed, seed: int = 0, credit_weight: float = CREDIT_WEIGHT
) -> Ranked | None:
    """Return the ranker learned from the visits that a rehearsal has not seen.

    None where there is nothing to learn from: no border in time, or too few bookings after it.
    """
    generator = np.random.default_rng(seed)
    parts = replayed_parts(market, rehearsal, generator)
    if parts is None:
        return None
    first = learn_ranker(parts.earlier, credit_weight)
    some = np.linspace(0, len(parts.later_visits) - 1, _WHOLE_VISITS).astype(np.int64)
    drawn = 2 * len(market.events.items)
    whole = _replayed(market, parts.later_visits.take(some), rehearsal, generator, drawn=drawn)
    figures = figures_of(first, parts.later, whole)
    return Ranked(learn_ranker(joined(parts.earlier, parts.later), credit_weight), figures)


@dataclass(frozen=True)
class Parts:
    """Visits that a rehearsal has not seen: to learn from, and later ones to judge on."""

    earlier: Pairs
    later: Pairs
    later_visits: Visits


def replayed_parts(
    market: Market, rehearsal: Rehearsed, generator: np.random.Generator
) -> Parts | None:
    """Replay the visits after a rehearsal's border; None where there is nothing to learn from."""
    if rehearsal.part.cutoff is None or not len(market.booked_at_us):
        return None
    first_us = int(rehearsal.part.cutoff.astype("datetime64[us]").astype(np.int64))
    # Of a visit on the last day it is not known yet how it ends.
    known_us = int(market.booked_at_us[-1]) - DAY_US
    visits = visits_from(market, first_us)
    visits = visits.take(visits.at_us < known_us).sample(MAX_VISITS, generator)
    earlier = np.arange(len(visits)) < int(len(visits) * (1.0 - _JUDGED_SHARE))
    booked = np.searchsorted(market.booked_at_us, [first_us, known_us])
    if np.diff(booked)[0] < LEAST_BOOKINGS or not earlier.any():
        return None
    both = [
        _replayed(market, visits.take(part), rehearsal, generator) for part in (earlier, ~earlier)
    ]
    if min(np.count_nonzero(part.is_booked) for part in both) < LEAST_BOOKINGS:
        return None
    return Parts(both[0], both[1], visits.take(~earlier))


def figures_of(learned: Learned, pairs: Pairs, whole: Pairs) -> RankerFigures:
    """Return how far probabilities over `pairs` can be believed, and how flat they are.

    Parameters
    ----------
    whole
        Some visits with all that could be booked, to tell how flat.
    """
    chance, stands_for = expit(learned.log_odds(pairs)), 1.0 / pairs.drawn
    rate = float(stands_for[pairs.is_booked].sum() / stands_for.sum())
    gained = losses(chance, pairs.is_booked) - losses(np.full(len(pairs), rate), pairs.is_booked)
    a_visit = by_visit(pairs, gained)
    return RankerFigures(
        visits=len(a_visit),
        bookings=int(np.count_nonzero(pairs.is_booked)),
        reliability=reliability(chance, pairs.is_booked, stands_for),
        loss_a_visit=mean_intervals(a_visit[:, np.newaxis])[0],
        distinct_share=_distinct(expit(learned.log_odds(whole)), whole.visit),
    )


def by_visit(pairs: Pairs, figure: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of a figure of pairs (P,) over each visit (W,), the mean that of all."""
    visits = len(pairs.visit_drawn)
    summed = np.bincount(pairs.visit, figure / pairs.drawn, minlength=visits).astype(np.float64)
    return np.asarray(summed * visits / float((1.0 / pairs.visit_drawn).sum()))


def _replayed(
    market: Market,
    visits: Visits,
    rehearsal: Rehearsed,
    generator: np.random.Generator,
    drawn: int = DRAWN,
) -> Pairs:
    return replay(
        market,
        visits,
        rehearsal.fitted.scorer,
        half_life_days=rehearsal.parameters.half_life_days,
        radius_m=RADIUS_M,
        drawn=drawn,
        generator=generator,
    )


def _distinct(chance: NDArray[np.float64], visit: NDArray[np.int64]) -> float:
    shares = [distinct_share(np.sort(chance[visit == one])[-_TOP:]) for one in np.unique(visit)]
    return float(np.mean(shares)) if shares else 1.0
