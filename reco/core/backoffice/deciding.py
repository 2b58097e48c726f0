"""What becomes of each row of a batch, on plain objects: later rows see what earlier ones did."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from reco.core.backoffice import checks
from reco.core.backoffice.holding import Held, HeldStock, HeldWork, Holding
from reco.core.backoffice.rows import (
    Fault,
    Kind,
    OfferRow,
    Outcome,
    Result,
    Row,
    StockRow,
    VenueRow,
    WorkRow,
    kind_of,
)
from reco.core.backoffice.taxonomy import Nature


def decide_venue(holding: Holding, row: VenueRow) -> Outcome:
    """Take a venue into `holding`, or refuse it."""
    held = holding.venues.get(row.id)
    taken = None if held else holding.taken("venue", row.id)
    if taken:
        return _refused(row, None, [taken])
    warnings = checks.venue_warnings(row)
    if held and held.row == row:
        return _done(row, held.public_id, "unchanged", warnings)
    errors = checks.venue_errors(row)
    if errors:
        return _refused(row, held.public_id if held else None, errors)
    warnings += checks.moved_warnings(row, held.row) if held else []
    public_id = held.public_id if held else holding.partner.public_id(row.id)
    holding.venues[row.id] = Held(held.id if held else None, public_id, row)
    holding.written["venue"][row.id] = None
    return _done(row, public_id, "changed" if held else "created", warnings)


def decide_offer(holding: Holding, row: OfferRow) -> Outcome:
    """Take an offer, and its work where the partner describes it, into `holding`, or refuse it."""
    held = holding.offers.get(row.id)
    taken = None if held else holding.taken("offer", row.id)
    if taken:
        return _refused(row, None, [taken])
    kept = replace(row, item_id=holding.work_id(row), work=None)
    nature = nature_after(holding, row)
    warnings = checks.offer_warnings(row, nature)
    is_new_work = _is_new_work(holding, row)
    if held and held.row == kept and not is_new_work:
        return _done(row, held.public_id, "unchanged", warnings)
    errors = _offer_errors(holding, row, held, nature)
    if errors:
        return _refused(row, held.public_id if held else None, errors)
    warnings += _time_warnings(holding, row, held, nature)
    public_id = held.public_id if held else holding.partner.public_id(row.id)
    if row.work and is_new_work and kept.item_id:
        known = holding.works.get(kept.item_id)
        holding.works[kept.item_id] = HeldWork(known.id if known else None, row.work, nature)
        holding.written["work"][kept.item_id] = None
    if held is None or held.row != kept:
        holding.offers[row.id] = Held(held.id if held else None, public_id, kept)
        holding.written["offer"][row.id] = None
    return _done(row, public_id, "changed" if held else "created", warnings)


def decide_stock(holding: Holding, row: StockRow, now: datetime) -> Outcome:
    """Take a stock into `holding`, or refuse it."""
    held = holding.stocks.get(row.id)
    taken = None if held else holding.taken("stock", row.id)
    if taken:
        return _refused(row, None, [taken])
    if held and held.row == row:
        warnings = [_cancelled(held.cancelled_at)] if held.cancelled_at else []
        return _done(row, held.public_id, "unchanged", warnings)
    errors = _stock_errors(holding, row, held, now)
    if errors:
        return _refused(row, held.public_id if held else None, errors)
    public_id = held.public_id if held else holding.partner.public_id(row.id)
    holding.written["stock"][row.id] = None
    if held is None:
        holding.stocks[row.id] = HeldStock(None, public_id, row)
        return _done(row, public_id, "created", [])
    holding.stocks[row.id] = replace(held, row=row)
    return _done(row, public_id, "changed", checks.booked_warnings(row, held.row, held.booked))


def nature_after(holding: Holding, row: OfferRow) -> Nature:
    """Return the nature of an offer's work once the row is taken."""
    if row.work:
        return holding.taxonomy.nature(row.work.category, row.work.subcategory)
    return holding.nature_of(row)


def changed_natures(holding: Holding, rows: Sequence[Row]) -> tuple[list[int], list[int]]:
    """Return offers and works (database ids): what rows may make others, or of another nature."""
    offers, works = set(), set()
    for row in rows:
        if not isinstance(row, OfferRow):
            continue
        held, nature = holding.offers.get(row.id), nature_after(holding, row)
        if held and held.id and _is_other(holding, held.row, row, nature):
            offers.add(held.id)
        work = holding.works.get(holding.work_id(row) or "")
        if row.work and work and work.id and work.nature != nature:
            works.add(work.id)
    return sorted(offers), sorted(works)


def _is_new_work(holding: Holding, row: OfferRow) -> bool:
    if row.work is None:
        return False
    known = holding.works.get(holding.partner.public_id(row.work.id))
    return known is None or known.row != row.work


def _is_other(holding: Holding, before: OfferRow, after: OfferRow, nature: Nature) -> bool:
    """Say whether an offer would be elsewhere, of another work, or count otherwise than before."""
    was = (holding.nature_of(before), before.venue_id, before.item_id)
    return was != (nature, after.venue_id, holding.work_id(after))


def _offer_errors(
    holding: Holding, row: OfferRow, held: Held[OfferRow] | None, nature: Nature
) -> list[Fault]:
    errors = []
    if row.venue_id is not None and row.venue_id not in holding.venues:
        errors.append(holding.missing("venue", row.venue_id, "venue_id"))
    errors += _work_errors(holding, row, row.work)
    standing = 0 if errors else _standing(holding, row, held, nature)
    if standing:
        detail = (
            f"bookings stand ({standing}) that were of another venue, work or subcategory;"
            " withdraw the offer and make another"
        )
        moves = held is not None and held.row.venue_id != row.venue_id
        errors.append(Fault("venue_id" if moves else "item" if row.work else "item_id", detail))
    return errors


def _standing(holding: Holding, row: OfferRow, held: Held[OfferRow] | None, nature: Nature) -> int:
    """Return how many bookings forbid the change of nature that the row would be."""
    standing = 0
    if held and held.id and _is_other(holding, held.row, row, nature):
        standing = holding.standing.offers.get(held.id, 0)
    work = holding.works.get(holding.work_id(row) or "")
    if row.work and work and work.id and work.nature != nature:
        standing = max(standing, holding.standing.works.get(work.id, 0))
    return standing


def _time_warnings(
    holding: Holding, row: OfferRow, held: Held[OfferRow] | None, nature: Nature
) -> list[Fault]:
    """Return what is odd about stocks that stay as they are under a work of another nature."""
    if nature.is_event is None:
        return []
    work = holding.works.get(holding.work_id(row) or "")
    is_dated = not nature.is_event
    of_time = holding.standing.of_time(
        held.id if held else None, work.id if work else None, is_dated=is_dated
    )
    return checks.time_warnings(row, of_time, is_dated=is_dated)


def _work_errors(holding: Holding, row: OfferRow, work: WorkRow | None) -> list[Fault]:
    if (work is None) == (row.item_id is None):
        return [Fault("item_id", "either the id of a known work, or `item` with one of your own")]
    if work is None:
        is_known = row.item_id in holding.works
        return [] if is_known else [Fault("item_id", f"{row.item_id!r} is unknown")]
    if public := holding.public(work.id, "item.id"):
        return [public]
    known = holding.works.get(holding.partner.public_id(work.id))
    if known and known.row is None:
        return [Fault("item.id", f"{work.id!r} is not this partner's", is_foreign=True)]
    return checks.work_errors(work, holding.taxonomy)


def _stock_errors(
    holding: Holding, row: StockRow, held: HeldStock | None, now: datetime
) -> list[Fault]:
    offer = holding.offers.get(row.offer_id)
    if offer is None:
        return [holding.missing("offer", row.offer_id, "offer_id")]
    if held and held.cancelled_at:
        return [_cancelled(held.cancelled_at)]
    nature = holding.nature_of(offer.row)
    before = held.row if held else None
    errors = checks.stock_errors(row, before, nature, holding.limit_cents, now)
    return errors + (checks.booked_errors(row, held.row, held.booked) if held else [])


def _cancelled(at: datetime) -> Fault:
    return Fault("id", f"it was cancelled at {at.isoformat()}; make a stock of another id")


def _refused(row: Row, public_id: str | None, errors: Sequence[Fault]) -> Outcome:
    return Outcome(kind_of(row), row.id, public_id, "refused", (), tuple(errors))


def _done(row: Row, public_id: str, result: Result, warnings: Sequence[Fault]) -> Outcome:
    kind: Kind = kind_of(row)
    return Outcome(kind, row.id, public_id, result, tuple(warnings))
