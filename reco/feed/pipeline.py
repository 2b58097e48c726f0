"""A feed, from a query to an answer: the whole pipeline on one screen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg

from reco.core.accents import require_known
from reco.feed.choosing import Chooser, aim_of
from reco.feed.exploring import explored
from reco.feed.generation import Generation
from reco.feed.picks import Live, picks_of
from reco.feed.planning import planned
from reco.feed.present import Feed, present
from reco.feed.query import FeedQuery
from reco.feed.ranking import Ranking, ranking_of
from reco.feed.readback import LiveOffer, read_offers
from reco.feed.situation import Situation, read_situation
from reco.feed.surroundings import Surroundings, look_around
from reco.feed.workspace import Scratch
from reco.geo.points import Point

Look = Callable[[Point, str, float], Surroundings]
"""Where somebody is, what says so, and how far to look -> what is around."""

Connection = psycopg.Connection[Any]
Around = tuple[Situation, Ranking]
Reads = Callable[[Callable[[Connection], Around]], Around]
"""Calls what it is given with a connection that knows all of what the user has done."""

ReadBack = Callable[[Sequence[int]], Mapping[int, LiveOffer]]
"""Ids of offers -> those that can be booked as was asked, with their sessions."""

_WIDENING = 2.0
_MOST_PLANS = 8
"""After so many turns a plan shows what fits: on a full evening everything else may collide."""
_MOST_LOSSES = 8
"""After so many turns that found something gone a slate shows what is left of it, and tells so.

A provider may withdraw more than a catalogue follows before it is built anew: all that is chosen
until then may be gone, however often.
"""


def feed(
    connection: Connection,
    serving: Generation,
    query: FeedQuery,
    secret: str,
    *,
    reads: Reads | None = None,
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
    reads
        Whence the user and the surroundings are read, if not over `connection`; what is shown is
        read back over `connection`.

    Raises
    ------
    InvalidInput
        A category that this world does not have.
    """
    query = _of_known_categories(serving, query)
    with serving.workspace.scratches.lent(len(serving.catalogue.items)) as scratch:
        read = partial(_ranked, serving, query, scratch)
        situation, ranking = reads(read) if reads else read(connection)
        live = settled(ranking, situation, partial(_read_back, connection, serving, situation))
    return present(serving, situation, live, secret)


def _of_known_categories(serving: Generation, query: FeedQuery) -> FeedQuery:
    """Return the query with categories as they are known, or raise `InvalidInput`."""
    asked, known = query.filters.categories, serving.catalogue.categories.values()
    if not asked:
        return query
    categories = tuple(require_known("category", name, known) for name in asked)
    return replace(query, filters=replace(query.filters, categories=categories))


def _ranked(
    serving: Generation, query: FeedQuery, scratch: Scratch, connection: Connection
) -> Around:
    situation = read_situation(connection, serving, query)
    return ranked_around(serving, situation, scratch, partial(look_around, connection, serving))


def ranked_around(
    serving: Generation, situation: Situation, scratch: Scratch, look: Look
) -> tuple[Situation, Ranking]:
    """Rank what is around, looking farther until there is twice as much as is shown."""
    return ranked_farther(situation, look, lambda there: ranking_of(serving, there, scratch))


def ranked_farther(
    situation: Situation, look: Look, rank: Callable[[Situation], Ranking]
) -> tuple[Situation, Ranking]:
    """Do the same for whoever ranks in their own way."""
    query, around = situation.query, situation.around
    ranking = rank(situation)
    while (
        around.here is not None
        and around.radius_m < query.widest_m
        and not ranking.has_at_venues(2 * query.n)
    ):
        radius_m = min(around.radius_m * _WIDENING, query.widest_m)
        around = look(around.here, around.source, radius_m)
        situation = replace(situation, around=around)
        ranking = rank(situation)
    return situation, ranking


def _read_back(
    connection: Connection,
    serving: Generation,
    situation: Situation,
    offers: Sequence[int],
) -> dict[int, LiveOffer]:
    query, credit = situation.query, situation.state.credit
    found = read_offers(connection, serving.catalogue.cards, offers, query, credit)
    return {offer: shown for offer, shown in found.items() if shown.sessions}


def settled(ranking: Ranking, situation: Situation, read_back: ReadBack) -> Live:
    """Choose, read back, and choose again without what is gone, until all chosen are live.

    Where that takes too many turns, the slate is cut: what is live of the last choice.
    """
    query, chooser = situation.query, Chooser(ranking, situation)
    live: dict[int, LiveOffer] = {}
    gone: set[int] = set()
    colliding: set[int] = set()
    losses = plans = 0

    def read(offers: Sequence[int]) -> None:
        live.update(read_back(offers))

    def is_live(offer: int) -> bool:
        read([offer])
        return offer in live

    choice = chooser.choose(gone)
    while True:
        unread = [offer for offer in choice.offer_ids if offer not in live]
        if unread:
            read(unread)
        lost = {offer for offer in unread if offer not in live}
        losses += bool(lost)
        is_cut = losses == _MOST_LOSSES
        if is_cut:
            choice, lost = choice.without(lost, aim_of(query)), set()
        late: set[int] = set()
        if query.plan and not lost:
            kept, late = planned([live[offer] for offer in choice.offer_ids])
            if late and (is_cut or plans == _MOST_PLANS):
                choice, late = choice.without(late, aim_of(query)), set()
            live |= {offer.id: offer for offer in kept if not late}
            plans += 1
        if not lost and not late:
            break
        gone |= lost
        colliding |= late
        choice = chooser.choose(gone, colliding)
    shown = explored(choice, ranking.sweep.catalogue, query, is_live)
    picks = picks_of(ranking.taste, situation, shown.choice, live)
    return Live(shown.choice, picks, shown.propensities, ranking.sweep.budget, is_cut=is_cut)
