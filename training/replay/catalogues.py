"""The catalogue of a past moment: what could be booked then, as a worker would have had it."""

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from features.clock import week_hours
from features.interactions import BOOKING
from reco.catalogue.caps import cap_codes
from reco.catalogue.seen import Seen
from reco.catalogue.shelf import ONLINE, RECENT, StockRows
from reco.catalogue.snapshot import Catalogue
from reco.db.arrays import FOREVER_US, NEVER_US, micros
from training.replay.past import UNLIMITED_PLACES, Offers, Past, Stocks

RECENT_US = RECENT // timedelta(microseconds=1)
_NOT_READ = Seen("", "0:0:")


def catalogue_at(past: Past, at: datetime) -> Catalogue:
    """Return the catalogue as of `at`, of what was on record then (`build_catalogue`, from arrays).

    Items, offers and venues keep the ids of the past; their rows change from moment to moment.
    """
    at_us = micros(at)
    stocks, offers = past.stocks_at(at_us), past.offers_at(at_us)
    closes_us = _closes(stocks, offers)
    there = (closes_us > at_us) & (stocks.created_us <= at_us)
    there &= stocks.places > places_taken(past, at_us)
    rows = np.flatnonzero(there)
    work = np.unique(offers.item[stocks.offer[rows]])
    items = past.items.take(_mask(work, len(past.items)))
    place = np.full(len(past.items), -1, dtype=np.int32)
    place[work] = np.arange(len(work))
    on_shelf = _stock_rows(past, stocks, offers, rows, item_place=place, at_us=at_us)
    return Catalogue.of(
        version=f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        at=at,
        seen=_NOT_READ,
        categories=past.categories,
        subcategories=past.subcategories,
        genres=past.genres,
        venue_types=past.venue_types,
        users=past.population_at(at_us),
        items=items,
        venues=past.venues,
        base=on_shelf.shelf(past.venues, at_us),
    )


def _closes(stocks: Stocks, offers: Offers) -> NDArray[np.int64]:
    earliest = np.minimum(stocks.starts_us, stocks.limit_us)
    np.minimum(earliest, stocks.cancelled_us, out=earliest)
    return np.minimum(earliest, offers.withdrawn_us[stocks.offer])


def places_taken(past: Past, at_us: int) -> NDArray[np.int64]:
    """Return the places taken of each stock; 0 where nobody counts them."""
    taken = np.zeros(len(past.stocks.offer), dtype=np.int64)
    is_limited = past.stocks.places < UNLIMITED_PLACES
    for bookings in (past.bookings, past.unnamed):
        stand = bookings.stand(at_us) & is_limited[bookings.stock]
        np.add.at(taken, bookings.stock[stand], bookings.quantity[stand])
    return taken


def recent_bookings(past: Past, at_us: int) -> NDArray[np.int32]:
    """Return the bookings (O,) of each offer in the 28 days before, and those without a time."""
    deeds, count = past.deeds, len(past.offers.item)
    of_offer = np.zeros(count, dtype=np.int64)
    for bookings in (past.bookings, past.unnamed):
        recent = bookings.stand(at_us) & (bookings.at_us > at_us - RECENT_US)
        of_offer += np.bincount(past.stocks.offer[bookings.stock[recent]], minlength=count)
    told = (deeds.kind == BOOKING) & (deeds.at_us <= at_us)
    told &= (deeds.at_us > at_us - RECENT_US) | (deeds.at_us == NEVER_US)
    return (of_offer + np.bincount(deeds.offer[told], minlength=count)).astype(np.int32)


def _stock_rows(
    past: Past,
    stocks: Stocks,
    offers: Offers,
    rows: NDArray[np.int64],
    *,
    item_place: NDArray[np.int32],
    at_us: int,
) -> StockRows:
    offer = stocks.offer[rows]
    order = np.lexsort((rows, stocks.starts_us[rows], offer, offers.venue[offer]))
    rows, offer = rows[order], offer[order]
    venue, item, starts = offers.venue[offer], offers.item[offer], stocks.starts_us[rows]
    return StockRows(
        venue=venue,
        offer=offer.astype(np.int64) + 1,
        item=item_place[item],
        bookings=recent_bookings(past, at_us)[offer],
        is_duo=offers.is_duo[offer],
        stock=rows + 1,
        price_cents=stocks.price_cents[rows],
        starts=starts,
        opens=np.maximum(offers.published_us[offer], stocks.created_us[rows]),
        closes=_closes(stocks, offers)[rows],
        cap=cap_codes(
            past.flags[past.items.item_subcategory[item]], starts < FOREVER_US, venue != ONLINE
        ),
        week_hour=week_hours(starts, past.venue_zones, venue - 1),
    )


def _mask(rows: NDArray[np.integer], count: int) -> NDArray[np.bool_]:
    mask = np.zeros(count, dtype=bool)
    mask[rows] = True
    return mask
