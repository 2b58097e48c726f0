"""Signed cursors of searches: the key of the last row shown, and which rows were shown.

The key alone says where to go on, whatever came or went before it; but where popularity is among
the sorts, which every booking changes, a page has the first of all that was not shown. What was
shown is carried so that an item whose best offer changes is neither shown twice nor lost.
"""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.core.accents import composed
from reco.errors import InvalidInput
from reco.sealing import sealed, unsealed
from reco.search.query import SearchQuery

MAX_SHOWN = 2_000
"""A search ends once so many rows were shown: a cursor must fit into an address."""

_VERSION = 1
_HEAD = struct.Struct(">B8sBB")
_PURPOSE = "search"


@dataclass(frozen=True)
class Position:
    """Where a page ended."""

    key: tuple[int, ...]
    """Of the last row: a number for each sort, then the offer's id; empty: go on with whatever was
    not shown."""
    shown: NDArray[np.int64]
    """Ids of items, or of offers where these are the rows."""
    with_similar: bool | None
    """Whether similar titles were taken; None: that is still to be seen."""

    @property
    def is_start(self) -> bool:
        """Whether no page came before."""
        return not self.key and not len(self.shown)


START = Position((), np.empty(0, dtype=np.int64), None)


def write_cursor(position: Position, query: SearchQuery, secret: str) -> str:
    """Return the cursor that leads on from `position`, for the question of `query` alone."""
    key = position.key
    head = _HEAD.pack(_VERSION, _question(query), bool(position.with_similar), len(key))
    steps = np.diff(np.sort(position.shown), prepend=np.int64(0))
    packed = zlib.compress(_varints(steps.tolist()), 9)
    body = head + struct.pack(f">{len(key)}q", *key) + packed
    return sealed(body, _PURPOSE, secret)


def read_cursor(cursor: str, query: SearchQuery, secret: str) -> Position:
    """Return where `cursor` leads on from.

    Raises
    ------
    InvalidInput
        It was not made here, was changed, or belongs to another question.
    """
    body = unsealed(cursor, _PURPOSE, secret)
    version, question, with_similar, size = _HEAD.unpack_from(body)
    if version != _VERSION or question != _question(query):
        raise InvalidInput("cursor", "it belongs to another question; ask its first page again")
    key = struct.unpack_from(f">{size}q", body, _HEAD.size)
    shown = _numbers(zlib.decompress(body[_HEAD.size + 8 * size :]))
    return Position(tuple(key), np.cumsum(shown), bool(with_similar))


def _question(query: SearchQuery) -> bytes:
    """Return a digest of what is asked, whenever it is asked and however long its pages are."""
    filters = query.filters
    asked = (
        filters.text,
        sorted(map(composed, filters.categories)),
        sorted(map(composed, filters.subcategories)),
        # What "today" is moves on while pages are turned.
        filters.when
        or [at and at.timestamp() for at in (filters.starts_from, filters.starts_before)],
        filters.with_undated,
        filters.min_price_cents,
        filters.max_price_cents,
        filters.is_duo,
        filters.is_digital,
        filters.open_now,
        str(query.zone),
        query.here,
        query.radius_m,
        query.box,
        query.sort,
        query.group,
    )
    return hashlib.sha256(repr(asked).encode()).digest()[:8]


def _varints(numbers: Sequence[int]) -> bytes:
    """Return numbers of 0 and more, seven bits a byte, the lowest first; the last byte is < 128."""
    packed = bytearray()
    for number in numbers:
        rest = number
        while rest > 127:
            packed.append(rest & 127 | 128)
            rest >>= 7
        packed.append(rest)
    return bytes(packed)


def _numbers(packed: bytes) -> NDArray[np.int64]:
    numbers, number, shift = [], 0, 0
    for byte in packed:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number, shift = 0, 0
    return np.array(numbers, dtype=np.int64)
