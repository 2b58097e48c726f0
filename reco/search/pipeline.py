"""A search, from a query to an answer: the whole pipeline on one screen."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import psycopg

from reco.catalogue.snapshot import Catalogue
from reco.core.accents import require_known
from reco.core.deposits import Cap
from reco.feed.answer import Session
from reco.feed.readback import LiveOffer, read_live
from reco.search.answer import MapAnswer, SearchAnswer
from reco.search.area import Opening, area_of, read_opening
from reco.search.clusters import clusters_of
from reco.search.cursor import START, Position, read_cursor
from reco.search.present import LivePage, present
from reco.search.query import SearchFilters, SearchQuery
from reco.search.scan import (
    Page,
    Scratches,
    Searched,
    offers_by_venue,
    search_rows,
)
from reco.search.text import TextMatches, read_matches

_SPARE = 10
"""Rows read back beyond the page once something was gone: what else is gone is replaced at once."""
_MOST_TURNS = 6
"""After so many a page ends before the first row that is gone, and tells so.

The first reads the page back; each later one a page, some to spare and as many as were gone before
it: where all are gone, twice as many as the last.
"""

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Sources:
    """Where a search reads from."""

    near: Callable[[Callable[[Connection], Any]], Any]
    """Calls what it is given with a connection that may be a moment behind."""
    primary: Callable[[], AbstractContextManager[Connection]]
    """Lends a connection that sees all that is committed."""


class Searcher:
    """Searches catalogues; keeps memory and what is derived from the newest of them."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._scratches = Scratches()
        self._lock = threading.Lock()
        self._opening: Opening | None = None

    def search(
        self, sources: Sources, catalogue: Catalogue, query: SearchQuery, cursor: str | None = None
    ) -> SearchAnswer:
        """Return the page of `query` that `cursor` leads to, or its first one.

        Raises
        ------
        InvalidInput
            A category or subcategory that this world does not have; a cursor that was not made
            here, was changed, or belongs to another question.
        """
        position = read_cursor(cursor, query, self._secret) if cursor is not None else START
        searched = self._searched(sources, catalogue, query, position)
        with sources.primary() as connection:
            page = self._live_page(connection, searched, position)
        return present(searched, position, page, self._secret)

    def clusters(
        self, sources: Sources, catalogue: Catalogue, query: SearchQuery, zoom: int
    ) -> MapAnswer:
        """Return the clusters of what matches `query`, which has a box, on a map of `zoom`.

        Raises
        ------
        InvalidInput
            A category or subcategory that this world does not have; more clusters than are drawn.
        """
        searched = self._searched(sources, catalogue, query, START)
        offers = offers_by_venue(self._scratches, searched)
        return clusters_of(sources.near, searched, offers, zoom)

    def _searched(
        self, sources: Sources, catalogue: Catalogue, query: SearchQuery, position: Position
    ) -> Searched:
        asked = query.filters
        categories, subcategories = catalogue.categories.values(), catalogue.subcategories.values()
        filters = replace(
            asked,
            categories=tuple(
                require_known("category", name, categories) for name in asked.categories
            ),
            subcategories=tuple(
                require_known("subcategory", name, subcategories) for name in asked.subcategories
            ),
        )
        query = replace(query, filters=filters)
        opening = self._hours(sources, catalogue) if filters.open_now else None
        matches = _matches(sources, filters, position)
        return Searched(catalogue, query, area_of(catalogue, query, opening), matches)

    def _live_page(
        self, connection: Connection, searched: Searched, position: Position
    ) -> LivePage:
        """Find, read back, and find again without what is gone, until the page is live.

        An item whose best offer is gone comes back at its next one, where that belongs. Where too
        much is gone the page is cut: it goes on after the first row that is.
        """
        query = searched.query
        live: dict[int, LiveOffer] = {}
        page = Page(position.key, position.shown, np.empty(0, np.int64), query.n + 1)
        turns = 0
        while True:
            scanned = search_rows(self._scratches, searched, page)
            rows = scanned.rows[: query.n]
            read = scanned.rows if turns else rows
            unread = [row.offer_id for row in read if row.offer_id not in live]
            found = _read(connection, searched, unread)
            live |= found
            turns += 1
            lost = next((at for at, row in enumerate(rows) if row.offer_id not in live), None)
            if lost is None:
                key = rows[-1].key if rows else position.key
                # What was booked while a page was cut has moved before it: one more look.
                looks_back = "popularity" in query.sort and bool(position.key)
                goes_on = len(scanned.rows) > query.n or looks_back
                return LivePage(scanned, rows, live, key, goes_on=goes_on, is_cut=False)
            if turns == _MOST_TURNS:
                key = rows[lost].key
                return LivePage(scanned, rows[:lost], live, key, goes_on=True, is_cut=True)
            gone = [offer for offer in unread if offer not in found]
            hidden = np.append(page.gone, np.array(gone, dtype=np.int64))
            page = replace(page, gone=hidden, rows=query.n + _SPARE + len(hidden))

    def _hours(self, sources: Sources, catalogue: Catalogue) -> Opening:
        with self._lock:
            # Whatever changes of a venue makes them new ones.
            if self._opening is None or self._opening.venues is not catalogue.venues:
                # What is remembered must not be of a moment before it.
                with sources.primary() as connection:
                    self._opening = read_opening(connection, catalogue.venues)
            return self._opening


def _matches(sources: Sources, filters: SearchFilters, position: Position) -> TextMatches | None:
    text = filters.text
    if text is None:
        return None
    found: TextMatches = sources.near(
        lambda connection: read_matches(connection, text, with_similar=position.with_similar)
    )
    return found


def _read(connection: Connection, searched: Searched, offers: list[int]) -> dict[int, LiveOffer]:
    """Return those of `offers` that can be booked as asked, with the sessions that can."""
    query, cards = searched.query, searched.catalogue.cards
    filters = query.filters

    def is_asked(session: Session, cap: Cap) -> bool:
        del cap
        if filters.is_duo and session.left == 1:
            return False
        is_priced = filters.min_price_cents <= session.price_cents <= filters.max_price_cents
        starts = session.starts_at
        if starts is None or not filters.has_window:
            return is_priced and (not filters.has_window or filters.with_undated)
        after = filters.starts_from is None or starts >= filters.starts_from
        return (
            is_priced
            and after
            and (filters.starts_before is None or starts < filters.starts_before)
        )

    if not offers:
        return {}
    return {
        offer: live
        for offer, live in read_live(connection, cards, offers, query.now, is_asked).items()
        if live.sessions and _passes(live, filters)
    }


def _passes(live: LiveOffer, filters: SearchFilters) -> bool:
    """Say whether an offer, whatever its sessions, is as asked now."""
    return (
        (not filters.categories or live.category in filters.categories)
        and (not filters.subcategories or live.subcategory in filters.subcategories)
        and filters.is_duo in {None, live.is_duo}
        and filters.is_digital in {None, live.is_digital}
    )
