"""Random catalogues and requests for property tests, and the slow truth about them."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from features.clock import week_hours
from reco.array_folder import MANIFEST
from reco.catalogue.seen import Seen
from reco.catalogue.shelf import CAPS, ONLINE, StockRows
from reco.catalogue.snapshot import MOST_GENRES, Catalogue, Items
from reco.catalogue.venues import Venues
from reco.db.arrays import FOREVER_US, NEVER_US, micros
from reco.feed.candidates import sweep_of
from reco.feed.workspace import Scratch

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOW_US = micros(NOW)
AT = NOW - timedelta(hours=1)
"""When the catalogues were read."""
HOUR_US = 3_600_000_000
STARTS_US = [FOREVER_US, *(NOW_US + hours * HOUR_US for hours in (1, 30, 200))]
HERE = (5.0, 45.0)
PLACES = {10: (5.004, 45.0), 20: (5.05, 45.0), 30: (5.0, 45.36)}
"""(lon, lat) of the venues: 300 m, 4 km and 40 km from `HERE`."""
ZONES = {10: None, 20: "Indian/Reunion", 30: "America/Cayenne"}
CATEGORIES = {1: "LIVRE", 2: "CINEMA", 3: "SPECTACLE"}
SUBCATEGORIES = {1: "LIVRE_PAPIER", 2: "SEANCE_CINE"}
GENRES = ("manga", "drama")
VENUE_TYPES = ("bookshop", "cinema")


@dataclass(frozen=True)
class Stock:
    """One stock, as a row: what the arrays say, spelled out."""

    venue: int | None
    offer: int
    item: int
    price_cents: int
    starts_us: int
    opens_us: int
    closes_us: int


@st.composite
def stocks(draw):
    """Return up to 25 stocks of up to 8 offers (of 5 items, at 3 venues or digital)."""
    offers = draw(
        st.lists(
            st.tuples(st.sampled_from([10, 20, 30, None]), st.integers(1, 5)),
            min_size=1,
            max_size=8,
        )
    )
    rows = []
    for offer, (venue, item) in enumerate(offers, start=100):
        for _ in range(draw(st.integers(1, 4))):
            starts = draw(
                st.sampled_from([FOREVER_US, *(NOW_US + h * HOUR_US for h in (1, 30, 200))])
            )
            opens = draw(st.sampled_from([NEVER_US, NOW_US - HOUR_US, NOW_US, NOW_US + HOUR_US]))
            closes = draw(st.sampled_from([starts, NOW_US, NOW_US + HOUR_US]))
            price = draw(st.sampled_from([0, 500, 1_200, 30_000]))
            rows.append(Stock(venue, offer, item, price, starts, opens, min(starts, closes)))
    return rows


def cap_of(row):
    """Return what a row counts against: item 4 is an event, 5 digital, 1 physical."""
    if row.item == 4:
        return "none"
    if row.item == 5 or row.venue is None:
        return "digital"
    return "physical" if row.item == 1 else "none"


def venues_of(rows):
    """Return the venues of `rows`, at their places."""
    ids = sorted({row.venue for row in rows if row.venue})
    lon, lat = np.array([PLACES[venue] for venue in ids], dtype=np.float64).reshape(-1, 2).T
    return Venues.by_place(
        ids=np.array(ids, dtype=np.int64),
        lon=lon,
        lat=lat,
        types=np.array([venue // 10 % 3 for venue in ids], dtype=np.int16),
        external_ids=np.array([f"v{venue}".encode() for venue in ids], dtype=np.bytes_),
    )


def shelf_of(rows, items, venues):
    """Return the shelf that holds `rows`; `items` are the ids by row."""
    rows = sorted(rows, key=lambda r: (r.venue or ONLINE, r.offer, r.starts_us))
    zones = list(ZONES)

    def column(values, dtype):
        return np.array(list(values), dtype=dtype)

    return StockRows(
        venue=column((row.venue or ONLINE for row in rows), np.int64),
        offer=column((row.offer for row in rows), np.int64),
        item=column((items.index(row.item) for row in rows), np.int32),
        bookings=column((row.offer % 7 for row in rows), np.int32),
        is_duo=column((row.offer % 2 == 0 for row in rows), bool),
        stock=np.arange(len(rows)),
        price_cents=column((row.price_cents for row in rows), np.int32),
        starts=column((row.starts_us for row in rows), np.int64),
        opens=column((row.opens_us for row in rows), np.int64),
        closes=column((row.closes_us for row in rows), np.int64),
        cap=column((CAPS.index(cap_of(row)) for row in rows), np.int8),
        week_hour=week_hours(
            column((row.starts_us for row in rows), np.int64),
            list(ZONES.values()),
            column((zones.index(row.venue) if row.venue else 3 for row in rows), np.int64),
        ),
    ).shelf(venues, micros(AT))


def items_of(ids):
    """Return the columns of items."""
    return Items(
        item_id=np.array(ids, dtype=np.int64),
        item_external_id=np.array([f"i{item}".encode() for item in ids], dtype=np.bytes_),
        item_category=np.array([item % 3 + 1 for item in ids], dtype=np.int16),
        item_subcategory=np.array([item % 3 for item in ids], dtype=np.int16),
        item_is_digital=np.array([item == 5 for item in ids], dtype=bool),
        item_genres=np.array(
            [[item % 3] + [0] * (MOST_GENRES - 1) for item in ids], dtype=np.int16
        ).reshape(-1, MOST_GENRES),
    )


def catalogue_of(rows, changed=(), fresh=()):
    """Return the catalogue of which the base holds `rows`.

    Offers of the ids `changed` are struck from it; `fresh` stands beside it.
    """
    known = sorted({row.item for row in rows})
    later = sorted({row.item for row in fresh} - set(known), reverse=True)
    venues = venues_of([*rows, *fresh])
    base = shelf_of(rows, known, venues)
    built = Catalogue.of(
        version="test",
        at=AT,
        seen=Seen("1/1", "3:3:"),
        categories=CATEGORIES,
        subcategories=SUBCATEGORIES,
        genres=GENRES,
        venue_types=VENUE_TYPES,
        users=10,
        items=items_of(known),
        venues=venues,
        base=base,
    )
    beside = shelf_of(fresh, known + later, venues)
    replaced = np.isin(base.offer_id, np.array(changed, dtype=np.int64))
    return replace(
        built,
        items=items_of(known + later),
        replaced=replaced,
        fresh=beside,
        bookings=base.bookings(np.flatnonzero(~replaced)) + beside.bookings(),
    )


def swept(serving, situation):
    """Sweep with a room of its own, so that one result outlives another."""
    return swept_at(serving.catalogue, situation, serving.costs)


def swept_at(catalogue, situation, costs):
    """Do the same at given costs."""
    room = Scratch.for_items(len(catalogue.items))
    return sweep_of(catalogue, situation, room, costs)


def of_schema_5(folder):
    """Make a snapshot what it was before genres and venue types were known."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["schema_version"] = 5
    for fact in ("genres", "venue_types"):
        del manifest["facts"][fact]
    for name in ("item_genres", "venue_type", "venue_external_id", "venue_by_external_id"):
        del manifest["arrays"][name]
        (folder / f"{name}.npy").unlink()
    path.write_text(json.dumps(manifest))
