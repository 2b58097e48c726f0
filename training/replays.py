"""Visits of the past as they were: what each person could have booked then, and what they did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.affinity import PRIOR_BOOKINGS, log_lifts, met, of_items, tally_of
from features.interactions import BOOKING, dismissed, event_weights
from features.pairs import days_to_session
from reco.model.history import History
from reco.model.scorer import Scorer
from training.market import Market

_PAUSE_US = 30 * 60 * 1_000_000
"""A visit ends where a person does nothing for half an hour."""
DRAWN = 30
"""Items drawn a visit, about, beside the booked ones; each stands for its share."""
_LEAST_BOOKINGS = 0.1
"""Credited to every item, where items are drawn by their bookings."""


@dataclass(frozen=True)
class Visits:
    """Moments at which people looked for something; (W,)."""

    user: NDArray[np.int32]
    at_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    """Just after the last that was done."""
    is_booked: NDArray[np.bool_]
    """Whether anything was booked."""
    drawn: NDArray[np.float64]
    """Chance that the visit was drawn."""

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> "Visits":
        """Return those that a mask or an index chooses."""
        return Visits(**{name: column[rows] for name, column in vars(self).items()})

    def sample(self, most: int, generator: np.random.Generator) -> "Visits":
        """Return no more than `most`, in order of time; two in three with a booking, if there are.

        They tell most; each kind is drawn evenly, and `drawn` says how many it stands for.
        """
        shuffled = generator.permutation(len(self))
        booked = shuffled[self.is_booked[shuffled]]
        others = shuffled[~self.is_booked[shuffled]]
        booked_kept = booked[: max(2 * most // 3, most - len(others))]
        others_kept = others[: most - len(booked_kept)]
        drawn = self.drawn.copy()
        drawn[booked_kept] *= len(booked_kept) / max(1, len(booked))
        drawn[others_kept] *= len(others_kept) / max(1, len(others))
        rows = np.append(booked_kept, others_kept)
        rows = rows[np.argsort(self.at_us[rows], kind="stable")]
        return replace(self, drawn=drawn).take(rows)


def visits_from(market: Market, first_us: int) -> Visits:
    """Return the visits that begin from `first_us` on; what has no time is of none."""
    events = market.events.take(~np.isnat(market.events.at))
    at_us = events.at.view(np.int64)
    order = np.lexsort((at_us, events.user))
    user, at_us, kind = events.user[order], at_us[order], events.kind[order]
    begins = np.append(True, (user[1:] != user[:-1]) | (np.diff(at_us) > _PAUSE_US))[: len(user)]
    chosen = np.flatnonzero(begins & (at_us >= first_us))
    bookings = np.append(0, np.cumsum(kind == BOOKING))
    ends = np.append(np.flatnonzero(begins)[1:], len(user))[
        np.searchsorted(np.flatnonzero(begins), chosen)
    ]
    is_booked = bookings[ends] > bookings[chosen]
    return Visits(user[chosen], at_us[chosen], at_us[ends - 1] + 1, is_booked, np.ones(len(chosen)))


@dataclass(frozen=True)
class Pairs:
    """P pairs of W visits and items that could be booked, with the A sessions of each."""

    visit: NDArray[np.int64]
    """(P,) row of the visit, ascending."""
    is_booked: NDArray[np.bool_]
    drawn: NDArray[np.float64]
    """(P,) chance that the pair was drawn, with its visit."""
    others_drawn: NDArray[np.float64]
    """(P,) chance that it would have been drawn on its visit if it was not booked."""
    said: NDArray[np.float64]
    """(P,) score by the model from what it knew then, NaN where it cannot say."""
    bookings_near: NDArray[np.int64]
    """(P,) recent bookings of the item around."""
    bookings_anywhere: NDArray[np.int64]
    """(P,) the same of all its offers."""
    affinity: NDArray[np.float64]
    """(P, 2) how much more of the item's kind the person booked than others do
    (`features.affinity.log_lifts`), and whether anything of its subcategory."""
    is_online: NDArray[np.bool_]
    start: NDArray[np.int64]
    """(P + 1,) bounds of each pair's sessions."""
    distance_m: NDArray[np.float64]
    """(A,) NaN: digital."""
    price_cents: NDArray[np.int32]
    cap: NDArray[np.int8]
    """(A,) what it counts against, an index in `CAPS`."""
    days: NDArray[np.float64]
    """(A,) until the session begins, NaN undated."""
    week_hour: NDArray[np.int16]
    """(A,) at which it begins where it takes place (`features.clock`)."""
    offers: NDArray[np.int64]
    """(W, 2) offers that can be booked at each visit or later: at venues around, and online."""
    bookings: NDArray[np.int64]
    """(W, 2) recent bookings of these."""
    made: NDArray[np.int64]
    """(W, 2) recent bookings of all offers: at venues, and online."""
    visit_drawn: NDArray[np.float64]
    """(W,) chance that the visit was drawn."""
    users: int
    left_cents: NDArray[np.int64]
    """(W,) what the person could spend."""
    fair_cents: NDArray[np.float64]
    """(W, 3) what they could afford a booking, by cap (`features.credit`)."""

    def __len__(self) -> int:
        return len(self.visit)

    def of_visits(self, is_wanted: NDArray[np.bool_]) -> "Pairs":
        """Return the pairs of those visits that a mask (W,) chooses."""
        kept, sessions = is_wanted[self.visit], np.diff(self.start)
        masks = dict.fromkeys(OF_VISIT, is_wanted)
        masks |= dict.fromkeys(OF_SESSION, np.repeat(kept, sessions))
        columns = {
            name: column[masks.get(name, kept)]
            for name, column in vars(self).items()
            if name not in _NUMBERED
        }
        return Pairs(
            visit=(np.cumsum(is_wanted) - 1)[self.visit[kept]],
            start=np.append(0, np.cumsum(sessions[kept])),
            users=self.users,
            **columns,
        )


OF_VISIT = ("offers", "bookings", "made", "visit_drawn", "left_cents", "fair_cents")
OF_SESSION = ("distance_m", "price_cents", "cap", "days", "week_hour")
"""Columns of `Pairs` with a row a visit, and a row a session."""
_NUMBERED = ("visit", "start", "users")
"""What is told anew of other visits."""


def pairs_from(
    parts: Sequence[Mapping[str, NDArray[Any]]], visit_drawn: NDArray[np.float64], users: int
) -> Pairs:
    """Return the pairs of visits, of each the columns, with how many `sessions` each pair has."""
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    visit = np.repeat(np.arange(len(parts)), [len(part["said"]) for part in parts])
    columns["drawn"] *= visit_drawn[visit]
    start = np.append(0, np.cumsum(columns.pop("sessions")))
    return Pairs(visit=visit, start=start, visit_drawn=visit_drawn, users=users, **columns)


def replay(
    market: Market,
    visits: Visits,
    scorer: Scorer,
    *,
    half_life_days: float | None,
    radius_m: float,
    generator: np.random.Generator,
    drawn: int = DRAWN,
) -> Pairs:
    """Return what could be booked at each visit: all that was booked then, of the rest a sample.

    Candidates lie within reach, are open and can be paid from what was left; what the person had
    booked, or dismissed and not wanted since, is none, as in a feed.

    Parameters
    ----------
    scorer
        Fitted on nothing later than the first visit, over the items of the market.
    half_life_days
        Of an event in a history.
    radius_m
        How far is looked.
    drawn
        Items a visit, beside the booked ones.
    """
    replays = _Replays(
        market,
        scorer,
        half_life_days=half_life_days,
        radius_m=radius_m,
        drawn=drawn,
        generator=generator,
    )
    parts = [
        replays.at(int(user), int(at_us), int(end_us))
        for user, at_us, end_us in zip(visits.user, visits.at_us, visits.end_us, strict=True)
    ]
    return pairs_from(parts, visits.drawn, market.people)


def joined(first: Pairs, second: Pairs) -> Pairs:
    """Return the pairs of the visits of both, of one market and one kind of model."""
    columns = {
        name: np.concatenate([column, getattr(second, name)])
        for name, column in vars(first).items()
        if name not in _NUMBERED
    }
    return Pairs(
        visit=np.append(first.visit, second.visit + len(first.left_cents)),
        start=np.append(first.start, first.start[-1] + second.start[1:]),
        users=first.users,
        **columns,
    )


class _Replays:
    """Looks at one visit after the other."""

    def __init__(
        self,
        market: Market,
        scorer: Scorer,
        *,
        half_life_days: float | None,
        radius_m: float,
        drawn: int,
        generator: np.random.Generator,
    ) -> None:
        events = market.events
        self._market, self._scorer = market, scorer
        self._half_life_days, self._radius_m = half_life_days, radius_m
        self._generator, self._most_drawn = generator, drawn
        self._order = np.lexsort((events.at.view(np.int64), events.user))
        self._at_us = events.at.view(np.int64)[self._order]
        self._start = np.searchsorted(events.user[self._order], np.arange(len(events.users) + 1))

    def at(self, user: int, at_us: int, end_us: int) -> dict[str, NDArray[Any]]:
        """Return the columns of `Pairs` for one visit, with how many sessions each pair has."""
        market, events = self._market, self._market.events
        first, last = self._start[user], self._start[user + 1]
        now, later = first + np.searchsorted(self._at_us[first:last], [at_us, end_us])
        done, after = self._order[first:now], self._order[now:later]
        stocks, distance_m = market.around(market.home[user], self._radius_m)
        is_held = market.is_held(stocks, at_us)
        stocks, distance_m = stocks[is_held], distance_m[is_held]
        recent, by_cap = market.recent_bookings(at_us), market.left_cents(user, at_us)
        around = self._surroundings(_distinct(market.stock_offer[stocks], len(recent)), recent)

        item, cap = market.offer_item[market.stock_offer[stocks]], market.stock_cap[stocks]
        kind_done, item_done = events.kind[done], events.item[done]
        unwanted = dismissed(item_done, kind_done, events.at[done])
        can_be = (market.opens_us[stocks] <= at_us) & (market.price_cents[stocks] <= by_cap[cap])
        can_be &= ~np.isin(item, np.append(item_done[kind_done == BOOKING], unwanted))
        stocks, distance_m, item = stocks[can_be], distance_m[can_be], item[can_be]
        booked = events.item[after[events.kind[after] == BOOKING]]
        anywhere = np.bincount(market.offer_item, recent, minlength=len(events.items))
        anywhere = anywhere.astype(np.int64)
        chosen, is_booked, others_drawn = self._drawn(
            _distinct(item, len(anywhere)), booked, anywhere
        )

        place = np.full(len(events.items), -1)
        place[chosen] = np.arange(len(chosen))
        rows = np.flatnonzero(place[item] >= 0)
        rows = rows[np.argsort(place[item[rows]], kind="stable")]
        sessions = np.bincount(place[item[rows]], minlength=len(chosen))
        offers = _distinct(market.stock_offer[stocks], len(recent))
        near = np.bincount(market.offer_item[offers], recent[offers], minlength=len(events.items))
        history = self._history(done, at_us)
        return around | {
            # What counts against no cap may take all.
            "left_cents": by_cap[:1],
            "fair_cents": market.budget(user, at_us).fair_cents[np.newaxis],
            "others_drawn": others_drawn,
            "is_booked": is_booked,
            "drawn": np.where(is_booked, 1.0, others_drawn),
            "said": self._scorer.scores(history, chosen.astype(np.int32)),
            "bookings_near": near[chosen].astype(np.int64),
            "bookings_anywhere": anywhere[chosen],
            "affinity": self._affinity(done, anywhere, chosen),
            "is_online": np.isnan(distance_m[rows])[np.cumsum(sessions) - sessions],
            "sessions": sessions,
            "distance_m": distance_m[rows],
            "price_cents": market.price_cents[stocks[rows]],
            "cap": market.stock_cap[stocks[rows]],
            "days": days_to_session(market.starts_us[stocks[rows]], at_us),
            "week_hour": market.week_hour[stocks[rows]],
        }

    def _affinity(
        self, done: NDArray[np.int64], anywhere: NDArray[np.int64], chosen: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return what the bookings among what was `done` tell of items `chosen`."""
        kinds, sizes, events = self._market.kinds, self._market.kind_sizes, self._market.events
        mine = events.item[done[events.kind[done] == BOOKING]]
        own = tally_of(kinds.take(mine), np.ones(len(mine), dtype=np.int64), sizes)
        everybody = tally_of(kinds, anywhere, sizes)
        of_chosen = kinds.take(chosen)
        lifts = of_items(log_lifts(own, everybody, PRIOR_BOOKINGS), of_chosen)
        return np.column_stack([lifts, met(own)[of_chosen.subcategory]])

    def _surroundings(
        self, offers: NDArray[np.int64], recent: NDArray[np.int64]
    ) -> dict[str, NDArray[Any]]:
        is_online = self._market.is_online
        sides = [offers[~is_online[offers]], offers[is_online[offers]]]
        return {
            "offers": np.array([[len(side) for side in sides]]),
            "bookings": np.array([[recent[side].sum() for side in sides]]),
            "made": np.array([[recent[~is_online].sum(), recent[is_online].sum()]]),
        }

    def _drawn(
        self,
        candidates: NDArray[np.int64],
        booked: NDArray[np.int32],
        anywhere: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
        """Return the booked candidates and some others, which are booked, and chances of a draw.

        Half of the others are drawn evenly, half by their bookings, each by itself (Poisson
        sampling, Hajek 1964): the few likely ones weigh most, and must not be left to luck.
        """
        bookings = anywhere[candidates] + _LEAST_BOOKINGS
        even, by_bookings = 1.0 / max(1, len(candidates)), bookings / max(1.0, bookings.sum())
        chance = np.minimum(1.0, self._most_drawn / 2 * (even + by_bookings))
        is_booked = np.isin(candidates, booked)
        kept = is_booked | (self._generator.random(len(candidates)) < chance)
        return candidates[kept], is_booked[kept], chance[kept]

    def _history(self, done: NDArray[np.int64], at_us: int) -> History:
        events = self._market.events
        weights = event_weights(
            events.kind[done],
            events.at[done],
            as_of=np.datetime64(at_us, "us"),
            half_life_days=self._half_life_days,
        )
        return History.of(events.item[done], weights)


def _distinct(rows: NDArray[np.int64], of: int) -> NDArray[np.int64]:
    """Return each of `rows` once, ascending, all below `of`; sorting took most of a visit."""
    is_there = np.zeros(of, dtype=np.bool_)
    is_there[rows] = True
    return np.flatnonzero(is_there)
