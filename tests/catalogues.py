"""Random catalogues and requests for property tests, and the slow truth about them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from reco.catalogue.snapshot import Catalogue
from reco.db.arrays import FOREVER_US, NEVER_US
from reco.feed.candidates import micros

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOW_US = micros(NOW)
HOUR_US = 3_600_000_000
STARTS_US = [FOREVER_US, *(NOW_US + hours * HOUR_US for hours in (1, 30, 200))]
CATEGORIES = {1: "LIVRE", 2: "CINEMA", 3: "SPECTACLE"}


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


def catalogue_of(rows):
    """Return the catalogue that holds `rows`."""
    big = np.iinfo(np.int64).max
    rows = sorted(rows, key=lambda r: (r.venue or big, r.offer, r.starts_us))
    offers = list(dict.fromkeys((row.venue, row.offer, row.item) for row in rows))
    venues = sorted({venue for venue, _, _ in offers if venue})
    items = sorted({item for _, _, item in offers})
    groups = [*venues, None]
    sizes = [sum(venue == group for venue, _, _ in offers) for group in groups]
    counts = [sum(row.offer == offer for row in rows) for _, offer, _ in offers]
    return Catalogue(
        version="test",
        at=NOW - timedelta(hours=1),
        categories=CATEGORIES,
        subcategories={},
        users=10,
        seen_before_xid=0,
        venue_id=np.array(venues, dtype=np.int64),
        offer_start=np.append(0, np.cumsum(sizes)).astype(np.int64),
        offer_id=np.array([offer for _, offer, _ in offers], dtype=np.int64),
        offer_item=np.array([items.index(item) for _, _, item in offers], dtype=np.int32),
        offer_bookings=np.arange(len(offers), dtype=np.int32),
        stock_start=np.append(0, np.cumsum(counts)).astype(np.int64),
        stock_id=np.arange(len(rows)),
        stock_price_cents=np.array([row.price_cents for row in rows], dtype=np.int32),
        stock_starts_us=np.array([row.starts_us for row in rows], dtype=np.int64),
        stock_opens_us=np.array([row.opens_us for row in rows], dtype=np.int64),
        stock_closes_us=np.array([row.closes_us for row in rows], dtype=np.int64),
        item_id=np.array(items, dtype=np.int64),
        item_external_id=np.array([f"i{item}".encode() for item in items], dtype=np.bytes_),
        item_category=np.array([item % 3 + 1 for item in items], dtype=np.int16),
        item_subcategory=np.array([item % 3 for item in items], dtype=np.int16),
        item_is_digital=np.array([item == 5 for item in items], dtype=bool),
        item_is_physical=np.array([item == 1 for item in items], dtype=bool),
    )
