"""A search over the catalogue: the kernel, called with what a query asks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.shelf import Shelf
from reco.catalogue.snapshot import Catalogue
from reco.db.arrays import FOREVER_US, NEVER_US, micros
from reco.idle import Idle
from reco.kernel.search import choose, count_offers, scan
from reco.search.area import Area
from reco.search.layout import (
    BITS,
    CATEGORY,
    CATEGORY_BIT,
    DAYS,
    DIGITAL,
    DIGITAL_BIT,
    DUO,
    DUO_BIT,
    FAR,
    MATCH_BIT,
    MOST_STAMPS,
    SHOWN_BIT,
    SORTS,
    SUBCATEGORY,
    SUBCATEGORY_BIT,
    Around,
    Found,
    ItemColumns,
    LabelColumns,
    Scratch,
    ShelfColumns,
    Wanted,
)
from reco.search.query import SearchFilters, SearchQuery
from reco.search.text import TextMatches
from reco.search.windows import day_borders

_KEYS = len(SORTS) + 1
_NO_IDS = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Page:
    """What a search is to look for, page by page."""

    after: tuple[int, ...]
    """Key of the row before; empty: from the beginning."""
    shown: NDArray[np.int64]
    """Ids of the items, or offers, that were shown."""
    gone: NDArray[np.int64]
    """Ids of offers that turned out not to be bookable."""
    rows: int
    """How many to find."""


@dataclass(frozen=True)
class Row:
    """An offer that was found."""

    key: tuple[int, ...]
    offer_id: int
    item_id: int
    distance_m: float | None


@dataclass(frozen=True)
class Counts:
    """Items by value of each facet, as the kernel lays them out."""

    bits: NDArray[np.int64]
    category: NDArray[np.int64]
    """By id."""
    subcategory: NDArray[np.int64]


@dataclass(frozen=True)
class Scanned:
    """What one pass found."""

    rows: tuple[Row, ...]
    """In the order asked for."""
    counts: Counts
    total_items: int
    total_offers: int


class Scratches:
    """Memory for searches, one piece for each that runs at the same time; kept between them."""

    def __init__(self) -> None:
        self._idle = Idle[tuple[Scratch, int]]()

    @contextmanager
    def lent(self, items: int) -> Iterator[tuple[Scratch, int]]:
        """Lend memory for so many items, with a stamp that marks what is of this search."""
        scratch, stamp = self._idle.take() or (_scratch(items), 0)
        if len(scratch.mark) < items:
            scratch, stamp = _scratch(items + items // 8), 0
        elif stamp == MOST_STAMPS:
            scratch, stamp = _scratch(len(scratch.mark)), 0
        yield scratch, stamp + 1
        self._idle.put((scratch, stamp + 1))


def _scratch(items: int) -> Scratch:
    def zeros(dtype: type) -> NDArray[Any]:
        return np.zeros(items, dtype=dtype)

    keys, at = np.zeros(items * _KEYS, np.int64), np.zeros((items, 3), np.int64)
    return Scratch(
        mark=zeros(np.int64),
        slot=zeros(np.int32),
        text_stamp=zeros(np.int64),
        text_rank=zeros(np.int32),
        best_key=keys,
        best_at=at,
    )


@dataclass(frozen=True)
class Searched:
    """A catalogue, and what is looked for in it: the same for all pages and passes."""

    catalogue: Catalogue
    query: SearchQuery
    area: Area
    matches: TextMatches | None


def search_rows(scratches: Scratches, searched: Searched, page: Page) -> Scanned:
    """Return the rows of `page` and the counts of all that matches."""
    catalogue, query, by_item = searched.catalogue, searched.query, searched.query.group == "item"
    size = len(query.sort) + 1
    found = _found(catalogue, page.rows)
    wanted = _wanted(searched, page)
    items = _items(searched)
    shelves = _shelves(searched)
    with scratches.lent(len(catalogue.items)) as (scratch, stamp):
        _mark_text(searched, scratch, stamp)
        if by_item:
            rows = catalogue.item_rows(page.shown)
            scratch.mark[rows[rows >= 0]] = stamp << BITS | 1 << SHOWN_BIT
        for number, (shelf, around) in enumerate(shelves):
            scan(shelf, number, items, wanted, around, scratch, stamp, by_item, found)
        if by_item:
            choose(scratch, size, found)
    return Scanned(
        rows=_rows(searched, shelves, found, size),
        counts=Counts(found.bits, found.category, found.subcategory),
        total_items=int(found.bits[MATCH_BIT]),
        total_offers=int(found.sizes[2]),
    )


def offers_by_venue(scratches: Scratches, searched: Searched) -> NDArray[np.int64]:
    """Return how many offers match at each venue of the area."""
    rows = searched.area.rows
    counts = np.zeros(len(rows), dtype=np.int64)
    wanted = _wanted(searched, Page((), _NO_IDS, _NO_IDS, 0))
    items = _items(searched)
    with scratches.lent(len(searched.catalogue.items)) as (scratch, stamp):
        _mark_text(searched, scratch, stamp)
        for shelf, around in _shelves(searched, with_online=False):
            here = np.zeros(len(around.group), dtype=np.int64)
            count_offers(shelf, items, wanted, around, scratch, stamp, here)
            counts[: len(here)] += here
    return counts


def first_day(query: SearchQuery) -> datetime:
    """Return a moment of the first day that is counted: today, or the first one asked for."""
    return max(query.filters.starts_from or query.now, query.now)


def _found(catalogue: Catalogue, rows: int) -> Found:
    labels = catalogue.items.labels
    return Found(
        bits=np.zeros(BITS, np.int64),
        category=np.zeros(int(labels.category.max(initial=0)) + 1, np.int64),
        subcategory=np.zeros(int(labels.subcategory.max(initial=0)) + 1, np.int64),
        key=np.zeros((rows, _KEYS), np.int64),
        at=np.zeros((rows, 3), np.int64),
        sizes=np.zeros(3, np.int64),
    )


def _chosen(
    names: Mapping[int, str], asked: tuple[str, ...], ids: NDArray[np.int16]
) -> NDArray[np.bool_]:
    """Return which of `ids` are asked for; one without a name was deleted, and nothing has it."""
    wanted = [not asked or names.get(key) in asked for key in ids.tolist()]
    return np.array(wanted, dtype=bool)


def _wanted(searched: Searched, page: Page) -> Wanted:
    query, filters = searched.query, searched.query.filters
    choices = (
        *(filters.has_window, filters.with_undated),
        *(filters.min_price_cents, filters.max_price_cents),
        searched.matches is not None,
    )
    # A catalogue does not say what was open before it was read.
    now = max(query.now, searched.catalogue.at)
    window = (
        micros(now),
        micros(filters.starts_from) if filters.starts_from else NEVER_US,
        micros(filters.starts_before) if filters.starts_before else FOREVER_US,
    )
    hidden = page.gone if query.group == "item" else np.concatenate([page.gone, page.shown])
    return Wanted(
        labels=_labels(searched.catalogue, filters),
        window_us=_integers(window),
        choices=_integers(choices),
        days_us=_integers([micros(at) for at in day_borders(first_day(query), DAYS, query.zone)]),
        sorts=_integers([SORTS.index(name) for name in query.sort]),
        after=_integers(page.after),
        gone=_integers(np.sort(hidden)),
    )


def _labels(catalogue: Catalogue, filters: SearchFilters) -> LabelColumns:
    """Return what is known of an offer by the label of its item, its venue and being duo."""
    labels = catalogue.items.labels
    has_category = _chosen(catalogue.categories, filters.categories, labels.category)
    has_subcategory = _chosen(catalogue.subcategories, filters.subcategories, labels.subcategory)
    is_duo, is_online = np.arange(2), np.arange(2)[:, np.newaxis]
    is_digital = labels.is_digital[:, np.newaxis, np.newaxis] | is_online
    refused = CATEGORY * ~has_category | SUBCATEGORY * ~has_subcategory
    refused = refused[:, np.newaxis, np.newaxis] | np.zeros((2, 2), dtype=np.int64)
    if filters.is_duo is not None:
        refused |= DUO * (is_duo != filters.is_duo)
    if filters.is_digital is not None:
        refused |= DIGITAL * (is_digital != filters.is_digital)
    always = 1 << CATEGORY_BIT | 1 << SUBCATEGORY_BIT | 1 << MATCH_BIT
    facets = always | 1 << DUO_BIT + is_duo | 1 << DIGITAL_BIT + is_digital
    return LabelColumns(
        refused=_integers(refused.ravel()),
        facets=_integers(facets.ravel()),
        category=_read_only(labels.category),
        subcategory=_read_only(labels.subcategory),
    )


def _items(searched: Searched) -> ItemColumns:
    return ItemColumns(
        label=_read_only(searched.catalogue.items.labels.label),
        bookings=_read_only(searched.catalogue.item_bookings),
    )


def _shelves(searched: Searched, *, with_online: bool = True) -> list[tuple[ShelfColumns, Around]]:
    """Return the shelves that hold something, each with the rows to look through."""
    catalogue = searched.catalogue
    nothing = np.empty(0, dtype=bool)
    shelves = [(catalogue.base, catalogue.replaced), (catalogue.fresh, nothing)]
    return [
        (_columns(shelf, replaced), _around(searched, shelf, with_online=with_online))
        for shelf, replaced in shelves
        if len(shelf.offer_id)
    ]


def _columns(shelf: Shelf, replaced: NDArray[np.bool_]) -> ShelfColumns:
    columns = {name: getattr(shelf, name) for name in ShelfColumns._fields if name != "replaced"}
    columns["replaced"] = replaced
    return ShelfColumns(**{name: _read_only(column) for name, column in columns.items()})


def _around(searched: Searched, shelf: Shelf, *, with_online: bool) -> Around:
    area, query, matches = searched.area, searched.query, searched.matches
    # Venues that came after the shelf have nothing on it.
    rows = area.rows[: np.searchsorted(area.rows, shelf.online_row)]
    away_m = np.nan_to_num(area.distance_m[: len(rows)], nan=FAR)
    rank = np.zeros(len(rows), dtype=np.int32)
    if matches is not None:
        venues = searched.catalogue.venues.rows(matches.venue_id)
        rank[np.isin(rows, venues)] = matches.venue_rank
    has_online = with_online and not query.filters.open_now
    if not has_online:
        groups, keys, ranks = rows, np.rint(away_m), rank
    else:
        groups = np.append(rows, shelf.online_row)
        keys, ranks = np.append(np.rint(away_m), FAR), np.append(rank, np.int32(0))
    return Around(
        _read_only(groups.astype(np.int64)),
        _read_only(keys.astype(np.int64)),
        _read_only(ranks),
    )


def _mark_text(searched: Searched, scratch: Scratch, stamp: int) -> None:
    if searched.matches is None:
        return
    rows = searched.catalogue.item_rows(searched.matches.item_id)
    there = rows >= 0
    scratch.text_stamp[rows[there]] = stamp
    scratch.text_rank[rows[there]] = searched.matches.rank[there]


def _rows(
    searched: Searched, shelves: list[tuple[ShelfColumns, Around]], found: Found, size: int
) -> tuple[Row, ...]:
    count = int(found.sizes[0])
    keys, at = found.key[:count, :size], found.at[:count]
    order = np.lexsort(keys.T[::-1])
    item_id = searched.catalogue.items.item_id
    rows = []
    for number in order.tolist():
        shelf, offer, place = at[number].tolist()
        columns, around = shelves[shelf]
        is_online = around.group[place] == len(columns.offer_start) - 2
        away_m = np.nan if is_online else searched.area.distance_m[place]
        rows.append(
            Row(
                key=tuple(keys[number].tolist()),
                offer_id=int(columns.offer_id[offer]),
                item_id=int(item_id[columns.offer_item[offer]]),
                distance_m=None if np.isnan(away_m) else float(away_m),
            )
        )
    return tuple(rows)


def _integers(values: Any) -> NDArray[np.int64]:
    return _read_only(np.array(values, dtype=np.int64))


def _read_only(column: NDArray[Any]) -> NDArray[Any]:
    """Return a column as the kernel takes it: contiguous, and not to be written."""
    view = np.ascontiguousarray(column).view(np.ndarray)[:]
    view.flags.writeable = False
    return view
