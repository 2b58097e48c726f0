"""Why each offer is shown, and what the slate gave up: facts of the computation itself."""

import math
from collections.abc import Sequence, Set
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from features.credit import Budget, beyond_fair
from features.horizon import POINTS, Value
from reco.catalogue.shelf import CAPS
from reco.core.deposits import Credit
from reco.feed.affinity import Preferred
from reco.feed.answer import Parameter, Statement
from reco.feed.choosing import Choice
from reco.feed.likeness import Likeness
from reco.feed.picks import Pick
from reco.feed.query import FeedQuery
from reco.feed.situation import Situation
from reco.feed.wording import statement

MOST_NEW_VALUES = 2
"""New values that are told of an offer, those that earn most."""
NEW = timedelta(days=28)
"""An offer published no longer ago is new."""
LEAST_GAIN = 0.05
"""Fewer points are told of no slate: they would read as none."""
SHORT_CENTS = 5_000
"""With less credit left an offer's price is told of."""
_KEPT = 4_096
"""Statements that are the same for everybody, kept at hand."""


def explain_offer(pick: Pick, situation: Situation) -> tuple[Statement, ...]:
    """Return what drew an offer, what it would bring that is new, and its rank by relevance."""
    language = situation.query.language
    code, parameters = _drawn(pick, situation)
    told = [statement(language, code, parameters)]
    told += [_new_value(value, language) for value in _new_values(pick, situation.state.met)]
    if pick.rank:
        told.append(_rank(pick.rank, pick.is_ranked, language))
    return tuple(told)


def explain_means(
    picks: Sequence[Pick], budget: Budget, credit: Credit, language: str
) -> list[tuple[Statement, ...]]:
    """Return of each offer that nothing was held against its price, for who has little credit."""
    if budget.left_cents >= SHORT_CENTS:
        return [()] * len(picks)
    are_within = _are_within(budget, picks)
    return [
        (_within_means(_fair_cents(pick, budget, credit) // 10 / 10, language),)
        if is_within
        else ()
        for pick, is_within in zip(picks, are_within, strict=True)
    ]


def explain_slate(choice: Choice, query: FeedQuery) -> tuple[Statement, ...]:
    """Return what the slate keeps of the likeliest one's relevance, and what it gains over it."""
    changed = len(set(choice.widened.chosen.tolist()) - set(choice.likeliest.chosen.tolist()))
    told = _exchanged(choice, changed, query)
    if choice.explored is not None:
        told.append(statement(query.language, "one_to_learn", {}))
    return tuple(told)


def _exchanged(choice: Choice, changed: int, query: FeedQuery) -> list[Statement]:
    widened, likeliest = choice.widened, choice.likeliest
    # A plan that was cut short may have nothing else, and yet less.
    if not changed and len(widened.chosen) == len(likeliest.chosen):
        return [statement(query.language, "likeliest_slate", {})]
    kept: dict[str, Parameter] = {
        "relevance_kept": widened.relevance_kept,
        "floor": query.floor,
        "changed": changed,
    }
    told = [statement(query.language, "relevance_kept", kept)]
    if query.points_a_booking:
        price: dict[str, Parameter] = {"points_a_booking": query.points_a_booking}
        told.append(statement(query.language, "points_a_booking", price))
    # Chance may cost more points than were gained, which is nothing to tell as a gain.
    if widened.gain - likeliest.gain >= LEAST_GAIN:
        gained: dict[str, Parameter] = {
            "points": widened.gain - likeliest.gain,
            "intensity": query.intensity,
            "points_once": widened.gain_once - likeliest.gain_once,
        }
        told.append(statement(query.language, "points_gained", gained))
    return told


def _drawn(pick: Pick, situation: Situation) -> tuple[str, dict[str, Parameter]]:
    """Return the code of what the offer owes its place to, with the numbers behind it."""
    if pick.is_explored:
        return "to_learn", {}
    if pick.preferred:
        return _drawn_by_own_bookings(pick.preferred)
    like = pick.likeness
    if like and (like.title or like.item_id == pick.live.item_id):
        return _drawn_by_likeness(like, pick.live.item_id)
    if pick.stated:
        attribute, value = pick.stated
        return "stated_taste", {"attribute": attribute, "value": value}
    if not pick.is_scored:
        return _drawn_by_bookings(pick, situation.query.now, situation.around.radius_m)
    return ("likely", {}) if pick.is_of_likeliest else ("to_widen", {})


def _drawn_by_own_bookings(preferred: Preferred) -> tuple[str, dict[str, Parameter]]:
    attribute, value = preferred.value
    return "booked_before", {
        "attribute": attribute,
        "value": value,
        "bookings": preferred.bookings,
        "odds": math.exp(preferred.gained),
    }


def _drawn_by_likeness(like: Likeness, item_id: str) -> tuple[str, dict[str, Parameter]]:
    fall: dict[str, Parameter] = {"item_id": like.item_id, "score_fall": like.score_fall}
    if like.item_id == item_id:
        return "seen_before", fall
    return "similar_to", {**fall, "title": like.title or ""}


def _drawn_by_bookings(
    pick: Pick, now: datetime, radius_m: float
) -> tuple[str, dict[str, Parameter]]:
    """Of what the model cannot say anything of, what was booked around decides."""
    if pick.bookings_near:
        booked: dict[str, Parameter] = {"bookings_near": pick.bookings_near}
        if not pick.is_booked_around:
            return "popular_online", booked
        code = "popular_near_or_online" if pick.booked_online else "popular_near_you"
        return code, {**booked, "radius_km": radius_m / 1000.0}
    published_at = pick.live.published_at
    if published_at is not None and now - published_at <= NEW:
        return "new", {"published_at": published_at.isoformat()}
    return "not_booked_online" if pick.distance_m is None else "not_booked_lately", {}


def _are_within(budget: Budget, picks: Sequence[Pick]) -> list[bool]:
    """Say of which every session costs something, and none is beyond what is fair under its cap."""
    sessions = [
        (at, session.price_cents, CAPS.index(pick.live.cap_of(session)))
        for at, pick in enumerate(picks)
        for session in pick.live.sessions
    ]
    at, prices, caps = np.array(sessions, dtype=np.int64).reshape(-1, 3).T
    beyond = beyond_fair(prices, budget.left_cents, budget.fair_cents[caps])
    others = set(at[(prices == 0) | (beyond > 0.0)].tolist())
    return [place not in others for place in range(len(picks))]


def _fair_cents(pick: Pick, budget: Budget, credit: Credit) -> float:
    """Return what is fair under the caps of the sessions; never more than there is."""
    caps = {pick.live.cap_of(session) for session in pick.live.sessions}
    of_caps = (float(budget.fair_cents[CAPS.index(cap)]) for cap in caps)
    limits = (limit for cap in caps if (limit := credit.limit_cents(cap)) is not None)
    return min(*of_caps, *limits)


def _new_values(pick: Pick, met: Set[Value]) -> list[Value]:
    return sorted(pick.live.values - met, key=_by_points)[:MOST_NEW_VALUES]


def _by_points(value: Value) -> tuple[float, Value]:
    return -POINTS[value[0]], value


@lru_cache(_KEPT)
def _new_value(value: Value, language: str) -> Statement:
    attribute, name = value
    parameters: dict[str, Parameter] = {
        "attribute": attribute,
        "value": name,
        "points": POINTS[attribute],
    }
    return statement(language, f"new_{attribute}", parameters)


@lru_cache(_KEPT)
def _rank(rank: int, is_known: bool, language: str) -> Statement:
    return statement(language, "rank" if is_known else "rank_after", {"rank": rank})


@lru_cache(_KEPT)
def _within_means(fair_eur: float, language: str) -> Statement:
    return statement(language, "within_means", {"fair_eur": fair_eur})
