"""Cursors of plain lists: where the last page ended, so that nothing repeats or is skipped."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime

import orjson

from reco.errors import InvalidInput


def write_keyset(*last: str | int) -> str:
    """Return the cursor of a page whose last row has these keys.

    >>> read_keyset(write_keyset("2026-11-23T12:00:00+00:00", 7), (str, int))
    ('2026-11-23T12:00:00+00:00', 7)
    """
    return base64.urlsafe_b64encode(orjson.dumps(last)).decode().rstrip("=")


def read_keyset(cursor: str, kinds: Sequence[type]) -> tuple[str | int, ...]:
    """Return the keys in `cursor`, which have these types.

    Raises
    ------
    InvalidInput
        It was not made by this list.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        keys = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise _foreign() from error
    if not isinstance(keys, list) or [type(key) for key in keys] != list(kinds):
        raise _foreign()
    if any("\0" in key for key in keys if isinstance(key, str)):
        raise _foreign()
    return tuple(keys)


def write_moment_keyset(last: tuple[datetime, int] | None) -> str | None:
    """Return a cursor that goes on after a moment and a number; None: nothing follows."""
    return None if last is None else write_keyset(last[0].isoformat(), last[1])


def read_moment_keyset(cursor: str | None) -> tuple[datetime, int] | None:
    """Return what `write_moment_keyset` was given, or raise as `read_keyset` does."""
    if not cursor:
        return None
    moment, number = read_keyset(cursor, (str, int))
    try:
        return datetime.fromisoformat(str(moment)), int(number)
    except ValueError as error:
        raise _foreign() from error


def _foreign() -> InvalidInput:
    return InvalidInput("cursor", "it was not made by this list; ask its first page again")
