"""Bookings: make, cancel, use, list."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from reco.api.access import LiveCaller, Now, WorkerOfApp
from reco.api.examples import BOOKING, shown
from reco.api.identifiers import Identifier
from reco.api.json import Json
from reco.api.keyset import read_moment_keyset, write_moment_keyset
from reco.api.problems import NOT_FOUND, PROBLEMS, REFUSED, TOO_LARGE, problem_shown
from reco.api.written import Moment
from reco.core.booking_records import Booking, read_bookings
from reco.core.bookings import Order, book, cancel, use
from reco.core.idempotency import LONGEST_KEY
from reco.db.pool import connected
from reco.errors import InvalidInput

router = APIRouter(prefix="/v1", tags=["bookings"])

_ANSWERS: dict[int | str, dict[str, Any]] = {**NOT_FOUND, **REFUSED, **PROBLEMS}
_MADE: dict[int | str, dict[str, Any]] = {
    201: shown(Booking, BOOKING),
    **problem_shown(429, "Too many were refused"),
    **TOO_LARGE,
    **_ANSWERS,
}
_LONGEST_PAGE = 200
_MOST_CENTS = 2**31 - 1

BookingId = Annotated[Identifier, Path(examples=["1"])]


class OrderSent(BaseModel):
    """What is to be booked."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"user_id": "reader", "stock_id": "film-tonight", "quantity": 1}
        },
    )

    user_id: Annotated[Identifier | None, Field(description="With a token: its own.")] = None
    stock_id: Annotated[Identifier, Field(description="One of an offer's sessions.")]
    quantity: Annotated[int, Field(ge=1, le=2, description="2 where the offer is duo.")] = 1
    slate_id: Annotated[UUID | None, Field(description="The feed that it was shown in.")] = None
    expected_amount_cents: Annotated[
        int | None,
        Field(
            ge=0,
            le=_MOST_CENTS,
            description="What the person was shown; refused where it costs else by now.",
        ),
    ] = None
    expected_starts_at: Annotated[
        Moment | None,
        Field(
            description="Likewise; refused where it begins at another time by now.",
            examples=["2026-11-28T19:00:00Z"],
        ),
    ] = None


@dataclass(frozen=True)
class Bookings:
    """A page of bookings, the newest first."""

    bookings: tuple[Booking, ...]
    next_cursor: str | None


@router.post("/bookings", status_code=201, responses=_MADE)
def make(
    worker: WorkerOfApp,
    now: Now,
    caller: LiveCaller,
    order: OrderSent,
    idempotency_key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            description="Made anew for each attempt to book, kept for its retries: the same key"
            " gets the same answer for 30 days, and is booked once.",
            min_length=1,
            max_length=LONGEST_KEY,
            pattern=r"^[\x20-\x7e]+$",
            examples=["0b0e9a63-2f3f-4c0d-9e11-7d6b8c1e5f0a"],
        ),
    ],
) -> Json:
    """Book a stock. A rule that forbids it is told with its name and by how much (409).

    An event can be cancelled until 48 hours before it begins, and for 48 hours after it is booked:
    one that begins within 48 hours not at all, unless it is moved. What has no date can be as long
    as it is booked.

    A person makes 100 bookings within 24 hours at most, cancelled ones included (409,
    `bookings_a_day`). Where over 200 were asked for in an hour refusals are not told apart (429).
    """
    user_id = caller.user(order.user_id)
    if user_id is None:
        raise InvalidInput("user_id", "is needed with an API key")
    wanted = Order(
        user_id,
        order.stock_id,
        order.quantity,
        order.slate_id,
        order.expected_amount_cents,
        order.expected_starts_at,
    )
    with worker.writers.connected() as connection:
        return Json(book(connection, wanted, idempotency_key, now), 201)


@router.delete("/bookings/{booking_id}", responses={200: shown(Booking, BOOKING), **_ANSWERS})
def give_up(worker: WorkerOfApp, now: Now, caller: LiveCaller, booking_id: BookingId) -> Json:
    """Cancel a booking: its money and places are given back. One that is cancelled stays so."""
    with worker.writers.connected() as connection:
        return Json(cancel(connection, booking_id, caller.user(None), now))


@router.post("/bookings/{booking_id}/use", responses={200: shown(Booking, BOOKING), **_ANSWERS})
def collect(worker: WorkerOfApp, now: Now, caller: LiveCaller, booking_id: BookingId) -> Json:
    """Mark a booking as used, at the door or the counter; needs the venue's key, or an admin's.

    An event that begins in over 48 hours not while its person may cancel (409, `too_early`).
    """
    partner = None if caller.scope == "admin" else caller.partner()
    with worker.writers.connected() as connection:
        return Json(use(connection, booking_id, partner, now))


@router.get(
    "/users/{user_id:id}/bookings",
    responses={
        200: shown(Bookings, {"bookings": [BOOKING], "next_cursor": None}),
        **NOT_FOUND,
        **PROBLEMS,
    },
)
def of_user(
    worker: WorkerOfApp,
    caller: LiveCaller,
    user_id: Annotated[Identifier, Path(examples=["reader"])],
    *,
    state: Annotated[Literal["booked", "used", "cancelled", "expired"] | None, Query()] = None,
    n: Annotated[int, Query(ge=1, le=_LONGEST_PAGE)] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> Json:
    """A user's bookings, the newest first."""
    before = read_moment_keyset(cursor)
    with connected(worker.pool) as connection:
        asked = caller.user(user_id) or user_id
        page = read_bookings(connection, asked, state=state, n=n, before=before)
    return Json(Bookings(page.bookings, write_moment_keyset(page.last)))
