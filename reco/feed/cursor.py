"""Signed cursors: which offers a person was shown on the pages before, and for which question.

A cursor seals a version byte, the question's digest, the moment it was written, and the packed
offers with their probabilities.
"""

import hashlib
import struct
import zlib
from collections.abc import Mapping
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from reco.errors import CursorExpired, InvalidInput
from reco.feed.query import FeedQuery
from reco.sealing import sealed, unsealed

MAX_SHOWN = 240
"""A feed ends once so many offers were shown: nobody scrolls farther, and a cursor stays short."""

MAX_CHARACTERS = 4_000
"""No cursor is longer, whatever the ids of its offers."""

LIFETIME = timedelta(minutes=30)

_HEAD = struct.Struct(">B8sq")
_VERSION = 1
_WINDOW_BITS = 12
_LEAST_MEMORY = 1
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
    ids = np.array([0, *offers], dtype=np.int64)
    steps = (ids[1:] - ids[:-1]).astype(">i8")
    probabilities = np.array([shown[offer] for offer in offers], dtype=">f4")
    # A few hundred bytes: the room that deflate takes by default costs more time than they do.
    packing = zlib.compressobj(9, zlib.DEFLATED, _WINDOW_BITS, _LEAST_MEMORY)
    return packing.compress(_by_place(steps) + _by_place(probabilities)) + packing.flush()


def _unpacked(packed: bytes) -> dict[int, float]:
    columns = zlib.decompress(packed)
    count = len(columns) // 12
    steps = _from_places(columns[: 8 * count], 8).view(">i8").ravel()
    probabilities = _from_places(columns[8 * count :], 4).view(">f4").ravel()
    return dict(zip(np.cumsum(steps).tolist(), probabilities.tolist(), strict=True))


def _by_place(numbers: NDArray[np.generic]) -> bytes:
    """Return the first bytes of all numbers, then the second ones: like bytes compress well."""
    return numbers.view(np.uint8).reshape(len(numbers), numbers.itemsize).T.tobytes()


def _from_places(places: bytes, itemsize: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.frombuffer(places, np.uint8).reshape(itemsize, -1).T)


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
        query.plan,
        sorted(filters.categories),
        filters.max_price_cents,
        [moment and moment.timestamp() for moment in (filters.starts_from, filters.starts_before)],
    )
    return hashlib.sha256(repr(asked).encode()).digest()[:8]
