"""API keys: shown once, kept as a digest, looked up by their public prefix."""

import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from reco.errors import InvalidInput, NotFound, Unauthorized

SCOPES = ("app", "backoffice", "admin")
REMEMBERED = timedelta(seconds=30)
"""How long a looked-up key is believed: a revoked one stops working within this."""

_SEPARATOR = "."
_PREFIX = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class ApiKey:
    """A key as it is kept."""

    prefix: str
    scope: str
    label: str
    created_at: datetime
    revoked_at: datetime | None


def create_key(connection: psycopg.Connection[Any], scope: str, label: str, now: datetime) -> str:
    """Make a key and return it, the only time that it is seen.

    Raises
    ------
    InvalidInput
        There is no such scope.
    """
    if scope not in SCOPES:
        raise InvalidInput("scope", f"{scope!r} is unknown", SCOPES)
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    connection.execute(
        "insert into reco.api_key (prefix, digest, scope, label, created_at)"
        " values (%s, %s, %s, %s, %s)",
        (prefix, _digest(secret), scope, label, now),
    )
    return f"{prefix}{_SEPARATOR}{secret}"


def list_keys(connection: psycopg.Connection[Any]) -> list[ApiKey]:
    """Return all keys, the newest first."""
    with connection.cursor(row_factory=class_row(ApiKey)) as cursor:
        return cursor.execute(
            "select prefix, scope, label, created_at, revoked_at from reco.api_key"
            " order by created_at desc, prefix"
        ).fetchall()


def revoke_key(connection: psycopg.Connection[Any], prefix: str, now: datetime) -> None:
    """Revoke the key of `prefix`, or raise `NotFound`."""
    done = connection.execute(
        "update reco.api_key set revoked_at = coalesce(revoked_at, %s) where prefix = %s",
        (now, prefix),
    )
    if done.rowcount == 0:
        raise NotFound("API key", prefix)


class KeyRing:
    """Says which scope a key opens; remembers answers for `REMEMBERED`."""

    def __init__(self, look_up: Callable[[str], tuple[str, str] | None]) -> None:
        self._look_up = look_up
        self._known: dict[str, tuple[datetime, tuple[str, str] | None]] = {}
        self._lock = threading.Lock()

    def scope(self, key: str, now: datetime) -> str:
        """Return the scope of `key`.

        Raises
        ------
        Unauthorized
            The key is malformed, unknown, wrong or revoked: the answer does not say which.
        """
        prefix, _, secret = key.partition(_SEPARATOR)
        found = self._remembered(prefix, now) if _PREFIX.fullmatch(prefix) else None
        digest, scope = found or ("", "")
        # Compared in full whether or not the prefix exists, so that time tells nothing.
        is_right = hmac.compare_digest(digest.encode(), _digest(secret).encode())
        if not is_right:
            raise Unauthorized("The API key is unknown, wrong or revoked.")
        return scope

    def _remembered(self, prefix: str, now: datetime) -> tuple[str, str] | None:
        with self._lock:
            seen, found = self._known.get(prefix, (None, None))
        if seen is not None and now - seen < REMEMBERED:
            return found
        found = self._look_up(prefix)
        with self._lock:
            # Only keys that exist are remembered: wrong ones cannot fill the memory.
            if found is None:
                self._known.pop(prefix, None)
            else:
                self._known[prefix] = (now, found)
        return found


def live_key(connection: psycopg.Connection[Any], prefix: str) -> tuple[str, str] | None:
    """Return digest and scope of a key that is not revoked, None where there is none."""
    row = connection.execute(
        "select digest, scope from reco.api_key where prefix = %s and revoked_at is null",
        (prefix,),
    ).fetchone()
    return (str(row[0]), str(row[1])) if row else None


def _digest(secret: str) -> str:
    # The secret has 256 random bits: a plain hash cannot be searched through.
    return hashlib.sha256(secret.encode()).hexdigest()
