"""Who asks, and what they may ask for."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from reco.api.keys import KeyRing
from reco.api.tokens import bearer_of
from reco.core.accounts import account_number, check_account
from reco.db.pool import connected
from reco.errors import Forbidden, Unauthorized
from reco.worker import Worker

_key_header = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="A server's key: `reco keys create`."
)
_bearer = HTTPBearer(
    auto_error=False, description="A user's token: `POST /v1/users/{user_id}/token`."
)


Bearing = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
"""The user token of a request, as it came: nobody has looked at it yet."""


async def _worker(request: Request) -> Worker:
    worker: Worker = request.app.state.worker
    return worker


async def _now(request: Request) -> datetime:
    now: datetime = request.app.state.clock()
    return now


# Asynchronous, since they never wait: no thread is taken for them.
WorkerOfApp = Annotated[Worker, Depends(_worker)]
Now = Annotated[datetime, Depends(_now)]


@dataclass(frozen=True)
class Caller:
    """A server with a key of a scope, or a phone that speaks for one user."""

    scope: str | None
    user_id: str | None
    partner_id: int | None = None
    """Whose venues a key of scope backoffice opens, in the database's ids."""
    account: int | None = None
    """Whose `user_id` was when the token was issued, in the database's ids."""

    def user(self, asked: str | None) -> str | None:
        """Return whom a request is about: the one asked for, else the token's own.

        Raises
        ------
        Forbidden
            The key or token does not open that user's resources.
        """
        if self.scope is not None:
            self.must_be("app", "admin")
            return asked
        if asked not in {None, self.user_id}:
            raise Forbidden("This token opens its own user's resources only.")
        return self.user_id

    def partner(self) -> int:
        """Return whose venues this key opens, in the database's ids.

        Raises
        ------
        Forbidden
            It is no key of scope backoffice, or one that was made for no partner.
        """
        self.must_be("backoffice")
        if self.partner_id is None:
            raise Forbidden("This key was made for no partner; make another one.")
        return self.partner_id

    def must_be(self, *scopes: str) -> None:
        """Raise `Forbidden` unless this is a key of one of `scopes`."""
        if self.scope not in scopes:
            raise Forbidden(f"This needs an API key of scope {' or '.join(scopes)}.")


async def known_caller(
    request: Request,
    now: Now,
    key: Annotated[str | None, Security(_key_header)],
    bearer: Bearing,
) -> Caller:
    """Return whose key, or else token, came with a request: to depend on.

    Raises
    ------
    Unauthorized
        Neither came, or what came is not good now.
    """
    if key is not None:
        ring: KeyRing = request.app.state.keys
        grant = ring.known_grant(key, now)
        if grant is None:
            # A thread is taken only for what asks the database.
            grant = await run_in_threadpool(ring.grant, key, now)
        return Caller(grant.scope, None, grant.partner_id)
    if bearer is not None:
        worker: Worker = request.app.state.worker
        told = bearer_of(bearer.credentials, worker.secret, now)
        return Caller(None, told.user_id, account=told.account)
    raise Unauthorized("Send an API key (X-API-Key) or a user token (Authorization: Bearer).")


KnownCaller = Annotated[Caller, Depends(known_caller)]


async def _caller_of_a_feed(
    request: Request,
    now: Now,
    key: Annotated[str | None, Security(_key_header)],
    bearer: Bearing,
) -> Caller:
    return await known_caller(request, now, key, bearer)


FeedCaller = Annotated[Caller, Depends(_caller_of_a_feed)]
"""Who asks for a feed: whose account a token is good for is seen where the person is read, so that
a feed asks the database no more than twice."""


async def _live_caller(worker: WorkerOfApp, caller: KnownCaller) -> Caller:
    if caller.user_id is not None:
        # In a thread of the loop's own: those of the framework take longer to be asked.
        await asyncio.to_thread(_check_account, worker, caller.user_id, caller.account)
    return caller


def _check_account(worker: Worker, user_id: str, account: int | None) -> None:
    with connected(worker.pool) as connection:
        check_account(account_number(connection, user_id), account)


LiveCaller = Annotated[Caller, Depends(_live_caller)]
"""Who asks about a person; a token is good for the account that it was issued for, not for the next
of its id."""

NEED_A_CALLER = frozenset({known_caller, _caller_of_a_feed})
"""What endpoints depend on that answer nobody without a key or a token."""
ABOUT_A_PERSON = frozenset({_live_caller, _caller_of_a_feed})
"""Of these, those that a token opens only while its account is there."""


async def check_caller(request: Request, *, is_about_a_person: bool) -> None:
    """Raise what an endpoint raises of a caller that it does not answer."""
    key, bearer = await _key_header(request), await _bearer(request)
    caller = await known_caller(request, await _now(request), key, bearer)
    if is_about_a_person:
        await _live_caller(await _worker(request), caller)
