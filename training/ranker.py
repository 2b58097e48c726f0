"""Learn what distance, price, wait and popularity are worth, from visits as they were."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.affinity import PRIOR_BOOKINGS
from features.clock import UNDATED
from features.credit import CREDIT_WEIGHT, beyond_fair
from features.pairs import Costs, CostTable, crowding, popular_log_odds, rarity
from reco.model.calibration import Calibration
from reco.model.link import LinkFacts
from reco.model.ranker import AffinityFacts, Ranker, RankerFacts, WeekFacts
from training.link import learn_link
from training.logistic import RIDGE, Sample
from training.replays import Pairs

_KNOTS = {"distance": 16, "price": 12, "wait": 8, "rarity": 8}
_MOST = {"distance": 200_000.0, "price": 30_000.0, "wait": 365.0, "rarity": 16.0}
"""Metres, cents, days and log shares up to which the tables go; they go on straight."""
_WEEK = {"hour": 24, "weekday": 7}
"""Costs of when in the week a session begins, each its own."""
_WEEK_PULL = 100.0
"""Log-likelihood that such a cost takes which is 1: most hours see few bookings, and what is on at
some hour is often all of one kind (docs/ranker.md)."""
_LEAST_RISE = 1e-3
"""Log-odds from knot to knot: enough for two offers never to be alike."""
_LEAST_SLOPE = 1e-3
_ROUNDS = 2
"""Items are looked at again at their best offers, told by what was learned."""
LEAST_BOOKINGS = 100
"""With fewer nothing is learned of a person's choice."""

_ITEM = ("said", "score", "unsaid", "popular", "crowding")
"""The first columns: two intercepts, each with its slope, and a slope."""
_AFFINITY = ("lift", "met")
"""The columns between those and the tables'."""


@dataclass(frozen=True)
class Learned:
    """A ranker and the calibration that goes with it."""

    ranker: Ranker
    calibration: Calibration

    def log_odds(self, pairs: Pairs) -> NDArray[np.float64]:
        """Return the log-odds (P,) of each pair, at its item's best offer, as a feed has them."""
        return self.ranker.link.log_odds(self._told(pairs))

    def _told(self, pairs: Pairs) -> NDArray[np.float64]:
        facts = self.ranker.facts
        cost, _ = best_sessions(pairs, self.ranker.costs)
        popular = facts.popular_intercept + facts.popular_slope * _popular(pairs)
        said, share = np.nan_to_num(self.calibration.log_odds(pairs.said)), _model_share(pairs)
        base = share * said + (1.0 - share) * popular
        crowd = crowding(pairs.offers.sum(axis=1))[pairs.visit]
        base += _affinity_log_odds(pairs, facts.affinity)
        return base - facts.crowding * crowd - self.ranker.rarity(_rarity(pairs)) - cost


@dataclass(frozen=True)
class Weights:
    """A ranker as it is learned: one number a column of what pairs are told by."""

    of_columns: NDArray[np.float64]
    """(K,) of the item's columns, of each rise of the tables, of hours and of weekdays, and of what
    is digital."""
    scale: float
    """Of the model's score."""
    credit: float
    """Of what is beyond a person's fair price: given, not learned."""
    link: LinkFacts | None = None
    """What their sum means; None: what it says."""

    def __post_init__(self) -> None:
        columns = len(self.least)
        if self.of_columns.shape != (columns,):
            raise ValueError(
                f"of_columns has shape {self.of_columns.shape}, and a ranker ({columns},)."
            )

    @property
    def learned(self) -> Learned:
        """The ranker that they make."""
        return _learned(self)

    @property
    def least(self) -> NDArray[np.float64]:
        """(K,) the least that each may be: costs rise, and a score never counts against an item."""
        of_items = [-np.inf, _LEAST_SLOPE, -np.inf, _LEAST_SLOPE, -np.inf, 0.0, -np.inf]
        return _by_column(of_items, _LEAST_RISE, 0.0, 0.0)

    def columns(self, pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what pairs are told by (P, K), each at its best session, and what credit takes."""
        costs = _costs(self.of_columns, self.credit)
        _, at = best_sessions(pairs, costs)
        columns = np.hstack([_item_columns(pairs, self.scale), -_rises(pairs, at)])
        return columns, costs.credit * _beyond_fair(pairs)[at]

    def raised(self, log_odds: float) -> "Weights":
        """Return those by which the sum of every pair is so much higher."""
        of_columns = self.of_columns.copy()
        of_columns[[_ITEM.index("said"), _ITEM.index("unsaid")]] += log_odds
        return replace(self, of_columns=of_columns)


def learn_ranker(pairs: Pairs, credit_weight: float = CREDIT_WEIGHT) -> Learned:
    """Return the ranker of `learn_weights`."""
    return learn_weights(pairs, credit_weight).learned


def learn_weights(pairs: Pairs, credit_weight: float = CREDIT_WEIGHT) -> Weights:
    """Return the additive model of a booking that makes the pairs likeliest.

    Logistic regression with signs and smoothness: each cost is linear between knots that are even
    in the root of its feature, rises from every knot to the next, and its rises change little from
    one to the next. Of hours and weekdays each has a cost of its own, none below 0 and drawn to it.
    An item counts at the offer that costs least by the tables of the round before.
    What was drawn less often than it was there counts by the chance of its draw: first as an
    offset (King and Zeng 2001, section 4.1, a pair at a time), which is quick and sharp; in the end
    as a weight (section 4.2), which puts the level of the few likeliest pairs right, that the
    sample hardly holds. What the sum then means is learned last
    (`training.link`).

    Parameters
    ----------
    credit_weight
        What is taken for a price beyond a person's fair one (`features.credit`): given, not
        learned, so that all else is learned beside it and probabilities stay calibrated.

    Raises
    ------
    ValueError
        There are too few bookings to learn from.
    """
    if np.count_nonzero(pairs.is_booked) < LEAST_BOOKINGS:
        raise ValueError(f"There are fewer than {LEAST_BOOKINGS} bookings to learn from.")
    said = pairs.said[~np.isnan(pairs.said) & (pairs.said != 0.0)]
    scale = float(np.median(np.abs(said))) if len(said) else 1.0
    weights, is_booked = Weights(_start(pairs), scale, credit_weight), pairs.is_booked
    for _ in range(_ROUNDS):
        columns, beyond = weights.columns(pairs)
        drawn = Sample(columns, is_booked, _offset(pairs) - beyond, 1.0, smooth(), ridge())
        found = drawn.fitted(weights.of_columns, weights.least)
        weights = replace(weights, of_columns=found)
    stands_for = replace(drawn, offset=-beyond, weight=1.0 / pairs.drawn)
    found = stands_for.fitted(weights.of_columns, weights.least)
    straight = replace(weights, of_columns=found)
    return replace(straight, link=learn_link(straight.learned.log_odds(pairs), pairs))


def best_sessions(pairs: Pairs, costs: Costs) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return what the best session of each pair costs (P,), and which it is."""
    cost = costs.of_distance(pairs.distance_m)
    cost += costs.of_session(pairs.price_cents, pairs.days, pairs.week_hour)
    cost += costs.credit * _beyond_fair(pairs)
    least = np.minimum.reduceat(cost, pairs.start[:-1])
    is_least = np.flatnonzero(cost == np.repeat(least, np.diff(pairs.start)))
    first = is_least[np.searchsorted(is_least, pairs.start[:-1])]
    return least, np.asarray(first, dtype=np.int64)


def _beyond_fair(pairs: Pairs) -> NDArray[np.float64]:
    """Return how far each session's price (A,) is beyond what the person could afford."""
    visit = np.repeat(pairs.visit, np.diff(pairs.start))
    left_cents = pairs.left_cents[visit].astype(np.float64)
    return beyond_fair(pairs.price_cents, left_cents, pairs.fair_cents[visit, pairs.cap])


def _popular(pairs: Pairs) -> NDArray[np.float64]:
    side = pairs.is_online.astype(np.int64)
    visit = pairs.visit
    return popular_log_odds(
        pairs.bookings_near,
        pairs.offers[visit, side],
        pairs.bookings[visit, side],
        pairs.made[visit, side] / max(1, pairs.users),
    )


def _affinity_log_odds(pairs: Pairs, affinity: AffinityFacts | None) -> NDArray[np.float64] | float:
    return pairs.affinity @ np.array([affinity.lift, affinity.met]) if affinity else 0.0


def _offset(pairs: Pairs) -> NDArray[np.float64]:
    """Return the log of how much likelier a pair was drawn if booked than if not (P,)."""
    of_booked = pairs.visit_drawn[pairs.visit[pairs.is_booked]].mean()
    of_all = len(pairs.visit_drawn) / (1.0 / pairs.visit_drawn).sum()
    return np.asarray(np.log(of_booked / of_all / pairs.others_drawn))


def _model_share(pairs: Pairs) -> NDArray[np.float64]:
    """Return how much the model counts for each pair (P,): all where it can say, as in a feed."""
    return np.where(np.isnan(pairs.said), 0.0, 1.0)


def _rarity(pairs: Pairs) -> NDArray[np.float64]:
    return rarity(pairs.bookings_anywhere, pairs.made.sum(axis=1)[pairs.visit])


def _item_columns(pairs: Pairs, scale: float) -> NDArray[np.float64]:
    share = _model_share(pairs)
    score = np.arcsinh(np.nan_to_num(pairs.said) / scale)
    crowd = crowding(pairs.offers.sum(axis=1))[pairs.visit]
    prior = 1.0 - share
    columns = [share, share * score, prior, prior * _popular(pairs), -crowd]
    return np.column_stack([*columns, pairs.affinity])


def _rises(pairs: Pairs, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return of which rises the costs of the sessions `at` are made, and of which hours and days,
    and which are digital."""
    features = {
        "distance": pairs.distance_m[at],
        "price": pairs.price_cents[at].astype(np.float64),
        "wait": pairs.days[at],
        "rarity": _rarity(pairs),
    }
    parts = [_shares(name, np.nan_to_num(feature)) for name, feature in features.items()]
    hour = pairs.week_hour[at]
    parts += [_each(hour % 24, hour, "hour"), _each(hour // 24, hour, "weekday")]
    return np.hstack([*parts, np.isnan(features["distance"])[:, np.newaxis]])


def _each(of_week: NDArray[np.int16], hour: NDArray[np.int16], name: str) -> NDArray[np.float64]:
    """Return 1 where a session begins then; nothing for what is undated."""
    is_then = of_week[:, np.newaxis] == np.arange(_WEEK[name])
    return np.asarray(is_then & (hour != UNDATED)[:, np.newaxis], dtype=np.float64)


def _shares(name: str, feature: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of the way from each knot to the next lies below the feature."""
    knots = _KNOTS[name]
    place = np.sqrt(np.maximum(feature, 0.0) * _knots_per_unit(name))
    shares = np.clip(place[:, np.newaxis] - np.arange(knots), 0.0, 1.0)
    shares[:, -1] += np.maximum(place - knots, 0.0)
    return np.asarray(shares, dtype=np.float64)


def _knots_per_unit(name: str) -> float:
    return _KNOTS[name] ** 2 / _MOST[name]


def _start(pairs: Pairs) -> NDArray[np.float64]:
    rate = np.log(pairs.is_booked.sum() / (1.0 / pairs.drawn).sum())
    of_items = [rate, 0.5, rate, 0.5, 0.0, *np.zeros(len(_AFFINITY))]
    return _by_column(of_items, 0.05, 0.0, 0.05)


def ridge() -> NDArray[np.float64]:
    """Return what the square of each weight costs (K,)."""
    return _by_column([RIDGE] * len(_ITEM + _AFFINITY), RIDGE, _WEEK_PULL, RIDGE)


def _by_column(
    of_items: list[float], rise: float, week: float, online: float
) -> NDArray[np.float64]:
    """Return a number for each column (K,), one and the same for all rises, and all of the week."""
    rises = np.full(sum(_KNOTS.values()), rise)
    return np.concatenate([of_items, rises, np.full(sum(_WEEK.values()), week), [online]])


def smooth() -> tuple[slice, ...]:
    """Return the columns that change little from one to the next: rises of tables, and hours."""
    return tuple(span for name, span in _spans().items() if name != "weekday")


def _spans() -> dict[str, slice]:
    """Return where the rises of each table stand among the columns, the hours and the weekdays."""
    sizes = _KNOTS | _WEEK
    ends = np.cumsum([len(_ITEM) + len(_AFFINITY), *sizes.values()])
    return {name: slice(int(a), int(b)) for name, a, b in zip(sizes, ends, ends[1:], strict=False)}


def _costs(weights: NDArray[np.float64], credit_weight: float) -> Costs:
    distance, price, wait = (_table(name, weights) for name in ("distance", "price", "wait"))
    online, week = float(weights[-1]), _week(weights).cost
    return Costs(distance, price, wait, online, credit_weight, week)


def _week(weights: NDArray[np.float64]) -> WeekFacts:
    hours, weekdays = (tuple(weights[_spans()[name]].tolist()) for name in _WEEK)
    return WeekFacts(hours=hours, weekdays=weekdays)


def _table(name: str, weights: NDArray[np.float64]) -> CostTable:
    rises = weights[_spans()[name]]
    return CostTable(np.append(0.0, np.cumsum(rises)), _knots_per_unit(name))


def weights_of(learned: Learned) -> Weights:
    """Return the weights that make a ranker: `weights_of(weights.learned)` has those of `weights`.

    Raises
    ------
    ValueError
        Its tables have other knots than those that are learned here, or it knows no affinity.
    """
    ranker, calibration, facts = learned.ranker, learned.calibration, learned.ranker.facts
    tables = [table.cost for table in _tables_of(ranker)]
    if [len(table) - 1 for table in tables] != list(_KNOTS.values()) or facts.affinity is None:
        raise ValueError("This ranker was learned by other code: train it again.")
    of_items = [
        calibration.intercept,
        calibration.slope,
        facts.popular_intercept,
        facts.popular_slope,
        facts.crowding,
        facts.affinity.lift,
        facts.affinity.met,
    ]
    week = [facts.week.hours, facts.week.weekdays]
    of_columns = np.concatenate([of_items, *map(np.diff, tables), *week, [facts.online]])
    return Weights(of_columns, calibration.scale, facts.credit, facts.link)


def _tables_of(ranker: Ranker) -> tuple[CostTable, ...]:
    """Return the tables of a ranker in the order of `_KNOTS`."""
    costs = ranker.costs
    return costs.distance, costs.price, costs.wait, ranker.rarity


def _learned(weights: Weights) -> Learned:
    of_columns = weights.of_columns
    of_items = of_columns[: len(_ITEM) + len(_AFFINITY)].tolist()
    said, score, unsaid, popular, crowd, *affinity = of_items
    facts = RankerFacts(
        distance_knots_per_m=_knots_per_unit("distance"),
        price_knots_per_cent=_knots_per_unit("price"),
        wait_knots_per_day=_knots_per_unit("wait"),
        rarity_knots_per_log=_knots_per_unit("rarity"),
        online=float(of_columns[-1]),
        crowding=crowd,
        popular_intercept=unsaid,
        popular_slope=popular,
        credit=weights.credit,
        affinity=AffinityFacts(
            prior_bookings=PRIOR_BOOKINGS, **dict(zip(_AFFINITY, affinity, strict=True))
        ),
        week=_week(of_columns),
        link=weights.link,
    )
    costs = _costs(of_columns, weights.credit)
    ranker = Ranker(costs, _table("rarity", of_columns), facts)
    return Learned(ranker, Calibration(said, score, weights.scale))
