"""A ranker learned on what a rehearsal had not seen, and judged on what came after that.

On visits, replayed as they were; and where enough is on record of what was shown, on that, too.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from features.credit import CREDIT_WEIGHT
from features.interactions import BOOKING
from features.pairs import DAY_US
from training.impressions import HORIZON, ReadImpressions
from training.intervals import Estimate, mean_intervals
from training.market import Market
from training.ranker import LEAST_BOOKINGS, Learned, Weights, learn_weights
from training.reliability import Reliability, losses, mean_distinct_share, reliability
from training.replay.impressions import Impressions
from training.replays import DRAWN, Pairs, Visits, joined, replay, visits_from
from training.shown_ranker import Corrected, corrected
from training.tune import Rehearsed
from training.visit_figures import by_person

MAX_VISITS = 6_000
"""Visits that are replayed, drawn at random; of each part two in three with a booking."""
RADIUS_M = 50_000.0
"""How far is looked, as feeds do where nothing else is asked."""
_JUDGED_SHARE = 1 / 3
"""Of the visits, the last ones: a first ranker, learned on those before, is judged on them."""
_LEAST_OF_PART = 50
"""Bookings of shown offers without which they teach nothing: on slates whose outcome was known at
the border, and on those after it."""
_WHOLE_VISITS = 20


@dataclass(frozen=True)
class Taught:
    """What a ranker was taught by impressions."""

    slates: int
    offers: int
    """That were shown on them."""
    by_chance: int
    """Of these, what chance had put in its place."""
    bookings: int
    lost: int
    """Offers shown that could not be told of."""
    first_at: str
    """When the first of the slates was shown, and the last; ISO 8601, UTC."""
    last_at: str
    discount_power: float
    """Of the discount of a place (`training.shown_ranker.Examination`)."""


@dataclass(frozen=True)
class RankerFigures:
    """How far the probabilities of a ranker can be believed, on visits after those it learned.

    Where it was taught by impressions, a visit is a slate, all that could be booked is what was
    shown, and the probability is that of the offer at its place.
    """

    visits: int
    people: int
    """Whose visits these are: intervals are over them."""
    bookings: int
    reliability: Reliability
    """Over all that could be booked, each pair that was drawn for as many as it stands for."""
    loss_a_visit: Estimate
    """Log-loss less that of the base rate, over the candidates of a visit."""
    distinct_share: float
    """Of the values among the 500 likeliest candidates of a visit; the mean of some visits."""
    learned_visits: int = 0
    """Replayed, that the published ranker learned from."""
    learned_bookings: int = 0
    taught: Taught | None = None
    """None: there are too few impressions, and it learned from replayed visits alone."""


@dataclass(frozen=True)
class Ranked:
    """The ranker that is published, and the figures of one that had seen less."""

    learned: Learned
    figures: RankerFigures


def learn_from_visits(
    market: Market,
    rehearsal: Rehearsed,
    seed: int = 0,
    credit_weight: float = CREDIT_WEIGHT,
    read: ReadImpressions | None = None,
) -> Ranked | None:
    """Return the ranker learned from the visits that a rehearsal has not seen, and what was shown.

    None where there is nothing to learn from: no border in time, or too few bookings after it.

    Parameters
    ----------
    read
        What was shown; None: nothing is on record. It teaches where it led to enough bookings on
        both sides of its border, and visits to `LEAST_BOOKINGS` on each; else visits alone do.
    """
    known = _known(market, rehearsal)
    if known is None:
        return None
    generator = np.random.default_rng(seed)
    shown = _enough(read(rehearsal, _at(known[0]), _at(known[1]))) if read else None
    parts = replayed_parts(market, rehearsal, generator, _border_us(shown)) if shown else None
    if parts is None:
        # Nothing was shown, or visits tell too little on one side of its border.
        shown, parts = None, replayed_parts(market, rehearsal, generator)
    if parts is None:
        return None
    first, all_visits = learn_weights(parts.earlier, credit_weight), joined(*parts.both)
    final = learn_weights(all_visits, credit_weight)
    some = np.linspace(0, len(parts.later_visits) - 1, _WHOLE_VISITS).astype(np.int64)
    drawn = 2 * len(market.events.items)
    whole = _replayed(market, parts.later_visits.take(some), rehearsal, generator, drawn=drawn)
    if shown:
        ranked = _taught(first, final, shown, whole)
    else:
        judged = figures_of(first.learned, parts.later, parts.later_visits.user, whole)
        ranked = Ranked(final.learned, judged)
    told = replace(
        ranked.figures,
        learned_visits=len(all_visits.visit_drawn),
        learned_bookings=int(np.count_nonzero(all_visits.is_booked)),
    )
    return replace(ranked, figures=told)


def _taught(first: Weights, final: Weights, shown: Impressions, whole: Pairs) -> Ranked:
    """Return the ranker that impressions make of the `final` one, judged by what they make of the
    first on the later slates."""
    is_earlier, is_later = _sides(shown)
    judged, last = corrected(first, shown.of_slates(is_earlier)), corrected(final, shown)
    figures = figures_of_shown(judged, shown.of_slates(is_later), whole)
    return Ranked(last.weights.learned, replace(figures, taught=taught_by(shown, last)))


def _enough(shown: Impressions | None) -> Impressions | None:
    """Return what was shown, if enough was booked both before and after its border."""
    if shown is None:
        return None
    of_offers = (side[shown.pairs.visit] for side in _sides(shown))
    booked = [np.count_nonzero(shown.pairs.is_booked & side) for side in of_offers]
    return shown if min(booked) >= _LEAST_OF_PART else None


def _at(at_us: int) -> datetime:
    moment: datetime = np.datetime64(at_us, "us").item()
    return moment.replace(tzinfo=UTC)


def _border_us(shown: Impressions) -> int:
    """Return the moment from which on slates judge what those before have taught."""
    return int(shown.at_us[int(len(shown.at_us) * (1.0 - _JUDGED_SHARE))])


def _sides(shown: Impressions) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the slates whose outcome was known at the border, and those from it on, (S,) each."""
    border_us = _border_us(shown)
    return shown.at_us < border_us - HORIZON // timedelta(microseconds=1), shown.at_us >= border_us


def taught_by(shown: Impressions, found: Corrected) -> Taught:
    """Return what impressions have taught."""
    first, last = (_at(int(at_us)).isoformat() for at_us in shown.at_us[[0, -1]])
    return Taught(
        slates=len(shown.at_us),
        offers=len(shown),
        by_chance=int(np.count_nonzero(shown.by_chance)),
        bookings=int(np.count_nonzero(shown.pairs.is_booked)),
        lost=shown.lost,
        first_at=first,
        last_at=last,
        discount_power=found.examination.power,
    )


@dataclass(frozen=True)
class Parts:
    """Visits that a rehearsal has not seen: to learn from, and later ones to judge on."""

    earlier: Pairs
    later: Pairs
    later_visits: Visits

    @property
    def both(self) -> tuple[Pairs, Pairs]:
        """The earlier and the later."""
        return self.earlier, self.later


def replayed_parts(
    market: Market,
    rehearsal: Rehearsed,
    generator: np.random.Generator,
    border_us: int | None = None,
) -> Parts | None:
    """Replay the visits after a rehearsal's border; None where there is nothing to learn from.

    Each part has its share of `MAX_VISITS`, drawn from all of its own: drawn from both together, by
    chance one of them would stand for more visits with a booking than it had, and the level of the
    probabilities would move by that.

    Parameters
    ----------
    border_us
        From which on visits are later ones; None: after two thirds of them.
    """
    known = _known(market, rehearsal)
    if known is None:
        return None
    # Of a visit on the last day it is not known yet how it ends.
    first_us, known_us = known[0], known[1] - DAY_US
    visits = visits_from(market, first_us)
    visits = visits.take(visits.at_us < known_us)
    booked = np.searchsorted(market.booked_at_us, [first_us, known_us])
    if np.diff(booked)[0] < LEAST_BOOKINGS or not len(visits):
        return None
    if border_us is None:
        border_us = int(np.quantile(visits.at_us, 1.0 - _JUDGED_SHARE))
    is_earlier = visits.at_us < border_us
    earlier_most = round(MAX_VISITS * float(is_earlier.mean()))
    earlier = visits.take(is_earlier).sample(earlier_most, generator)
    later = visits.take(~is_earlier).sample(MAX_VISITS - earlier_most, generator)
    if not len(earlier) or not len(later):
        return None
    both = [_replayed(market, part, rehearsal, generator) for part in (earlier, later)]
    if min(np.count_nonzero(part.is_booked) for part in both) < LEAST_BOOKINGS:
        return None
    return Parts(both[0], both[1], later)


def _known(market: Market, rehearsal: Rehearsed) -> tuple[int, int] | None:
    """Return the border of a rehearsal and the last booking; None where there is no such."""
    cutoff, events = rehearsal.part.cutoff, market.events
    # Of the events: a frame may date bookings in the future, which these leave out.
    booked_at = events.at[(events.kind == BOOKING) & ~np.isnat(events.at)]
    if cutoff is None or not len(booked_at):
        return None
    return int(cutoff.astype("datetime64[us]").astype(np.int64)), int(booked_at.max().view("i8"))


def figures_of(
    learned: Learned, pairs: Pairs, user: NDArray[np.integer], whole: Pairs
) -> RankerFigures:
    """Return how far probabilities over `pairs` can be believed, and how flat they are.

    Parameters
    ----------
    user
        (W,) whose each visit of the pairs is.
    whole
        Some visits with all that could be booked, to tell how flat.
    """
    return _figures(learned.log_odds(pairs), pairs, user, learned.log_odds(whole), whole)


def figures_of_shown(found: Corrected, shown: Impressions, whole: Pairs) -> RankerFigures:
    """Return the same of what was shown, where it was shown."""
    flat = found.weights.learned.log_odds(whole)
    return _figures(found.log_odds(shown), shown.pairs, shown.user, flat, whole)


def _figures(
    log_odds: NDArray[np.float64],
    pairs: Pairs,
    user: NDArray[np.integer],
    whole_log_odds: NDArray[np.float64],
    whole: Pairs,
) -> RankerFigures:
    chance, stands_for = expit(log_odds), 1.0 / pairs.drawn
    rate = float(stands_for[pairs.is_booked].sum() / stands_for.sum())
    gained = losses(chance, pairs.is_booked) - losses(np.full(len(pairs), rate), pairs.is_booked)
    a_person = by_person(pairs, user, gained)
    start = np.searchsorted(whole.visit, np.arange(len(whole.visit_drawn) + 1))
    return RankerFigures(
        visits=len(user),
        people=len(a_person),
        bookings=int(np.count_nonzero(pairs.is_booked)),
        reliability=reliability(chance, pairs.is_booked, stands_for),
        loss_a_visit=mean_intervals(a_person[:, np.newaxis])[0],
        distinct_share=mean_distinct_share(expit(whole_log_odds), start),
    )


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
