"""Offers: which venue offers which work, since when, until when, at what price."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reco.frames.tables import frame_table
from training.simulate.calendar import DAY_S, NEVER, Seconds, timestamps
from training.simulate.identifiers import identifiers
from training.simulate.items import Items, offers_per_subcategory
from training.simulate.programme import Programme, Subcategory
from training.simulate.randomness import draw_in_segments, running_sum, triangular
from training.simulate.setting import Setting
from training.simulate.venues import Venues

NOWHERE = -1
"""The venue of a digital offer."""

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
_ROUNDS = 30


@dataclass(frozen=True)
class Weighted:
    """Rows of works or of venues, and how readily each is drawn."""

    row: NDArray[np.int64]
    weight: NDArray[np.float64]


@dataclass(frozen=True)
class Offers:
    """Arrays of one length, in order of publication."""

    item: NDArray[np.int64]
    venue: NDArray[np.int64]
    """`NOWHERE`: digital."""
    run_day: NDArray[np.int64]
    """First local day of a dated run."""
    published_s: Seconds
    withdrawn_s: Seconds
    price_cents: NDArray[np.int64]
    is_duo: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.item)


def make_offers(items: Items, venues: Venues, setting: Setting) -> Offers:
    """Draw the offers: every work somewhere, and more where it is popular."""
    generator, programme = setting.streams.of("offers"), setting.programme
    counts = offers_per_subcategory(programme, setting.scale.offers)
    pairs = [
        _pairs(generator, int(count), _stocked(row, items, setting), _places(s, venues, programme))
        for row, (count, s) in enumerate(zip(counts, programme.subcategories, strict=True))
    ]
    item = np.concatenate([pair[0] for pair in pairs])
    venue = np.concatenate([pair[1] for pair in pairs])
    run_day, published_s = _published(generator, items, item, setting)
    withdrawn_s = _withdrawn(generator, published_s, setting)
    price_cents = _prices(generator, items, item, setting)
    duo_share = np.array([s.duo_share for s in programme.subcategories])
    is_duo = generator.random(len(item)) < duo_share[items.subcategory[item]]
    order = np.argsort(published_s, kind="stable")
    return Offers(
        item[order],
        venue[order],
        run_day[order],
        published_s[order],
        withdrawn_s[order],
        price_cents[order],
        is_duo[order],
    )


def offers_frame(offers: Offers) -> pa.Table:
    """Return the frame `offers`."""
    rows = np.arange(len(offers))
    venue_ids = pa.array(offers.venue, mask=offers.venue == NOWHERE)
    known = identifiers("v", np.arange(max(int(offers.venue.max()) + 1, 1)))
    columns = {
        "offer_id": identifiers("o", rows),
        "item_id": identifiers("i", offers.item),
        "venue_id": known.take(venue_ids),
        "is_duo": offers.is_duo,
        "published_at": timestamps(offers.published_s),
        "withdrawn_at": timestamps(offers.withdrawn_s),
    }
    return frame_table("offers", columns)


def _pairs(generator: np.random.Generator, count: int, works: Weighted, places: Weighted) -> Pairs:
    """Return `count` distinct (work, venue) of a subcategory; fewer where there are no more."""
    stocked, sized = running_sum(works.weight), running_sum(places.weight)
    width = len(places.row)
    keys = np.arange(len(works.row)) * width + _draw(generator, sized, len(works.row))
    keys = keys[:count]
    for _ in range(_ROUNDS):
        if (missing := count - len(keys)) == 0:
            break
        work, place = (_draw(generator, weights, 2 * missing) for weights in (stocked, sized))
        fresh = np.concatenate([keys, work * width + place])
        _, position = np.unique(fresh, return_index=True)
        keys = fresh[np.sort(position)][:count]
    return works.row[keys // width], places.row[keys % width]


def _stocked(row: int, items: Items, setting: Setting) -> Weighted:
    works = np.flatnonzero(items.subcategory == row)
    return Weighted(works, items.quality[works] ** setting.parameters.stocking_exponent)


def _places(subcategory: Subcategory, venues: Venues, programme: Programme) -> Weighted:
    if subcategory.is_digital:
        return Weighted(np.array([NOWHERE]), np.ones(1))
    names = np.array([kind.name for kind in programme.venue_types])
    suitable = np.isin(names, subcategory.venue_types)
    places = np.flatnonzero(suitable[venues.venue_type])
    return Weighted(places, venues.size[places])


def _draw(
    generator: np.random.Generator, cumulative: NDArray[np.float64], count: int
) -> NDArray[np.int64]:
    start = np.zeros(count, dtype=np.int64)
    end = np.full(count, len(cumulative) - 1)
    return draw_in_segments(generator.random(count), cumulative, start, end)


def _published(
    generator: np.random.Generator, items: Items, item: NDArray[np.int64], setting: Setting
) -> tuple[NDArray[np.int64], Seconds]:
    """Return the first day of each run and the moment of publication, before it and before now."""
    calendar, parameters, count = setting.calendar, setting.parameters, len(item)
    subcategories = setting.programme.subcategories
    is_event = np.array([s.is_event for s in subcategories])[items.subcategory[item]]
    tour = generator.normal(0, parameters.tour_days, count)
    # Weekend sessions move up to six days on: the agenda's last week is free of first days.
    last_day = calendar.last_day - 8
    run_day = np.clip(items.release_day[item] + tour, calendar.first_day, last_day)
    low, mode, high = (np.full(count, days) for days in parameters.lead_days)
    lead = triangular(generator, low, mode, high)
    delay = generator.exponential(parameters.stocking_days, count)
    days = np.where(is_event, np.floor(run_day) - lead, items.release_day[item] + delay)
    latest_s = calendar.now_s - 60 - generator.random(count) * 7 * DAY_S
    return run_day.astype(np.int64), np.minimum(days * DAY_S, latest_s).astype(np.int64)


def _withdrawn(generator: np.random.Generator, published_s: Seconds, setting: Setting) -> Seconds:
    uniform, chosen = generator.random((2, len(published_s)))
    from_s = np.maximum(published_s, setting.calendar.start_s)
    at_s = from_s + uniform * (setting.calendar.now_s - from_s)
    return np.where(chosen < setting.parameters.withdrawn_share, at_s.astype(np.int64), NEVER)


def _prices(
    generator: np.random.Generator, items: Items, item: NDArray[np.int64], setting: Setting
) -> NDArray[np.int64]:
    """Return prices in cents: books cost the same everywhere, by law; the rest varies a little."""
    rows, subcategory = setting.programme.subcategories, items.subcategory[item]
    is_book = np.array([s.genre_set == "livre" for s in rows])[subcategory]
    free_share = np.array([s.free_share for s in rows])[subcategory]
    spread = setting.parameters.price_spread
    local_eur = items.price_eur[item] * generator.uniform(1 - spread, 1 + spread, len(item))
    book_eur = np.floor(items.price_eur[item]) + 0.9
    price_eur = np.where(is_book, book_eur, np.round(local_eur * 2) / 2)
    price_eur[generator.random(len(item)) < free_share] = 0.0
    limited_eur = np.minimum(price_eur, setting.parameters.max_price_eur)
    return np.round(limited_eur * 100).astype(np.int64)
