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


def issue_token(user_id: str, secret: str, now: datetime) -> UserToken:
    """Return a token for `user_id`, good for `LIFETIME` from `now`."""
    expires_at = now + LIFETIME
    claims = {"sub": user_id, "exp": int(expires_at.timestamp()), "use": "user"}
    return UserToken(jwt.encode(claims, secret, algorithm=_ALGORITHM), user_id, expires_at)


def user_of(token: str, secret: str, now: datetime) -> str:
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
    if claims.get("use") != "user":
        raise Unauthorized("This is no user token.")
    if claims["exp"] <= now.timestamp():
        raise Unauthorized("The user token is over; ask for a new one.")
    return str(claims["sub"])
