"""A feed, from a query to an answer: the whole pipeline on one screen."""

from dataclasses import replace
from typing import Any

import numpy as np
import psycopg

from reco.errors import InvalidInput
from reco.feed.candidates import Candidates, gather
from reco.feed.generation import Generation
from reco.feed.present import Feed, Pick, picked, present
from reco.feed.query import FeedQuery
from reco.feed.readback import LiveOffer, read_offers
from reco.feed.scoring import Scored, score
from reco.feed.slate import choose, quotas, relevance_order
from reco.feed.state import Situation, look_around, read_situation

_SPARE = 10
"""Offers read back beyond the slate, so that one that is gone is replaced without another trip."""
_WIDENING = 2.0


def feed(
    connection: psycopg.Connection[Any],
    serving: Generation,
    query: FeedQuery,
    secret: str,
    *,
    replica: psycopg.Connection[Any] | None = None,
) -> Feed:
    """Return the slate for `query`.

    Parameters
    ----------
    connection
        In autocommit mode.
    serving
        The catalogue and the model to answer from.
    secret
        Key that signs the cursor.
    replica
        Where the user and the surroundings are read from, if not over `connection`; what is shown
        is read back over `connection`.

    Raises
    ------
    InvalidInput
        A category that this world does not have.
    """
    _check_categories(serving, query)
    source = replica or connection
    situation, candidates = _enough(source, serving, read_situation(source, query))
    scored = score(serving, candidates, situation)
    picks = _live_slate(connection, serving, scored, situation)
    return present(serving, situation, picks, secret)


def _check_categories(serving: Generation, query: FeedQuery) -> None:
    known = sorted(serving.catalogue.categories.values())
    for name in query.filters.categories:
        if name not in known:
            raise InvalidInput("category", f"{name!r} is unknown", known)


def _enough(
    connection: psycopg.Connection[Any], serving: Generation, situation: Situation
) -> tuple[Situation, Candidates]:
    """Gather candidates, farther and farther until there are twice as many as are shown."""
    query, around = situation.query, situation.around
    candidates = gather(serving.catalogue, situation)
    while (
        around.here is not None
        and around.radius_m < query.widest_m
        and np.isfinite(candidates.distance_m).sum() < 2 * query.n
    ):
        radius_m = min(around.radius_m * _WIDENING, query.widest_m)
        around = look_around(connection, around.here, around.source, radius_m)
        situation = replace(situation, around=around)
        candidates = gather(serving.catalogue, situation)
    return situation, candidates


def _live_slate(
    connection: psycopg.Connection[Any],
    serving: Generation,
    scored: Scored,
    situation: Situation,
) -> list[Pick]:
    """Choose, read back, and choose again without what is gone, until all chosen are live."""
    query = situation.query
    catalogue, candidates = serving.catalogue, scored.candidates
    order = relevance_order(scored.probability, catalogue.items.item_id[candidates.item])
    offer_id = candidates.offer_id
    limits = quotas(catalogue, candidates, query.n)
    live: dict[int, LiveOffer] = {}
    gone = np.zeros(len(candidates), dtype=bool)
    while True:
        left = order[~gone[order]]
        spare = choose(left, limits, query.n + _SPARE)
        chosen = choose(left, limits, query.n)
        unread = [row for row in dict.fromkeys(chosen + spare) if int(offer_id[row]) not in live]
        if not set(chosen) & set(unread):
            return [picked(scored, row, live[int(offer_id[row])]) for row in chosen]
        ids = [int(offer_id[row]) for row in unread]
        found = read_offers(connection, ids, query, situation.state.credit)
        live |= {offer: shown for offer, shown in found.items() if shown.sessions}
        gone[[row for row in unread if int(offer_id[row]) not in live]] = True
