"""What a partner's rows must be, and what is odd about them, on plain objects."""

from datetime import datetime
from math import cos, hypot, radians

from reco.core.backoffice.country import is_within
from reco.core.backoffice.rows import Fault, OfferRow, StockRow, VenueRow, WorkRow
from reco.core.backoffice.taxonomy import Nature, Taxonomy
from reco.core.booking_rules import euros

_SAME_PLACE_DEG = 1_000 / 111_200
"""A venue may be put right by a kilometre without a word."""


def venue_errors(row: VenueRow) -> list[Fault]:
    """Return what is wrong with a venue."""
    errors = []
    if not -90 <= row.lat <= 90:
        hint = "; lat and lon look swapped" if is_within(row.lon, row.lat) else ""
        errors.append(Fault("lat", f"{row.lat} is outside -90 to 90 degrees{hint}"))
    if not -180 <= row.lon <= 180:
        errors.append(Fault("lon", f"{row.lon} is outside -180 to 180 degrees"))
    return errors


def venue_warnings(row: VenueRow) -> list[Fault]:
    """Return what is odd about a venue."""
    if is_within(row.lat, row.lon):
        return []
    hint = "; lat and lon look swapped" if is_within(row.lon, row.lat) else ""
    return [Fault("lat", f"({row.lat}, {row.lon}) lies outside France{hint}")]


def moved_warnings(row: VenueRow, before: VenueRow) -> list[Fault]:
    """Return what is odd about a change of a venue."""
    north, east = row.lat - before.lat, (row.lon - before.lon) * cos(radians(row.lat))
    if hypot(north, east) <= _SAME_PLACE_DEG:
        return []
    detail = "it lies more than 1 km from where it was; tell the people who booked there"
    return [Fault("lat", detail)]


def work_errors(work: WorkRow, taxonomy: Taxonomy) -> list[Fault]:
    """Return what is wrong with a work."""
    known = taxonomy.categories.get(work.category)
    if known is None:
        accepted = tuple(taxonomy.categories)
        return [Fault("item.category", f"{work.category!r} is unknown", accepted)]
    if work.subcategory is not None and work.subcategory not in known:
        detail = f"{work.subcategory!r} is no subcategory of {work.category}"
        return [Fault("item.subcategory", detail, tuple(known))]
    return []


def offer_warnings(row: OfferRow, nature: Nature) -> list[Fault]:
    """Return what is odd about an offer of a work of that nature."""
    if row.venue_id is None and nature.is_digital is False and not nature.is_event:
        return [Fault("venue_id", "is missing: the offer counts as digital")]
    return []


def time_warnings(row: OfferRow, stocks: int, *, is_dated: bool) -> list[Fault]:
    """Return what is odd about an offer with so many stocks that wrongly have a date, or none."""
    if stocks == 0:
        return []
    has, should = ("a date", "goods have none") if is_dated else ("no date", "an event has one")
    some = f"1 stock has {has}" if stocks == 1 else f"{stocks} stocks have {has}"
    name = "item.subcategory" if row.work else "item_id"
    return [Fault(name, f"{some}, and {should}: cancel and make another")]


def stock_errors(
    row: StockRow, before: StockRow | None, nature: Nature, limit_cents: int | None, now: datetime
) -> list[Fault]:
    """Return what is wrong with a stock, whatever was booked of it.

    Parameters
    ----------
    before
        The stock as it is; None: it is new.
    nature
        Of the offer's work.
    limit_cents
        The most that a booking may cost; None: no limit.
    """
    errors = _price_errors(row, limit_cents)
    errors += _date_errors(row, nature)
    is_moved = before is None or before.starts_at != row.starts_at
    if is_moved and row.starts_at is not None and row.starts_at <= now:
        errors.append(Fault("starts_at", f"{row.starts_at.isoformat()} is past"))
    return errors


def booked_errors(row: StockRow, before: StockRow, booked: int) -> list[Fault]:
    """Return what is wrong with a change of a stock of which `booked` places are booked."""
    if booked == 0:
        return []
    errors = []
    if row.quantity is not None and row.quantity < booked:
        detail = f"{row.quantity} is below the {booked} that are booked already"
        errors.append(Fault("quantity", detail))
    if row.offer_id != before.offer_id:
        detail = f"{_places(booked)}: it cannot go to another offer; cancel it and make another"
        errors.append(Fault("offer_id", detail))
    if (row.starts_at is None) != (before.starts_at is None):
        detail = f"{_places(booked)}: a date can be moved, not added or taken away"
        errors.append(Fault("starts_at", detail))
    return errors


def booked_warnings(row: StockRow, before: StockRow, booked: int) -> list[Fault]:
    """Return what is odd about a change of a stock of which `booked` places are booked."""
    if booked and row.starts_at != before.starts_at:
        detail = f"{_places(booked)} for the time before; tell these people, who may cancel"
        return [Fault("starts_at", detail)]
    return []


def _price_errors(row: StockRow, limit_cents: int | None) -> list[Fault]:
    if row.price_cents < 0:
        return [Fault("price_cents", f"{row.price_cents} is below 0")]
    if limit_cents is not None and row.price_cents > limit_cents:
        over = euros(row.price_cents - limit_cents)
        detail = f"{euros(row.price_cents)} is {over} above the {euros(limit_cents)} of an offer"
        return [Fault("price_cents", detail)]
    return []


def _date_errors(row: StockRow, nature: Nature) -> list[Fault]:
    errors = []
    if nature.is_event and row.starts_at is None:
        errors.append(Fault("starts_at", "is missing: an event has a date"))
    if nature.is_event is False and row.starts_at is not None:
        errors.append(Fault("starts_at", "goods have no date; leave it out"))
    if row.ends_at is not None and row.starts_at is None:
        errors.append(Fault("ends_at", "it ends but does not start"))
    elif row.ends_at is not None and row.starts_at is not None and row.ends_at < row.starts_at:
        errors.append(Fault("ends_at", "it ends before it starts"))
    limit, start = row.booking_limit_at, row.starts_at
    if limit is not None and start is not None and limit > start:
        errors.append(Fault("booking_limit_at", f"is {limit - start} after the start"))
    return errors


def _places(booked: int) -> str:
    return "1 place is booked" if booked == 1 else f"{booked} places are booked"
