"""What cultural actors see and do of their own: venues, offers, stocks, by their own ids."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from reco.api.access import Caller, KnownCaller, Now, WorkerOfApp
from reco.api.backoffice_rows import NewOwnId, OfferOwnId, OfferSent, OwnId, StockSent, VenueSent
from reco.api.json import Json
from reco.api.keyset import read_keyset, write_keyset
from reco.api.outcomes import RowOutcome, row_outcome
from reco.api.problems import NOT_FOUND, PROBLEMS, TOO_LARGE, problem
from reco.core.backoffice.listing import (
    OfferShown,
    Page,
    Span,
    StockShown,
    VenueShown,
    list_offers,
    list_stocks,
    list_venues,
)
from reco.core.backoffice.removing import (
    Cancelled,
    Withdrawn,
    cancel_stock,
    withdraw_offer,
    withdraw_venue,
)
from reco.core.backoffice.rows import Outcome, Row
from reco.core.backoffice.writing import write_rows
from reco.db.pool import connected
from reco.errors import Forbidden
from reco.worker import Worker

router = APIRouter(prefix="/v1/backoffice", tags=["back office"])

_LONGEST_PAGE = 500
_PUT: dict[int | str, dict[str, Any]] = {
    200: {"model": RowOutcome, "description": "Changed, or unchanged"},
    201: {"model": RowOutcome, "description": "Created"},
    **TOO_LARGE,
    **PROBLEMS,
}

VenueId = Annotated[OwnId, Path(examples=["cinema"])]
NewVenueId = Annotated[NewOwnId, Path(examples=["cinema"])]
OfferId = Annotated[OwnId, Path(examples=["film-tonight"])]
NewOfferId = Annotated[OfferOwnId, Path(examples=["film-tonight"])]
StockId = Annotated[OwnId, Path(examples=["film-tonight"])]
NewStockId = Annotated[NewOwnId, Path(examples=["film-tonight"])]
PageLength = Annotated[int, Query(ge=1, le=_LONGEST_PAGE)]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]


@dataclass(frozen=True)
class Venues:
    """A page of venues, by own id."""

    venues: tuple[VenueShown, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class Offers:
    """A page of offers, by own id."""

    offers: tuple[OfferShown, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class Stocks:
    """A page of stocks, by own id."""

    stocks: tuple[StockShown, ...]
    next_cursor: str | None


@router.put("/venues/{own_id:id}", responses=_PUT)
def put_venue(
    worker: WorkerOfApp, now: Now, caller: KnownCaller, own_id: NewVenueId, venue: VenueSent
) -> Response:
    """Create or replace a venue. Coordinates outside France are a warning."""
    return _put(worker, caller, venue.row(own_id), now)


@router.put("/offers/{own_id:id}", responses=_PUT)
def put_offer(
    worker: WorkerOfApp, now: Now, caller: KnownCaller, own_id: NewOfferId, offer: OfferSent
) -> Response:
    """Create or replace an offer; one that was withdrawn is offered again."""
    return _put(worker, caller, offer.row(own_id), now)


@router.put("/stocks/{own_id:id}", responses=_PUT)
def put_stock(
    worker: WorkerOfApp, now: Now, caller: KnownCaller, own_id: NewStockId, stock: StockSent
) -> Response:
    """Create or replace a stock; one that was cancelled stays so."""
    return _put(worker, caller, stock.row(own_id), now)


@router.delete(
    "/venues/{own_id:id}", responses={200: {"model": Withdrawn}, **NOT_FOUND, **PROBLEMS}
)
def delete_venue(worker: WorkerOfApp, now: Now, caller: KnownCaller, own_id: VenueId) -> Json:
    """Withdraw all offers of a venue; bookings stand."""
    partner_id = caller.partner()
    with worker.writers.connected() as connection:
        return Json(withdraw_venue(connection, partner_id, own_id, now))


@router.delete(
    "/offers/{own_id:id}", responses={200: {"model": Withdrawn}, **NOT_FOUND, **PROBLEMS}
)
def delete_offer(worker: WorkerOfApp, now: Now, caller: KnownCaller, own_id: OfferId) -> Json:
    """Withdraw an offer: it can no longer be booked; bookings stand."""
    partner_id = caller.partner()
    with worker.writers.connected() as connection:
        return Json(withdraw_offer(connection, partner_id, own_id, now))


@router.delete(
    "/stocks/{own_id:id}", responses={200: {"model": Cancelled}, **NOT_FOUND, **PROBLEMS}
)
def delete_stock(worker: WorkerOfApp, now: Now, caller: KnownCaller, own_id: StockId) -> Json:
    """Cancel a stock: its bookings are cancelled and refunded with it; what is used stands, but
    for an event that has not begun.
    """
    partner_id = caller.partner()
    with worker.writers.connected() as connection:
        return Json(cancel_stock(connection, partner_id, own_id, now))


@router.get("/venues", responses={200: {"model": Venues}, **PROBLEMS})
def venues(
    worker: WorkerOfApp, caller: KnownCaller, n: PageLength = 100, cursor: Cursor = None
) -> Json:
    """Your venues, by own id."""
    partner_id, span = caller.partner(), _span(n, cursor)
    with connected(worker.pool) as connection:
        page = list_venues(connection, partner_id, span)
    return Json(Venues(page.rows, _onward(page)))


@router.get("/offers", responses={200: {"model": Offers}, **NOT_FOUND, **PROBLEMS})
def offers(
    worker: WorkerOfApp,
    caller: KnownCaller,
    venue_id: Annotated[OwnId | None, Query(description="Own id.", examples=["cinema"])] = None,
    n: PageLength = 100,
    cursor: Cursor = None,
) -> Json:
    """Your offers, by own id: all, or those of a venue."""
    partner_id, span = caller.partner(), _span(n, cursor)
    with connected(worker.pool) as connection:
        page = list_offers(connection, partner_id, span, venue_id)
    return Json(Offers(page.rows, _onward(page)))


@router.get("/stocks", responses={200: {"model": Stocks}, **NOT_FOUND, **PROBLEMS})
def stocks(
    worker: WorkerOfApp,
    caller: KnownCaller,
    offer_id: Annotated[
        OwnId | None, Query(description="Own id.", examples=["film-tonight"])
    ] = None,
    n: PageLength = 100,
    cursor: Cursor = None,
) -> Json:
    """Your stocks, by own id, with what is booked and what is left: all, or those of an offer."""
    partner_id, span = caller.partner(), _span(n, cursor)
    with connected(worker.pool) as connection:
        page = list_stocks(connection, partner_id, span, offer_id)
    return Json(Stocks(page.rows, _onward(page)))


def _put(worker: Worker, caller: Caller, row: Row, now: datetime) -> Response:
    partner_id = caller.partner()
    with worker.writers.connected() as connection:
        (outcome,) = write_rows(connection, partner_id, [row], now)
    if outcome.errors:
        return _refusal(outcome)
    status = HTTPStatus.CREATED if outcome.outcome == "created" else HTTPStatus.OK
    return Json(row_outcome(outcome), status)


def _refusal(outcome: Outcome) -> Response:
    first = outcome.errors[0]
    if any(fault.is_foreign for fault in outcome.errors):
        raise Forbidden(f"{first.field}: {first.detail}.")
    shown = row_outcome(outcome)
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{first.field}: {first.detail}.",
        field=first.field,
        accepted=list(first.accepted) or None,
        errors=shown.errors,
    )


def _span(n: int, cursor: str | None) -> Span:
    return Span(n, str(read_keyset(cursor, (str,))[0]) if cursor else None)


def _onward(page: Page[Any]) -> str | None:
    return write_keyset(page.last) if page.last is not None else None
