"""POST /v1/demo/session: lets the first page look at a few people, from this machine only."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from fastapi import APIRouter, Request
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import BaseModel, ConfigDict

from reco.api.access import Bearing, Now, WorkerOfApp
from reco.api.identifiers import Identifier
from reco.api.json import Json
from reco.api.problems import PROBLEMS, TOO_LARGE
from reco.api.tokens import Bearer, bearer_of, issue_token
from reco.core.accounts import account_number
from reco.db.pool import connected
from reco.errors import Forbidden, InvalidInput, Unauthorized
from reco.feed.people import people_to_look_at

router = APIRouter(prefix="/v1/demo", tags=["demo"])

_PEOPLE = 8
# As it was sent: what frameworks make of a strange one may be the address of this server.
_OWN_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")
_RENEWED = timedelta(days=7)
"""A page that was left open for so long goes on with the person it showed."""


class Chosen(BaseModel):
    """Whom to look at; nobody: the first of the people."""

    model_config = ConfigDict(extra="forbid")

    user_id: Identifier | None = None


@dataclass(frozen=True)
class Person:
    """Somebody to look at."""

    user_id: str
    bookings: int
    categories: int


@dataclass(frozen=True)
class Session:
    """A token for one of the people."""

    token: str
    user_id: str
    expires_at: datetime
    users: tuple[Person, ...]


@router.post("/session", responses={200: {"model": Session}, **TOO_LARGE, **PROBLEMS})
def session(
    request: Request,
    worker: WorkerOfApp,
    now: Now,
    bearer: Bearing,
    chosen: Chosen | None = None,
) -> Json:
    """A user token for the first page: of somebody listed, or of whom the page has a token by now.

    Answered on the loopback interface alone.
    """
    if not _is_loopback(request):
        raise Forbidden("Demo sessions are given on the loopback interface alone.")
    with connected(worker.pool) as connection:
        people = people_to_look_at(connection, now, _PEOPLE)
        if not people:
            raise InvalidInput("user_id", "this world has nobody with a home to look at")
        user_id = chosen.user_id if chosen and chosen.user_id else people[0].user_id
        account = account_number(connection, user_id)
    # Who books may leave the list, and the page shows them still.
    is_listed = user_id in {person.user_id for person in people}
    if not is_listed and Bearer(user_id, account) != _shown(bearer, worker.secret, now):
        raise Forbidden("Demo sessions are given for those whom the page lists.")
    issued = issue_token(user_id, account, worker.secret, now)
    users = tuple(Person(p.user_id, p.bookings, p.categories) for p in people)
    return Json(Session(issued.token, user_id, issued.expires_at, users))


def _shown(
    bearer: HTTPAuthorizationCredentials | None, secret: str, now: datetime
) -> Bearer | None:
    """Return whom a page showed until now, by the token it has, which may be over for a while."""
    if bearer is None:
        return None
    try:
        return bearer_of(bearer.credentials, secret, now - _RENEWED)
    except Unauthorized:
        return None


def _is_loopback(request: Request) -> bool:
    """Both ends: a page of another name that points here must not get a token."""
    if request.client is None or not _OWN_HOST.fullmatch(request.headers.get("host", "")):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
