"""From the chosen offers to the answer, its reasons and notes, and the slate on record."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from features.horizon import Value, expected_gains
from reco.feed.answer import FeedAnswer, FeedItem, LocationUsed, Statement, VenueShown
from reco.feed.attributes import most_points
from reco.feed.cursor import MAX_SHOWN, write_cursor
from reco.feed.explaining import explain_means, explain_offer, explain_slate
from reco.feed.generation import Generation
from reco.feed.outlook import horizon_shown
from reco.feed.picks import Live, Pick
from reco.feed.query import FeedQuery, Filters
from reco.feed.rating import chance_within
from reco.feed.readback import LiveOffer
from reco.feed.recorder import Slate
from reco.feed.situation import Situation

_CLOSE_M = 2_000.0
_SOON = timedelta(days=3)
_LITTLE = 0.2
"""What is left to meet is little where no slate adds so great a share of what this one would add
for whoever has met nothing; a venue and a genre, which are always new, are 10 points of 65."""


@dataclass(frozen=True)
class Feed:
    """What one request made: the answer, and the slate to put on record."""

    answer: FeedAnswer
    slate: Slate


def present(serving: Generation, situation: Situation, live: Live, secret: str) -> Feed:
    """Return the answer to the request and the slate to record; `secret` signs the cursor."""
    picks = live.picks
    query, around, met = situation.query, situation.around, situation.state.met
    gains = expected_gains(
        [pick.live.values for pick in picks],
        [pick.probability for pick in picks],
        met,
        query.unmet,
    )
    slate_id = uuid4()
    answer = FeedAnswer(
        slate_id=str(slate_id),
        model_version=serving.model_version,
        experiment=query.exposure,
        now=query.now,
        location_used=LocationUsed(
            lat=around.here.lat if around.here else None,
            lon=around.here.lon if around.here else None,
            source=around.source,
        ),
        radius_m=around.looked_m,
        floor=query.floor,
        points_a_booking=query.points_a_booking or None,
        relevance_kept=live.choice.widened.relevance_kept,
        explanation=explain_slate(live.choice, query),
        items=tuple(_items(live, gains, situation)),
        horizon=horizon_shown(live, sum(gains), met, query),
        next_cursor=_next_cursor(query, live, secret),
        notes=tuple(_notes(serving, situation, live)),
    )
    return Feed(answer, _slate(slate_id, serving, situation, live, gains))


def offer_item(
    live: LiveOffer,
    *,
    distance_m: float | None = None,
    probability: float | None = None,
    gain: float = 0.0,
    reasons: Sequence[str] = (),
    rank: int | None = None,
    explanation: tuple[Statement, ...] = (),
) -> FeedItem:
    """Return a live offer as it is written on the wire."""
    return FeedItem(
        offer_id=live.offer_id,
        item_id=live.item_id,
        title=live.title,
        category=live.category,
        subcategory=live.subcategory,
        image_url=live.image_url,
        is_digital=live.is_digital,
        is_duo=live.is_duo,
        venue=venue_shown(live),
        distance_m=distance_m,
        sessions=live.sessions,
        sessions_total=live.sessions_total,
        probability=probability,
        gain=gain,
        reasons=tuple(reasons),
        rank=rank,
        explanation=explanation,
    )


def _items(live: Live, gains: Sequence[float], situation: Situation) -> Iterator[FeedItem]:
    query, met = situation.query, situation.state.met
    means = explain_means(live.picks, live.budget, situation.state.credit, query.language)
    for pick, gain, of_means in zip(live.picks, gains, means, strict=True):
        yield offer_item(
            pick.live,
            distance_m=pick.distance_m,
            probability=pick.probability,
            gain=gain,
            reasons=_reasons(pick, met, query.now),
            rank=pick.known_rank,
            explanation=explain_offer(pick, situation) + of_means,
        )


def venue_shown(live: LiveOffer) -> VenueShown | None:
    """Return where a live offer takes place, as it is written on the wire; None: online."""
    if live.venue_id is None or live.lat is None or live.lon is None:
        return None
    return VenueShown(
        live.venue_id, live.venue_name, live.venue_type, live.lat, live.lon, live.timezone
    )


def _reasons(pick: Pick, met: Set[Value], now: datetime) -> list[str]:
    """Return the codes of what speaks for an offer, each one a fact of this very request."""
    live, away_m = pick.live, pick.distance_m
    starts_at = live.sessions[0].starts_at
    holds = (
        ("first_of_category", met and ("category", live.category) not in met),
        ("liked_by_people_like_you", pick.is_liked),
        ("popular_near_you", away_m is not None and pick.bookings_near > pick.booked_online),
        ("close_to_you", away_m is not None and away_m <= _CLOSE_M),
        ("soon", starts_at is not None and starts_at - now <= _SOON),
        ("free", 0 in [session.price_cents for session in live.sessions]),
    )
    return [code for code, is_so in holds if is_so]


def _notes(serving: Generation, situation: Situation, live: Live) -> list[str]:
    """Return the codes of what the caller should know about this answer."""
    query, state, around = situation.query, situation.state, situation.around
    most = most_points(serving.catalogue, frozenset())
    holds = {
        "guest": query.user_id is None,
        "unknown_user_cold_agenda": query.user_id is not None and state.person is None,
        "no_location_nationwide": around.here is None,
        "radius_widened": around.radius_m > query.radius_m,
        "no_model_popularity_only": serving.model is None,
        "model_newer_than_request": _has_seen_the_future(serving, query),
        "no_deposit": state.person is not None and not state.person.has_deposit,
        "no_credit_left_free_only": state.credit.total_cents == 0,
        "little_left_to_meet": _has_met_nearly_all(live, state.met, query, most),
        "cut_short": live.is_cut,
        # An empty page after others is their end.
        "nothing_found": not live.picks and not live.is_cut and not query.shown_offers,
    }
    return [code for code, is_so in holds.items() if is_so]


def _has_met_nearly_all(live: Live, met: Set[Value], query: FeedQuery, most: float) -> bool:
    """Say whether no slate of this length adds much, by what this one adds for a newcomer.

    Of what is here, so of no answer that leaves out what was not asked for.

    Parameters
    ----------
    most
        Points that no offer earns more than, for a newcomer.
    """
    if query.filters != Filters():
        return False
    bound = live.choice.widened.bound
    probability = np.array([pick.probability for pick in live.picks])
    chance = chance_within(probability, query.intensity)
    # Most slates are told from their expected bookings alone.
    if not met or bound >= _LITTLE * most * chance.sum():
        return False
    values = [pick.live.values for pick in live.picks]
    for_newcomer = sum(expected_gains(values, chance.tolist(), frozenset(), query.unmet))
    return bound < _LITTLE * for_newcomer


def _next_cursor(query: FeedQuery, live: Live, secret: str) -> str | None:
    """Return where to go on, or None at the end.

    A short slate means that nothing is left; of a plan, that nothing else fits beside it. One that
    was cut means neither, but an empty one would lead to itself, at once and again.
    """
    picks = live.picks
    shown = {**query.shown_offers, **{pick.live.id: pick.probability for pick in picks}}
    is_last = len(picks) < query.n and not query.plan and not live.is_cut
    if not picks or is_last or len(shown) >= MAX_SHOWN:
        return None
    return write_cursor(shown, query, secret)


def _slate(
    slate_id: UUID,
    serving: Generation,
    situation: Situation,
    live: Live,
    gains: Sequence[float],
) -> Slate:
    picks = live.picks
    query, person, here = situation.query, situation.state.person, situation.around.here
    return Slate(
        id=slate_id,
        at=query.now,
        user_id=person.id if person else None,
        model_version=serving.model_version,
        catalogue_version=serving.catalogue.version,
        location=here,
        radius_m=situation.around.looked_m,
        query=_kept(query),
        seed=query.seed,
        relevance_kept=live.choice.widened.relevance_kept,
        offers=[pick.live.id for pick in picks],
        probabilities=[pick.probability for pick in picks],
        propensities=live.propensities,
        gains=list(gains),
        exposure=query.exposure,
    )


def _kept(query: FeedQuery) -> Mapping[str, Any]:
    """Return what was asked, without the person and the place, which have their own columns."""
    filters = query.filters
    return {
        "categories": list(filters.categories),
        "max_price_cents": filters.max_price_cents,
        "from": filters.starts_from.isoformat() if filters.starts_from else None,
        "to": filters.starts_before.isoformat() if filters.starts_before else None,
        "n": query.n,
        "floor": query.floor,
        "intensity": query.intensity,
        "points_a_booking": query.points_a_booking,
        "min_new_categories": query.min_new_categories,
        "max_per_category": query.max_per_category,
        "plan": query.plan,
        "exploration": query.exploration,
        "radius_m": query.radius_m,
        "widest_m": query.widest_m,
        "shown_offers": list(query.shown_offers),
        "shown_probabilities": list(query.shown_offers.values()),
    }


def _has_seen_the_future(serving: Generation, query: FeedQuery) -> bool:
    model = serving.model
    return model is not None and model.cutoff is not None and model.cutoff > query.now
