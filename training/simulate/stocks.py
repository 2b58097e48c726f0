"""Stocks: the sessions of dated offers, the single undated stock of the others."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reco.frames.tables import frame_table
from training.simulate.calendar import DAY_S, NEVER, Seconds, paris_to_utc, timestamps
from training.simulate.identifiers import identifiers
from training.simulate.items import Items
from training.simulate.offers import Offers
from training.simulate.programme import Programme
from training.simulate.setting import Setting

UNLIMITED = np.int64(1) << np.int64(30)
"""A quantity above all bookings."""


@dataclass(frozen=True)
class Stocks:
    """Arrays of one length, ordered by offer, then by start and thus by limit."""

    offer: NDArray[np.int64]
    starts_s: Seconds
    """`NEVER`: undated."""
    ends_s: Seconds
    limit_s: Seconds
    """Last moment to book; the start where nothing else is said, `NEVER` where undated."""
    cancelled_s: Seconds
    quantity: NDArray[np.int64]
    offer_start: NDArray[np.int64]
    """(offers + 1,) first stock of each offer."""

    def __len__(self) -> int:
        return len(self.offer)

    def open_until_s(self) -> Seconds:
        """Return until when each offer has a stock to book, (offers,)."""
        return np.asarray(np.maximum.reduceat(self.limit_s, self.offer_start[:-1]))


def make_stocks(offers: Offers, items: Items, setting: Setting) -> Stocks:
    """Draw the sessions, in local evenings and weekends, and their quantities."""
    generator, programme = setting.streams.of("stocks"), setting.programme
    subcategory = items.subcategory[offers.item].astype(np.int64)
    offer, starts_s = _sessions(generator, offers, subcategory, setting)
    kind = subcategory[offer]
    dated = starts_s < NEVER
    duration_s = 60 * np.array([s.duration_min for s in programme.subcategories])[kind]
    # One rule an offer, so that limits come in the order of the sessions.
    parameters = setting.parameters
    lead_s = generator.choice(
        parameters.booking_limit_s, size=len(offers), p=parameters.booking_limit_shares
    )[offer]
    limit_s = np.where(dated, np.maximum(starts_s - lead_s, offers.published_s[offer]), NEVER)
    counts = np.bincount(offer, minlength=len(offers))
    return Stocks(
        offer,
        starts_s,
        np.where(dated, starts_s + duration_s, NEVER),
        limit_s,
        _cancelled(generator, offers.published_s[offer], starts_s, setting),
        _quantities(generator, kind, dated, setting),
        np.concatenate([[0], np.cumsum(counts)]),
    )


def stocks_frame(stocks: Stocks, offers: Offers) -> pa.Table:
    """Return the frame `stocks`."""
    limit_s = np.where(stocks.limit_s == stocks.starts_s, NEVER, stocks.limit_s)
    unlimited = stocks.quantity == UNLIMITED
    columns = {
        "stock_id": identifiers("s", np.arange(len(stocks))),
        "offer_id": identifiers("o", stocks.offer),
        "price_eur": offers.price_cents[stocks.offer] / 100,
        "starts_at": timestamps(stocks.starts_s),
        "ends_at": timestamps(stocks.ends_s),
        "quantity": pa.array(stocks.quantity.astype(np.int32), mask=unlimited),
        "booking_limit_at": timestamps(limit_s),
        "created_at": timestamps(offers.published_s[stocks.offer]),
        "cancelled_at": timestamps(stocks.cancelled_s),
    }
    return frame_table("stocks", columns)


def _sessions(
    generator: np.random.Generator,
    offers: Offers,
    subcategory: NDArray[np.int64],
    setting: Setting,
) -> tuple[NDArray[np.int64], Seconds]:
    """Return (offer, start) of every stock, without two of one offer at one time, ordered."""
    rows = setting.programme.subcategories
    mean = np.array([s.sessions for s in rows])[subcategory]
    dated = np.array([s.is_event for s in rows])[subcategory]
    number = 1 + np.where(dated, generator.poisson(np.maximum(mean - 1, 0)), 0)
    offer = np.repeat(np.arange(len(offers)), number)
    first = np.concatenate([[True], offer[1:] != offer[:-1]])
    kind = subcategory[offer]
    run_days = np.array([s.run_days for s in rows])[kind]
    day = offers.run_day[offer] + np.where(
        first, 0, np.floor(generator.random(len(offer)) * run_days)
    ).astype(np.int64)
    weekend = generator.random(len(offer)) < np.array([s.weekend_share for s in rows])[kind]
    day = np.where(weekend, _moved_to_weekend(generator, day), day)
    starts_s = paris_to_utc(day * DAY_S + 60 * _minutes(generator, kind, setting.programme))
    starts_s = np.where(dated[offer], starts_s, NEVER)
    keep = first | (day < setting.calendar.last_day)
    order = np.lexsort((starts_s[keep], offer[keep]))
    offer, starts_s = offer[keep][order], starts_s[keep][order]
    once = np.concatenate([[True], (offer[1:] != offer[:-1]) | (starts_s[1:] != starts_s[:-1])])
    return offer[once], starts_s[once]


def _moved_to_weekend(generator: np.random.Generator, day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move each day on to the coming Saturday or Sunday; 1970-01-01 was a Thursday."""
    weekday = (day + 3) % 7
    chosen = 5 + generator.integers(2, size=len(day))
    return np.where(weekday >= 5, day, day + chosen - weekday)


def _minutes(
    generator: np.random.Generator, kind: NDArray[np.int64], programme: Programme
) -> NDArray[np.int64]:
    hours = [s.hours or (0,) for s in programme.subcategories]
    start = np.concatenate([[0], np.cumsum([len(choices) for choices in hours])])
    chosen = np.floor(generator.random(len(kind)) * np.diff(start)[kind]).astype(np.int64)
    return np.concatenate([np.array(choices) for choices in hours])[start[kind] + chosen]


def _cancelled(
    generator: np.random.Generator,
    published_s: Seconds,
    starts_s: Seconds,
    setting: Setting,
) -> Seconds:
    """Return when sessions were cancelled: between publication and the start, and before now."""
    dated = starts_s < NEVER
    chosen = dated & (generator.random(len(starts_s)) < setting.parameters.cancelled_share)
    latest_s = np.minimum(starts_s, setting.calendar.now_s)
    at_s = published_s + generator.random(len(starts_s)) * np.maximum(latest_s - published_s, 0)
    return np.where(chosen, at_s.astype(np.int64), NEVER)


def _quantities(
    generator: np.random.Generator,
    kind: NDArray[np.int64],
    dated: NDArray[np.bool_],
    setting: Setting,
) -> NDArray[np.int64]:
    """Return quantities around the subcategory's usual one."""
    usual = np.array([s.quantity or 0 for s in setting.programme.subcategories])[kind]
    listed = generator.random(len(kind)) < setting.parameters.limited_share
    limited = (usual > 0) & (dated | listed)
    drawn = np.ceil(
        usual * generator.lognormal(0.0, setting.parameters.quantity_sigma, len(kind))
    ).astype(np.int64)
    return np.where(limited, np.maximum(drawn, 1), UNLIMITED)
