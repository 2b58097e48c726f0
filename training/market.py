"""What could be booked at a moment of the past, around a person and within their means."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.credit import UNLIMITED_BUDGET, Budget, budget_of, expected_bookings
from features.interactions import Events
from features.pairs import DAY_US
from reco.catalogue.venues import Venues
from reco.db.arrays import FOREVER_US, NEVER_US
from reco.frames.schema import Frames
from reco.geo.points import Point
from reco.geo.reach import within
from training.columns import cents, coarse_degrees, rows_in, times_us

MARKET_FRAMES = ("items", "venues", "offers", "stocks", "users", "bookings")
"""The frames that a market is made of."""

_RECENT_US = 28 * DAY_US
"""How old a booking may be to be called recent, as in the catalogue."""


@dataclass(frozen=True)
class Market:
    """I items as O offers at V venues or online, S stocks, and what U people did and had.

    Rows are those of the sorted ids, of users and items as in the events. Times are int64
    microseconds since 1970 UTC. Seats, and the caps of kinds of goods, are not replayed.
    """

    events: Events
    venues: Venues
    offer_item: NDArray[np.int64]
    """(O,)"""
    offer_group: NDArray[np.int64]
    """(O,) row of the venue, V where digital."""
    group_start: NDArray[np.int64]
    """(V + 2,) bounds of each group's stocks."""
    stock_offer: NDArray[np.int64]
    """(S,) by group, then by offer."""
    opens_us: NDArray[np.int64]
    closes_us: NDArray[np.int64]
    offer_closes_us: NDArray[np.int64]
    """(O,) when the last of its stocks closes: a catalogue holds it until then."""
    starts_us: NDArray[np.int64]
    """(S,) `FOREVER_US` where undated."""
    price_cents: NDArray[np.int32]
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
    """Running sums over all people, from 0."""
    paid: NDArray[np.int64]
    """Running counts of the bookings that cost anything, likewise."""
    booked_at_us: NDArray[np.int64]
    """Times of the bookings that stand, ascending."""
    booked_offer: NDArray[np.int64]

    @property
    def is_online(self) -> NDArray[np.bool_]:
        """(O,) offers without a venue."""
        return np.asarray(self.offer_group == len(self.venues))

    def recent_bookings(self, at_us: int) -> NDArray[np.int64]:
        """Return the bookings (O,) in the 28 days before a moment of each offer that goes on."""
        first, last = np.searchsorted(self.booked_at_us, [at_us - _RECENT_US, at_us])
        bookings = np.bincount(self.booked_offer[first:last], minlength=len(self.offer_item))
        return np.where(self.offer_closes_us > at_us, bookings, 0)

    def left_cents(self, user: int, at_us: int) -> int:
        """Return what is left of a person's credit at a moment."""
        if self.credit_cents[user] == FOREVER_US:
            return int(FOREVER_US)
        if self.granted_us[user] > at_us:
            return 0
        first, before = self._bookings_before(user, at_us)
        spent = self.spent_cents[before] - self.spent_cents[first]
        return max(0, int(self.credit_cents[user] - spent))

    def budget(self, user: int, at_us: int) -> Budget:
        """Return what a person could afford a booking at a moment; no cap is known."""
        if self.credit_cents[user] == FOREVER_US or self.granted_us[user] > at_us:
            return UNLIMITED_BUDGET
        first, before = self._bookings_before(user, at_us)
        made = np.zeros(len(UNLIMITED_BUDGET.fair_cents), dtype=np.int64)
        made[0] = self.paid[before] - self.paid[first]
        # What was never granted or never ends is too far away for whole numbers.
        since_days = (float(at_us) - float(self.granted_us[user])) / DAY_US
        left_days = (float(self.expires_us[user]) - float(at_us)) / DAY_US
        expected = expected_bookings(made, since_days, left_days)
        left_cents = float(self.left_cents(user, at_us))
        return budget_of(left_cents, UNLIMITED_BUDGET.fair_cents, expected)

    def _bookings_before(self, user: int, at_us: int) -> tuple[int, int]:
        """Return the bounds of a person's bookings before a moment, in the running sums."""
        first, last = self.spent_start[user], self.spent_start[user + 1]
        before = first + np.searchsorted(self.spent_at_us[first:last], at_us)
        return int(first), int(before)

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
        length = self.group_start[groups + 1] - self.group_start[groups]
        first = np.repeat(self.group_start[groups] - np.cumsum(length) + length, length)
        return first + np.arange(len(first)), np.repeat(away_m, length)


def market_of(frames: Frames, events: Events) -> Market:
    """Return the market that `MARKET_FRAMES` and the events of the same world tell of.

    Users and items that the events do not know are left out.
    """
    offers, venues = frames["offers"].sort_by("offer_id"), frames["venues"].sort_by("venue_id")
    offer_group = rows_in(offers["venue_id"], venues["venue_id"], len(venues))
    offer_item = rows_in(offers["item_id"], _names(events.items), -1)
    stocks = frames["stocks"]
    offer = rows_in(stocks["offer_id"], offers["offer_id"], 0)
    is_known = offer_item[offer] >= 0
    stocks, offer = stocks.filter(pa.array(is_known)), offer[is_known]
    order = np.lexsort((offer, offer_group[offer]))
    stocks, offer = stocks.take(pa.array(order)), offer[order]
    opens_us, closes_us = _open_between(stocks, offers.take(pa.array(offer)))
    offer_closes_us = np.full(len(offers), NEVER_US)
    np.maximum.at(offer_closes_us, offer, closes_us)
    return Market(
        events=events,
        venues=_venues(venues),
        offer_item=np.maximum(offer_item, 0),
        offer_group=offer_group,
        group_start=np.searchsorted(offer_group[offer], np.arange(len(venues) + 2)),
        stock_offer=offer,
        opens_us=opens_us,
        closes_us=closes_us,
        offer_closes_us=offer_closes_us,
        starts_us=times_us(stocks["starts_at"], FOREVER_US),
        price_cents=cents(stocks["price_eur"]).astype(np.int32),
        **_people(frames, _names(events.users), stocks["stock_id"], offer),
    )


def _people(
    frames: Frames, known: pa.Array, stock_id: pa.ChunkedArray, stock_offer: NDArray[np.int64]
) -> dict[str, Any]:
    users = frames["users"].take(pc.index_in(known, frames["users"]["user_id"].combine_chunks()))
    degrees = [users[name].to_numpy().astype(np.float64) for name in ("lon", "lat")]
    user, at_us, amount, stock = np.empty((4, 0), dtype=np.int64)
    if "bookings" in frames:
        table = frames["bookings"].filter(frames["bookings"]["cancelled_at"].is_null())
        user, stock = rows_in(table["user_id"], known, -1), rows_in(table["stock_id"], stock_id, -1)
        is_known = (user >= 0) & (stock >= 0)
        table, user, stock = table.filter(pa.array(is_known)), user[is_known], stock[is_known]
        at_us, amount = times_us(table["booked_at"], NEVER_US), cents(table["amount_eur"])
    by_person, by_time = np.lexsort((at_us, user)), np.argsort(at_us, kind="stable")
    is_unlimited = users["credit_eur"].is_null().to_numpy()
    return {
        # As coarse as the homes that a feed sees (`reco.geo.points.Point.rounded`).
        "home": coarse_degrees(np.stack(degrees, axis=1)),
        "credit_cents": np.where(is_unlimited, FOREVER_US, cents(users["credit_eur"])),
        "granted_us": times_us(users["credit_granted_at"], NEVER_US),
        "expires_us": times_us(users["credit_expires_at"], FOREVER_US),
        "spent_start": np.searchsorted(user[by_person], np.arange(len(users) + 1)),
        "spent_at_us": at_us[by_person],
        "spent_cents": np.append(0, np.cumsum(amount[by_person])),
        "paid": np.append(0, np.cumsum(amount[by_person] > 0)),
        "booked_at_us": at_us[by_time],
        "booked_offer": stock_offer[stock[by_time]],
    }


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
