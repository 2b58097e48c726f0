"""POST /v1/interactions: what people did, in batches."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from reco.api.access import Caller, LiveCaller, Now, WorkerOfApp
from reco.api.identifiers import Identifier
from reco.api.json import Json
from reco.api.problems import PROBLEMS, TOO_LARGE, problem_shown
from reco.api.written import AnyMoment
from reco.core.interactions import Interaction, check_room, record_interactions
from reco.errors import InvalidInput

router = APIRouter(prefix="/v1", tags=["interactions"])

MAX_BATCH = 1_000
_KINDS_OF_PHONES = ("view", "click", "favourite", "dismiss", "restore")
MAX_VALUE = 1e9
_CLOCKS_DIFFER = timedelta(minutes=5)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""A clock that was never set says so; no person did anything before."""
PHONES_TELL_OF = timedelta(days=30)
MAX_OF_A_PERSON = 20_000
"""In that time, from phones: a feed reads all that a person did, so nobody may do without end."""

_ANSWERS: dict[int | str, dict[str, Any]] = {
    **problem_shown(429, "A phone has told too much"),
    **TOO_LARGE,
    **PROBLEMS,
}


class InteractionSent(BaseModel):
    """One thing that a person did with an offer."""

    model_config = ConfigDict(extra="forbid")

    user_id: Annotated[Identifier | None, Field(description="With a token: its own.")] = None
    offer_id: Identifier
    kind: Annotated[
        Literal["view", "click", "favourite", "dismiss", "booking", "restore"],
        Field(
            description="A booking: one that was made elsewhere; a server's key may tell it."
            " Restore: a dismissal is taken back, which says nothing of interest."
        ),
    ]
    at: Annotated[
        AnyMoment | None,
        Field(
            description="By the clock that `sent_at` tells. Default: now, and what is sent again"
            " without it is kept twice. With a token:"
            f" {PHONES_TELL_OF.days} days ago at most."
        ),
    ] = None
    value: Annotated[
        float | None,
        Field(ge=-MAX_VALUE, le=MAX_VALUE, allow_inf_nan=False, description="A count or a rating."),
    ] = None
    slate_id: Annotated[UUID | None, Field(description="The feed that it was shown in.")] = None


class Batch(BaseModel):
    """Up to a thousand interactions; one that is bad refuses all."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "interactions": [
                    {"user_id": "reader", "offer_id": "manga-shop", "kind": "click"},
                    {"user_id": "reader", "offer_id": "play-friday", "kind": "dismiss"},
                ]
            }
        },
    )

    interactions: Annotated[list[InteractionSent], Field(min_length=1, max_length=MAX_BATCH)]
    sent_at: Annotated[
        AnyMoment | None,
        Field(
            description="What the phone's clock says while this is sent, anew each time: every `at`"
            " is put right by as many minutes as that is wrong, in steps of"
            f" {_CLOCKS_DIFFER.seconds // 60}."
        ),
    ] = None


@dataclass(frozen=True)
class Kept:
    """How many were new; what was sent before is kept once."""

    received: int
    kept: int


@router.post("/interactions", responses={200: {"model": Kept}, **_ANSWERS})
def interactions(worker: WorkerOfApp, now: Now, caller: LiveCaller, batch: Batch) -> Json:
    """Record what people did: all of the batch, or nothing. What was sent before is kept once.

    A work that was dismissed comes up in no feed of its person, whatever offer of it, until one is
    restored or marked as a favourite, or the work is named in the person's tastes: the later of the
    two counts, by `at` (of one moment, the dismissal).

    A phone, with a user's token, tells of the last 30 days, and of nothing new (429) that would put
    more than 20,000 interactions of its user on record of them. A server's key has no such limits.
    """
    wrong_by = _wrong_by(batch.sent_at, now)
    checked = [
        _checked(place, sent, caller, now, wrong_by)
        for place, sent in enumerate(batch.interactions)
    ]
    with worker.writers.connected() as connection, connection.transaction():
        kept = record_interactions(connection, checked)
        # A retry that adds nothing is answered, however much is on record.
        if kept and caller.scope is None:
            since, user_id = now - PHONES_TELL_OF, checked[0].user_id
            check_room(connection, user_id, since, most=MAX_OF_A_PERSON)
    return Json(Kept(len(checked), kept))


def _wrong_by(sent_at: datetime | None, now: datetime) -> timedelta:
    """Return how far a phone's clock is ahead, in steps: a retry tells mostly the same times."""
    if sent_at is None:
        return timedelta()
    return _CLOCKS_DIFFER * round((sent_at - now) / _CLOCKS_DIFFER)


def _checked(
    place: int, sent: InteractionSent, caller: Caller, now: datetime, wrong_by: timedelta
) -> Interaction:
    user_id = caller.user(sent.user_id)
    if user_id is None:
        raise InvalidInput(f"interactions[{place}].user_id", "is needed with an API key")
    if sent.kind == "booking" and caller.scope is None:
        raise InvalidInput(
            f"interactions[{place}].kind", "a phone books with POST /v1/bookings", _KINDS_OF_PHONES
        )
    try:
        at = sent.at - wrong_by if sent.at else now
    except OverflowError:
        raise InvalidInput(
            f"interactions[{place}].at", f"{sent.at} is years away from sent_at"
        ) from None
    if at > now + _CLOCKS_DIFFER:
        raise InvalidInput(f"interactions[{place}].at", f"{at} lies in the future")
    if at < _EARLIEST:
        raise InvalidInput(f"interactions[{place}].at", f"{at} lies before {_EARLIEST:%Y}")
    if caller.scope is None and at <= now - PHONES_TELL_OF:
        days = PHONES_TELL_OF.days
        raise InvalidInput(f"interactions[{place}].at", f"a phone tells of the last {days} days")
    # PostgreSQL does not know every offset from UTC that Python does.
    utc = at.astimezone(UTC)
    return Interaction(user_id, sent.offer_id, sent.kind, utc, sent.value, sent.slate_id)
