"""Slates of some people in words, side by side: what a reader of figures wants to see."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from reco.catalogue.shelf import ONLINE
from reco.feed.answer import Session
from reco.feed.explaining import explain_offer, explain_slate
from reco.feed.picks import picks_of
from reco.feed.readback import MAX_SESSIONS, LiveOffer
from training.replay.coarse import distance_classes_m, rounded_credit_cents
from training.replay.evaluation import Evaluation
from training.replay.slates import Replayed, replay
from training.replay.states import moment_of
from training.replay.week import Week

PEOPLE = 6
_SHOWN = 10
"""Offers of a slate that are told."""


def examples_of(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return the slates of every system at the start of the first week, for people drawn evenly."""
    users = evaluation.users
    drawn = np.random.default_rng(evaluation.plan.seed).permutation(len(users))[:PEOPLE]
    week = Week.of(evaluation, evaluation.plan.start)
    told = [_example(week, int(users[place])) for place in drawn]
    return sorted(told, key=itemgetter("user"))


def _example(week: Week, user: int) -> dict[str, Any]:
    evaluation, situation = week.evaluation, week.moment.situation(user)
    systems = evaluation.plan.systems
    told: dict[str, Any] = {}
    for serving, members in week.groups:
        made = replay(week.moment, serving, situation, [systems[place] for place in members])
        for place, slate in zip(members, made, strict=True):
            told[systems[place].name] = _slate(week, slate)
    state = situation.state
    return {
        "user": evaluation.pseudonym(user),
        "credit_left_cents": rounded_credit_cents(state.credit.total_cents),
        "history": [
            {"title": booked.title, "category": booked.category} for booked in state.bookings[-8:]
        ],
        "systems": {system.name: told[system.name] for system in systems},
    }


def _slate(week: Week, made: Replayed) -> dict[str, Any]:
    choice, query = made.choice, made.situation.query
    state, taste = made.situation.state, made.ranking.taste
    live = {offer: live_offer(week, offer - 1) for offer in choice.offer_ids}
    picks = picks_of(taste, state, choice, live)
    gains = choice.widened.gains.tolist()
    return {
        "relevance_kept": choice.widened.relevance_kept,
        "explanation": [told.text for told in explain_slate(choice, query)],
        "offers": [
            {
                "title": pick.live.title,
                "category": pick.live.category,
                "subcategory": pick.live.subcategory,
                "venue": pick.live.venue_name,
                "distance_m": _told_m(pick.distance_m),
                "price_cents": min(session.price_cents for session in pick.live.sessions),
                "probability": pick.probability,
                "gain": gain,
                "rank": pick.rank or None,
                "explanation": [told.text for told in explain_offer(pick, state.met, query)],
            }
            for pick, gain in list(zip(picks, gains, strict=True))[:_SHOWN]
        ],
    }


def _told_m(distance_m: float | None) -> float | None:
    """Return the upper end of the class of a distance, None online."""
    return None if distance_m is None else float(distance_classes_m(np.array(distance_m)))


def live_offer(week: Week, offer: int) -> LiveOffer:
    """Return an offer as a feed would have read it back at the moment of `week`."""
    past, catalogue = week.evaluation.past, week.moment.catalogue
    item, venue_id = int(past.offers.item[offer]), int(past.offers.venue[offer])
    venue = None if venue_id == ONLINE else int(past.venues.rows(np.array([venue_id]))[0])
    kind = 0 if venue is None else int(past.venues.venue_type[venue])
    subcategory = int(past.items.item_subcategory[item])
    genres = past.names.item_genres[item].as_py()
    shelf = catalogue.base
    row = int(shelf.offer_rows(np.array([offer + 1]))[0])
    stocks = range(*shelf.stock_start[row : row + 2].tolist())
    return LiveOffer(
        id=offer + 1,
        offer_id=past.names.offer_id[offer].as_py(),
        item_id=past.items.item_external_id[item].decode(),
        title=past.names.item_title[item].as_py(),
        image_url=past.names.item_image_url[item].as_py(),
        genres=genres.split("|") if genres else [],
        is_duo=bool(past.offers.is_duo[offer]),
        published_at=moment_of(int(past.offers.published_us[offer])),
        category=past.categories[int(past.items.item_category[item])],
        subcategory=past.subcategories.get(subcategory),
        is_digital=venue is None or bool(past.items.item_is_digital[item]),
        venue_id=None if venue is None else past.venues.venue_external_id[venue].decode(),
        venue_name=None if venue is None else past.names.venue_name[venue_id - 1].as_py(),
        venue_type=past.venue_types[kind - 1] if kind else None,
        timezone=None,
        lat=None if venue is None else float(past.venues.venue_lat[venue]),
        lon=None if venue is None else float(past.venues.venue_lon[venue]),
        sessions=tuple(_sessions(week, stocks)),
    )


def _sessions(week: Week, stocks: Sequence[int]) -> list[Session]:
    past, shelf = week.evaluation.past, week.moment.catalogue.base
    at_us = int(week.moment.at.timestamp() * 1e6)
    is_open = [stock for stock in stocks if shelf.stock_opens_us[stock] <= at_us]
    return [
        Session(
            past.names.stock_id[int(shelf.stock_id[stock]) - 1].as_py(),
            moment_of(int(shelf.stock_starts_us[stock])),
            int(shelf.stock_price_cents[stock]),
            None,
            None,
        )
        for stock in is_open[:MAX_SESSIONS]
    ]
