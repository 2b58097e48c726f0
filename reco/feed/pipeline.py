"""A feed, from a query to an answer: the whole pipeline on one screen."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg

from reco.errors import InvalidInput
from reco.feed.generation import Generation
from reco.feed.present import Feed, Pick, picked, present
from reco.feed.query import FeedQuery
from reco.feed.ranking import Ranking, ranking_of
from reco.feed.readback import LiveOffer, read_offers
from reco.feed.scoring import Scored
from reco.feed.shortlist import Shortlist
from reco.feed.state import Situation, look_around, read_situation
from reco.feed.workspace import Scratch

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
    situation = read_situation(source, serving, query)
    with serving.workspace.scratches.lent(len(serving.catalogue.items)) as scratch:
        situation, ranking = _enough(source, serving, situation, scratch)
        picks = _live_slate(connection, ranking, situation)
    return present(serving, situation, picks, secret)


def _check_categories(serving: Generation, query: FeedQuery) -> None:
    known = sorted(serving.catalogue.categories.values())
    for name in query.filters.categories:
        if name not in known:
            raise InvalidInput("category", f"{name!r} is unknown", known)


def _enough(
    connection: psycopg.Connection[Any],
    serving: Generation,
    situation: Situation,
    scratch: Scratch,
) -> tuple[Situation, Ranking]:
    """Look farther and farther until there are twice as many candidates as are shown."""
    query, around = situation.query, situation.around
    ranking = ranking_of(serving, situation, scratch)
    while (
        around.here is not None
        and around.radius_m < query.widest_m
        and not ranking.has_at_venues(2 * query.n)
    ):
        radius_m = min(around.radius_m * _WIDENING, query.widest_m)
        around = look_around(connection, serving, around.here, around.source, radius_m)
        situation = replace(situation, around=around)
        ranking = ranking_of(serving, situation, scratch)
    return situation, ranking


def _live_slate(
    connection: psycopg.Connection[Any], ranking: Ranking, situation: Situation
) -> list[Pick]:
    """Choose, read back, and choose again without what is gone, until all chosen are live."""
    query = situation.query
    shortlist = Shortlist(ranking, query.n)
    live: dict[int, LiveOffer] = {}
    gone: set[int] = set()
    while True:
        chosen = shortlist.choose(query.n, gone)
        spare = shortlist.choose(query.n + _SPARE, gone)
        offer_id = shortlist.scored.candidates.offer_id
        wanted = [int(offer_id[row]) for row in dict.fromkeys(chosen + spare)]
        unread = [offer for offer in wanted if offer not in live]
        if not set(wanted[: len(chosen)]) & set(unread):
            return _picks(ranking, shortlist.scored, chosen, live)
        found = read_offers(connection, unread, query, situation.state.credit)
        live |= {offer: shown for offer, shown in found.items() if shown.sessions}
        gone.update(offer for offer in unread if offer not in live)


def _picks(
    ranking: Ranking, scored: Scored, rows: list[int], live: Mapping[int, LiveOffer]
) -> list[Pick]:
    liked = ranking.taste.is_liked(scored.said[rows])
    offers = scored.candidates.offer_id[rows].tolist()
    return [
        picked(scored, row, live[offer], is_liked=bool(is_liked))
        for row, offer, is_liked in zip(rows, offers, liked, strict=True)
    ]
