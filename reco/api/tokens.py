"""User tokens: short-lived, signed, good for one user's own resources."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from reco.errors import Unauthorized

LIFETIME = timedelta(hours=1)
_ALGORITHM = "HS256"


@dataclass(frozen=True)
class UserToken:
    """A token and when it ends."""

    token: str
    user_id: str
    expires_at: datetime


@dataclass(frozen=True)
class Bearer:
    """Whom a token speaks for."""

    user_id: str
    account: int | None
    """Whose the id was when the token was issued (`reco.core.accounts.account_number`)."""


def issue_token(user_id: str, account: int | None, secret: str, now: datetime) -> UserToken:
    """Return a token for `user_id` while it is that account's, good for `LIFETIME` from `now`."""
    expires_at = now + LIFETIME
    claims = {
        "sub": user_id,
        "account": account,
        "exp": int(expires_at.timestamp()),
        "use": "user",
    }
    return UserToken(jwt.encode(claims, secret, algorithm=_ALGORITHM), user_id, expires_at)


def bearer_of(token: str, secret: str, now: datetime) -> Bearer:
    """Return whom `token` speaks for.

    Raises
    ------
    Unauthorized
        It was not issued here, was changed, or is over.
    """
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            # Measured against the request's time below, not against the wall clock.
            options={"verify_exp": False, "require": ["exp", "sub"]},
        )
    except jwt.InvalidTokenError as error:
        raise Unauthorized("The user token was not issued here, or was changed.") from error
    if claims.get("use") != "user" or "account" not in claims:
        raise Unauthorized("This is no user token.")
    if claims["exp"] <= now.timestamp():
        raise Unauthorized("The user token is over; ask for a new one.")
    return Bearer(claims["sub"], claims["account"])
