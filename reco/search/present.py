"""From what was found to the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reco.feed.present import venue_shown
from reco.feed.readback import LiveOffer
from reco.search.answer import Place, SearchAnswer, SearchItem, TextFound
from reco.search.cursor import MAX_SHOWN, Position, write_cursor
from reco.search.facets import facets_of
from reco.search.query import SearchQuery
from reco.search.scan import Row, Scanned, Searched
from reco.search.text import TextMatches


@dataclass(frozen=True)
class LivePage:
    """What a page shows, read back: all of it can be booked."""

    scanned: Scanned
    rows: Sequence[Row]
    live: Mapping[int, LiveOffer]
    """By id; of `rows` all, and others."""
    key: tuple[int, ...]
    """Where the page ends: of its last row, or of one after it that is gone."""
    goes_on: bool
    """Whether there is more after it."""
    is_cut: bool
    """Whether it ends early, since too much was gone: then there may be more."""


def present(searched: Searched, position: Position, page: LivePage, secret: str) -> SearchAnswer:
    """Return the answer; `secret` signs the cursor."""
    query, filters, matches = searched.query, searched.query.filters, searched.matches
    scanned, rows, live = page.scanned, page.rows, page.live
    ended = _ended(searched, position, page)
    is_deep = len(ended.shown) >= MAX_SHOWN
    holds = {
        "text_is_cut": matches is not None and matches.is_cut,
        "similar_titles": matches is not None and matches.with_similar,
        "deeper_rows_are_not_shown": page.goes_on and is_deep,
        "cut_short": page.is_cut,
        "nothing_found": not rows and position.is_start and not page.is_cut,
    }
    return SearchAnswer(
        now=query.now,
        catalogue_version=searched.catalogue.version,
        sort=(*query.sort, "offer_id"),
        group=query.group,
        location=Place(query.here.lat, query.here.lon) if query.here else None,
        radius_m=query.radius_m,
        bbox=_bbox(query),
        starts_from=filters.starts_from,
        starts_before=filters.starts_before,
        total_items=scanned.total_items,
        total_offers=scanned.total_offers,
        items=tuple(_item(row, live[row.offer_id]) for row in rows),
        facets=facets_of(searched.catalogue, query, scanned.counts) if query.with_facets else None,
        text=_text(matches),
        open_now=searched.area.open_now,
        next_cursor=write_cursor(ended, query, secret) if page.goes_on and not is_deep else None,
        notes=tuple(code for code, is_so in holds.items() if is_so),
    )


def _ended(searched: Searched, position: Position, page: LivePage) -> Position:
    """Return where a page ends."""
    by_item = searched.query.group == "item"
    ids = [row.item_id if by_item else row.offer_id for row in page.rows]
    # What is booked meanwhile moves up: no key tells whether it was shown. A page that was cut
    # would lead to what is gone again.
    moves = "popularity" in searched.query.sort and not page.is_cut
    return Position(
        key=() if moves else page.key,
        shown=np.append(position.shown, np.array(ids, dtype=np.int64)),
        with_similar=searched.matches.with_similar if searched.matches else False,
    )


def _item(row: Row, live: LiveOffer) -> SearchItem:
    return SearchItem(
        offer_id=live.offer_id,
        item_id=live.item_id,
        title=live.title,
        category=live.category,
        subcategory=live.subcategory,
        image_url=live.image_url,
        is_digital=live.is_digital,
        is_duo=live.is_duo,
        venue=venue_shown(live),
        distance_m=row.distance_m,
        sessions=live.sessions,
        sessions_total=live.sessions_total,
    )


def _bbox(query: SearchQuery) -> tuple[float, float, float, float] | None:
    box = query.box
    return (box.west, box.south, box.east, box.north) if box else None


def _text(matches: TextMatches | None) -> TextFound | None:
    if matches is None:
        return None
    return TextFound(
        items=len(matches.item_id),
        is_cut=matches.is_cut,
        similar=matches.with_similar,
        venues=len(matches.venue_id),
    )
