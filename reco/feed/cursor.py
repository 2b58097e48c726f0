"""Signed cursors: which offers a person was shown on the pages before, and for which question.

A cursor seals a version byte, the question's digest, the moment it was written, and the packed
offers with their probabilities.
"""

import struct
from collections.abc import Mapping
from datetime import timedelta
from hashlib import blake2b

from reco.core.accents import composed
from reco.errors import CursorExpired, InvalidInput
from reco.feed.query import FeedQuery
from reco.sealing import sealed, unsealed

MAX_SHOWN = 240
"""A feed ends once so many offers were shown: nobody scrolls farther, and a cursor stays short."""

MAX_CHARACTERS = 4_000
"""No cursor is longer, whatever the ids of its offers."""

LIFETIME = timedelta(minutes=30)

_HEAD = struct.Struct(">B8sq")
_VERSION = 2
_OFFER_BYTES = struct.calcsize(">qf")
_PURPOSE = "feed"


def write_cursor(shown: Mapping[int, float], query: FeedQuery, secret: str) -> str:
    """Return the cursor that leads on, for the question of `query`, until `LIFETIME` after its now.

    Parameters
    ----------
    shown
        Probability of each offer that was shown, by id; kept as float32.
    """
    written_s = int(query.now.timestamp())
    body = _HEAD.pack(_VERSION, _question(query), written_s) + _packed(shown)
    return sealed(body, _PURPOSE, secret)


def read_cursor(cursor: str, query: FeedQuery, secret: str) -> dict[int, float]:
    """Return the offers that `cursor` says were shown, with their probabilities, by ascending id.

    Raises
    ------
    CursorExpired
        It was good, and is older than `LIFETIME` at `query.now`.
    InvalidInput
        It was not made here, was changed, or belongs to another question.
    """
    body = unsealed(cursor, _PURPOSE, secret)
    version, question, written_s = _HEAD.unpack_from(body)
    if version != _VERSION or question != _question(query):
        raise InvalidInput("cursor", "it belongs to another question; ask its first page again")
    if query.now.timestamp() > written_s + LIFETIME.total_seconds():
        minutes = int(LIFETIME.total_seconds() // 60)
        raise CursorExpired(
            "cursor", f"it is over, {minutes} minutes after its page; ask the first page again"
        )
    return _unpacked(body[_HEAD.size :])


def _packed(shown: Mapping[int, float]) -> bytes:
    offers = sorted(shown)
    # Packed any tighter it would take more time than so few bytes are worth.
    return struct.pack(_form(len(offers)), *offers, *[shown[offer] for offer in offers])


def _unpacked(packed: bytes) -> dict[int, float]:
    count = len(packed) // _OFFER_BYTES
    columns = struct.unpack(_form(count), packed)
    return dict(zip(columns[:count], columns[count:], strict=True))


def _form(count: int) -> str:
    """Return the layout of so many offers: their ids, then their probabilities."""
    return f">{count}q{count}f"


def _question(query: FeedQuery) -> bytes:
    """Return a digest of what is asked, whenever it is asked and however long its pages are."""
    filters = query.filters
    asked = (
        query.user_id,
        query.location,
        query.radius_m,
        query.widest_m,
        # What was not asked may be answered differently on the next page: an experiment ends.
        None if "floor" in query.unasked else (query.floor, query.points_a_booking),
        None if "intensity" in query.unasked else query.intensity,
        query.min_new_categories,
        query.max_per_category,
        query.plan,
        sorted(map(composed, filters.categories)),
        filters.max_price_cents,
        [moment and moment.timestamp() for moment in (filters.starts_from, filters.starts_before)],
    )
    return blake2b(repr(asked).encode(), digest_size=8).digest()
