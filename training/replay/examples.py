"""Slates of some people in words, side by side: what a reader of figures wants to see."""

from dataclasses import replace
from operator import itemgetter
from typing import Any

import numpy as np

from reco.feed.explaining import explain_offer, explain_slate
from reco.feed.picks import picks_of
from training.replay.coarse import distance_classes_m, rounded_credit_cents
from training.replay.slates import Replayed, replay
from training.replay.week import Week

PEOPLE = 6
_SHOWN = 10
"""Offers of a slate that are told."""
_LANGUAGE = "en"
"""Of the report, and so of what it quotes."""


def examples_of(week: Week) -> list[dict[str, Any]]:
    """Return the slates of every system at the start of a week, for people drawn evenly."""
    users = week.evaluation.users
    drawn = np.random.default_rng(week.evaluation.plan.seed).permutation(len(users))[:PEOPLE]
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
    choice, taste = made.choice, made.ranking.taste
    query = replace(made.situation.query, language=_LANGUAGE)
    situation = replace(made.situation, query=query)
    reader = week.moment.reader
    live = {offer: reader.live(offer - 1) for offer in choice.offer_ids}
    picks = picks_of(taste, situation, choice, live)
    gains = choice.widened.gains.tolist()
    return {
        "relevance_kept": choice.widened.relevance_kept,
        "language": _LANGUAGE,
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
                "rank": pick.known_rank,
                "explanation": [told.text for told in explain_offer(pick, situation)],
            }
            for pick, gain in list(zip(picks, gains, strict=True))[:_SHOWN]
        ],
    }


def _told_m(distance_m: float | None) -> float | None:
    """Return the upper end of the class of a distance, None online."""
    return None if distance_m is None else float(distance_classes_m(np.array(distance_m)))
