"""Signed cursors: what a person was shown on the pages before, and for which question."""

import hashlib

import jwt

from reco.errors import InvalidInput
from reco.feed.query import FeedQuery

MAX_SHOWN = 400
"""A feed ends after so many items: nobody scrolls farther, and a cursor stays short."""

_ALGORITHM = "HS256"


def write_cursor(shown_items: frozenset[int], query: FeedQuery, secret: str) -> str:
    """Return the cursor that leads on from `shown_items`, for the question of `query` alone."""
    claims = {"shown": sorted(shown_items), "question": _question(query), "use": "cursor"}
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def read_cursor(cursor: str, query: FeedQuery, secret: str) -> frozenset[int]:
    """Return the items that `cursor` says were shown.

    Raises
    ------
    InvalidInput
        It was not made here, was changed, or belongs to another question.
    """
    try:
        claims = jwt.decode(cursor, secret, algorithms=[_ALGORITHM])
    except jwt.InvalidTokenError as error:
        raise InvalidInput("cursor", "it was not made by this service, or was changed") from error
    if claims.get("use") != "cursor" or claims.get("question") != _question(query):
        raise InvalidInput("cursor", "it belongs to another question; ask its first page again")
    return frozenset(claims["shown"])


def _question(query: FeedQuery) -> str:
    asked = (query.user_id, query.location, query.radius_m, query.filters, query.floor)
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]
