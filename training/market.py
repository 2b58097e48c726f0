"""What could be booked at a moment of the past, around a person and within their means."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.affinity import Kinds
from features.clock import week_hours
from features.credit import UNLIMITED_BUDGET, Budget, budget_of, expected_bookings
from features.interactions import Events
from features.pairs import DAY_US
from reco.catalogue.caps import cap_codes
from reco.catalogue.rows import ragged_rows
from reco.catalogue.shelf import CAPS
from reco.catalogue.venues import Venues
from reco.db.arrays import FOREVER_US, NEVER_US
from reco.frames.schema import Frames
from reco.geo.points import Point
from reco.geo.reach import within
from training.columns import cents, coarse_degrees, rows_in, times_us
from training.replay.catalogues import RECENT_US
from training.replay.reading import CAPS_CENTS, categories_of, taxonomy_of, works_of
from training.split import naive_utc
from training.standing import standing
from training.told_bookings import told_bookings


@dataclass(frozen=True)
class Market:
    """I items as O offers at V venues or online, S stocks, and what U people did and had.

    Rows are those of the sorted ids, of users and items as in the events; offers stand by group.
    Times are int64 microseconds since 1970 UTC. Seats are not replayed.
    """

    events: Events
    people: int
    """Whose bookings count: who had joined by the cutoff."""
    venues: Venues
    kinds: Kinds
    """Of the items."""
    kind_sizes: tuple[int, int, int]
    """How many codes each of `features.affinity.KINDS` has."""
    offer_item: NDArray[np.int64]
    """(O,)"""
    offer_group: NDArray[np.int64]
    """(O,) row of the venue, V where digital; ascending."""
    offer_start: NDArray[np.int64]
    """(O + 1,) bounds of each offer's stocks."""
    group_start: NDArray[np.int64]
    """(V + 2,) bounds of each group's stocks."""
    stock_offer: NDArray[np.int64]
    """(S,) ascending."""
    created_us: NDArray[np.int64]
    """(S,) a catalogue holds it from then on; `NEVER_US` where unknown."""
    opens_us: NDArray[np.int64]
    closes_us: NDArray[np.int64]
    starts_us: NDArray[np.int64]
    """(S,) `FOREVER_US` where undated."""
    week_hour: NDArray[np.int16]
    """(S,) at which it begins where it takes place (`features.clock`)."""
    price_cents: NDArray[np.int32]
    stock_cap: NDArray[np.int8]
    """(S,) index in `CAPS`."""
    home: NDArray[np.float64]
    """(U, 2) longitude and latitude on the grid of 100 m, NaN unknown."""
    credit_cents: NDArray[np.int64]
    """(U,) granted; `FOREVER_US`: unlimited."""
    granted_us: NDArray[np.int64]
    expires_us: NDArray[np.int64]
    """`FOREVER_US`: never."""
    spent_start: NDArray[np.int64]
    """(U + 1,) bounds of each person's bookings, by time, in the next."""
    spent_at_us: NDArray[np.int64]
    spent_cents: NDArray[np.int64]
    """(N + 1, 3) running sums over all people by what was counted against, from 0."""
    paid: NDArray[np.int64]
    """(N + 1, 3) running counts of the bookings that cost anything, likewise."""
    booked_at_us: NDArray[np.int64]
    """Times of the bookings that stand, and of those told as interactions, ascending;
    `NEVER_US` where unknown."""
    booked_offer: NDArray[np.int64]

    @property
    def is_online(self) -> NDArray[np.bool_]:
        """(O,) offers without a venue."""
        return np.asarray(self.offer_group == len(self.venues))

    def recent_bookings(self, at_us: int) -> NDArray[np.int64]:
        """Return the bookings (O,) in the 28 days before a moment of each offer on record then.

        Those without a time are always among them, as in a catalogue.
        """
        first, last = np.searchsorted(self.booked_at_us, [at_us - RECENT_US, at_us])
        timed = np.searchsorted(self.booked_at_us, NEVER_US, side="right")
        bookings = np.bincount(self.booked_offer[first:last], minlength=len(self.offer_item))
        if timed:
            bookings += np.bincount(self.booked_offer[:timed], minlength=len(bookings))
        booked = np.flatnonzero(bookings)
        stocks, owner = ragged_rows(self.offer_start, booked)
        held = np.zeros_like(bookings)
        kept = booked[owner[self.is_held(stocks, at_us)]]
        held[kept] = bookings[kept]
        return held

    def is_held(self, stocks: NDArray[np.int64], at_us: int) -> NDArray[np.bool_]:
        """Return which of some stocks a catalogue of a moment held: made by then, not yet over."""
        held = (self.created_us[stocks] <= at_us) & (self.closes_us[stocks] > at_us)
        return np.asarray(held)

    def left_cents(self, user: int, at_us: int) -> NDArray[np.int64]:
        """Return what a person could pay for a stock at a moment, (3,) by its cap."""
        credit_cents = self.credit_cents[user]
        if credit_cents == FOREVER_US:
            return np.full(len(CAPS), FOREVER_US)
        if self.granted_us[user] > at_us or self.expires_us[user] <= at_us:
            return np.zeros(len(CAPS), dtype=np.int64)
        spent = self._since_grant(self.spent_cents, user, at_us)
        left = np.minimum(credit_cents - spent.sum(), _caps_cents() - spent)
        return np.asarray(np.maximum(left, 0), dtype=np.int64)

    def budget(self, user: int, at_us: int) -> Budget:
        """Return what a person could afford a booking at a moment."""
        if self.credit_cents[user] == FOREVER_US or self.granted_us[user] > at_us:
            return UNLIMITED_BUDGET
        # What was never granted or never ends is too far away for whole numbers.
        since_days = (float(at_us) - float(self.granted_us[user])) / DAY_US
        left_days = (float(self.expires_us[user]) - float(at_us)) / DAY_US
        paid = self._since_grant(self.paid, user, at_us)
        by_cap = self.left_cents(user, at_us).astype(np.float64)
        # What counts against no cap may take all.
        return budget_of(by_cap[0], by_cap, expected_bookings(paid, since_days, left_days))

    def _since_grant(self, running: NDArray[np.int64], user: int, at_us: int) -> NDArray[np.int64]:
        """Return the sums (3,) over a person's bookings from the grant to before a moment after."""
        first, last = self.spent_start[user], self.spent_start[user + 1]
        span = [self.granted_us[user], at_us]
        begin, end = first + np.searchsorted(self.spent_at_us[first:last], span)
        return np.asarray(running[end] - running[begin])

    def until(self, end: np.datetime64 | None) -> "Market":
        """Return the market without what was done from `end` on."""
        if end is None:
            return self
        end_us = int(end.astype("datetime64[us]").astype(np.int64))
        booked = np.searchsorted(self.booked_at_us, end_us)
        return replace(
            self,
            events=self.events.take(self.events.at < end),
            booked_at_us=self.booked_at_us[:booked],
            booked_offer=self.booked_offer[:booked],
        )

    def around(
        self, home: NDArray[np.float64], radius_m: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the stocks at venues within reach and online, and their distances, NaN online."""
        rows, distance_m = np.empty(0, np.int32), np.empty(0)
        if not np.isnan(home).any():
            here = Point(float(home[0]), float(home[1]))
            rows, distance_m = within(self.venues, self.venues.all_rows, here, radius_m)
        groups, away_m = np.append(rows, len(self.venues)), np.append(distance_m, np.nan)
        stocks, owner = ragged_rows(self.group_start, groups)
        return stocks, away_m[owner]


def market_of(
    frames: Frames,
    events: Events,
    cutoff: datetime | None = None,
    *,
    people: int | None = None,
) -> Market:
    """Return the market that frames and the events of the same world tell of.

    Users and items that the events do not know are left out.

    Parameters
    ----------
    cutoff
        With a zone: what stands is told as it was known there (`training.standing`). None: today.
    people
        That had joined by then, which frames do not say. None: all of the events.
    """
    events = events.standing(naive_utc(cutoff) if cutoff else None)
    offers, venues = frames["offers"].sort_by("offer_id"), frames["venues"].sort_by("venue_id")
    offer_group = rows_in(offers["venue_id"], venues["venue_id"], len(venues))
    by_group = np.argsort(offer_group, kind="stable")
    offers, offer_group = offers.take(pa.array(by_group)), offer_group[by_group]
    offer_item = rows_in(offers["item_id"], _names(events.items), -1)
    stocks = frames["stocks"]
    offer = rows_in(stocks["offer_id"], offers["offer_id"], 0)
    is_known = offer_item[offer] >= 0
    stocks, offer = stocks.filter(pa.array(is_known)), offer[is_known]
    order = np.argsort(offer, kind="stable")
    stocks, offer = stocks.take(pa.array(order)), offer[order]
    opens_us, closes_us = _open_between(stocks, offers.take(pa.array(offer)))
    stock_cap = _stock_caps(frames, offers.take(pa.array(offer)), stocks)
    kinds, kind_sizes = _kinds(frames, _names(events.items))
    users, starts_us = _names(events.users), times_us(stocks["starts_at"], FOREVER_US)
    return Market(
        events=events,
        people=len(events.users) if people is None else people,
        venues=_venues(venues),
        kinds=kinds,
        kind_sizes=kind_sizes,
        offer_item=np.maximum(offer_item, 0),
        offer_group=offer_group,
        offer_start=np.searchsorted(offer, np.arange(len(offers) + 1)),
        group_start=np.searchsorted(offer_group[offer], np.arange(len(venues) + 2)),
        stock_offer=offer,
        created_us=times_us(stocks["created_at"], NEVER_US),
        opens_us=opens_us,
        closes_us=closes_us,
        starts_us=starts_us,
        week_hour=week_hours(starts_us, venues["timezone"].to_pylist(), offer_group[offer]),
        price_cents=cents(stocks["price_eur"]).astype(np.int32),
        stock_cap=stock_cap,
        **_people(
            frames,
            users,
            stocks["stock_id"],
            offer,
            stock_cap,
            told=told_bookings(frames["interactions"], users, offers["offer_id"]),
            cutoff=cutoff,
        ),
    )


def _kinds(frames: Frames, known: pa.Array) -> tuple[Kinds, tuple[int, int, int]]:
    """Return the kinds of the items that are `known`, and how many codes there are of each."""
    items = frames["items"].take(pc.index_in(known, frames["items"]["item_id"].combine_chunks()))
    categories, taxonomy = categories_of(items), _taxonomy(frames)
    works, genres = works_of(items, categories, taxonomy)
    return works.kinds, (len(categories) + 1, len(taxonomy[0]) + 1, len(genres) + 1)


def _taxonomy(frames: Frames) -> tuple[dict[int, str], NDArray[np.int8]]:
    def pieces(name: str) -> Iterator[pa.Table]:
        return iter([frames[name]] if name in frames else [])

    return taxonomy_of(pieces, frames["items"])


def _stock_caps(frames: Frames, offers: pa.Table, stocks: pa.Table) -> NDArray[np.int8]:
    """Return what each stock, of the offer beside it, counts against."""
    items = frames["items"]
    names, flags = _taxonomy(frames)
    subcategory = rows_in(items["subcategory"], pa.array(names.values(), pa.string()), -1) + 1
    row = rows_in(offers["item_id"], items["item_id"], 0)
    is_dated, has_venue = (
        table[name].is_valid().to_numpy()
        for table, name in ((stocks, "starts_at"), (offers, "venue_id"))
    )
    return cap_codes(flags[subcategory[row]], is_dated, has_venue)


def _people(
    frames: Frames,
    known: pa.Array,
    stock_id: pa.ChunkedArray,
    stock_offer: NDArray[np.int64],
    stock_cap: NDArray[np.int8],
    *,
    told: tuple[NDArray[np.int64], NDArray[np.int64]],
    cutoff: datetime | None,
) -> dict[str, Any]:
    users = frames["users"].take(pc.index_in(known, frames["users"]["user_id"].combine_chunks()))
    degrees = [users[name].to_numpy().astype(np.float64) for name in ("lon", "lat")]
    user, at_us, amount, stock = np.empty((4, 0), dtype=np.int64)
    if "bookings" in frames:
        table = standing(frames["bookings"], cutoff)
        user, stock = rows_in(table["user_id"], known, -1), rows_in(table["stock_id"], stock_id, -1)
        is_known = (user >= 0) & (stock >= 0)
        table, user, stock = table.filter(pa.array(is_known)), user[is_known], stock[is_known]
        at_us, amount = times_us(table["booked_at"], NEVER_US), cents(table["amount_eur"])
    by_person = np.lexsort((at_us, user))
    booked_at_us, booked_offer = np.append(at_us, told[0]), np.append(stock_offer[stock], told[1])
    by_time = np.argsort(booked_at_us, kind="stable")
    cap = stock_cap[stock]
    is_unlimited = users["credit_eur"].is_null().to_numpy()
    return {
        # As coarse as the homes that a feed sees (`reco.geo.points.Point.rounded`).
        "home": coarse_degrees(np.stack(degrees, axis=1)),
        "credit_cents": np.where(is_unlimited, FOREVER_US, cents(users["credit_eur"])),
        "granted_us": times_us(users["credit_granted_at"], NEVER_US),
        "expires_us": times_us(users["credit_expires_at"], FOREVER_US),
        "spent_start": np.searchsorted(user[by_person], np.arange(len(users) + 1)),
        "spent_at_us": at_us[by_person],
        "spent_cents": _running(amount[by_person], cap[by_person]),
        "paid": _running((amount[by_person] > 0).astype(np.int64), cap[by_person]),
        "booked_at_us": booked_at_us[by_time],
        "booked_offer": booked_offer[by_time],
    }


def _running(figure: NDArray[np.int64], cap: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return running sums by cap, (N + 1, 3)."""
    table = np.zeros((len(figure) + 1, len(CAPS)), dtype=np.int64)
    table[np.arange(1, len(figure) + 1), cap] = figure
    return np.cumsum(table, axis=0)


def _caps_cents() -> NDArray[np.int64]:
    """Return what may go to what counts against each of `CAPS`, of which frames say nothing."""
    digital, physical, _ = CAPS_CENTS
    return np.array([FOREVER_US, digital, physical])


def _open_between(
    stocks: pa.Table, offers: pa.Table
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    opens_us = np.maximum(
        times_us(offers["published_at"], NEVER_US), times_us(stocks["created_at"], NEVER_US)
    )
    closes_us = times_us(offers["withdrawn_at"], FOREVER_US)
    for name in ("starts_at", "booking_limit_at", "cancelled_at"):
        closes_us = np.minimum(closes_us, times_us(stocks[name], FOREVER_US))
    return opens_us, closes_us


def _venues(venues: pa.Table) -> Venues:
    return Venues.of(
        np.arange(len(venues), dtype=np.int64),
        venues["lon"].to_numpy().astype(np.float64),
        venues["lat"].to_numpy().astype(np.float64),
        np.zeros(len(venues), dtype=np.int16),
        np.array([name.encode() for name in venues["venue_id"].to_pylist()], dtype=np.bytes_),
    )


def _names(ids: NDArray[np.bytes_]) -> pa.Array:
    return pa.array([name.decode() for name in ids.tolist()], pa.string())
