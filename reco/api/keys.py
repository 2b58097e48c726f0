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

from reco.core.partners import find_partner
from reco.errors import InvalidInput, NotFound, Unauthorized

SCOPES = ("app", "backoffice", "admin")
OF_PARTNER = "backoffice"
"""The scope of keys that open one partner's venues."""
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
    partner_id: str | None
    """Whose venues it opens, as the partner is called."""


@dataclass(frozen=True)
class Grant:
    """What a key opens."""

    scope: str
    partner_id: int | None
    """Whose venues, in the database's ids; only of `OF_PARTNER`."""


@dataclass(frozen=True)
class LiveKey:
    """A key that is not revoked."""

    digest: str
    grant: Grant


def create_key(
    connection: psycopg.Connection[Any],
    scope: str,
    label: str,
    now: datetime,
    partner: str | None = None,
) -> str:
    """Make a key and return it, the only time that it is seen.

    Parameters
    ----------
    partner
        Whose venues it opens, as `reco partners list` shows it: of scope backoffice alone.

    Raises
    ------
    InvalidInput
        There is no such scope, or it does not go with (or without) a partner.
    NotFound
        There is no such partner.
    """
    if scope not in SCOPES:
        raise InvalidInput("scope", f"{scope!r} is unknown", SCOPES)
    if scope == OF_PARTNER and partner is None:
        raise InvalidInput("partner", f"a key of scope {scope} needs one: whose venues it opens")
    if scope != OF_PARTNER and partner is not None:
        raise InvalidInput("partner", f"a key of scope {scope} opens no partner's venues")
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    owner = find_partner(connection, partner).id if partner is not None else None
    connection.execute(
        "insert into reco.api_key (prefix, digest, scope, label, created_at, partner_id)"
        " values (%s, %s, %s, %s, %s, %s)",
        (prefix, _digest(secret), scope, label, now, owner),
    )
    return f"{prefix}{_SEPARATOR}{secret}"


def list_keys(connection: psycopg.Connection[Any]) -> list[ApiKey]:
    """Return all keys, the newest first."""
    with connection.cursor(row_factory=class_row(ApiKey)) as cursor:
        return cursor.execute(
            "select k.prefix, k.scope, k.label, k.created_at, k.revoked_at,"
            " p.external_id as partner_id"
            " from reco.api_key k left join core.partner p on p.id = k.partner_id"
            " order by k.created_at desc, k.prefix"
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
    """Says what a key opens; remembers answers for `REMEMBERED`."""

    def __init__(self, look_up: Callable[[str], LiveKey | None]) -> None:
        self._look_up = look_up
        self._known: dict[str, tuple[datetime, LiveKey]] = {}
        self._lock = threading.Lock()

    def known_grant(self, key: str, now: datetime) -> Grant | None:
        """Return what `key` opens where that is remembered, else None: `grant` finds out."""
        prefix, _, secret = key.partition(_SEPARATOR)
        found = self._remembered(prefix, now)
        return found.grant if found and _is_right(found, secret) else None

    def grant(self, key: str, now: datetime) -> Grant:
        """Return what `key` opens.

        Raises
        ------
        Unauthorized
            The key is malformed, unknown, wrong or revoked: the answer does not say which.
        """
        prefix, _, secret = key.partition(_SEPARATOR)
        found = self._found(prefix, now) if _PREFIX.fullmatch(prefix) else None
        is_right = _is_right(found, secret)
        if found is None or not is_right:
            raise Unauthorized("The API key is unknown, wrong or revoked.")
        return found.grant

    def _found(self, prefix: str, now: datetime) -> LiveKey | None:
        remembered = self._remembered(prefix, now)
        if remembered is not None:
            return remembered
        found = self._look_up(prefix)
        with self._lock:
            # Only keys that exist are remembered: wrong ones cannot fill the memory.
            if found is None:
                self._known.pop(prefix, None)
            else:
                self._known[prefix] = (now, found)
        return found

    def _remembered(self, prefix: str, now: datetime) -> LiveKey | None:
        with self._lock:
            known = self._known.get(prefix)
        # A clock that was set back makes nothing younger than it is.
        is_fresh = known is not None and timedelta() <= now - known[0] < REMEMBERED
        return known[1] if known is not None and is_fresh else None


def live_key(connection: psycopg.Connection[Any], prefix: str) -> LiveKey | None:
    """Return a key that is not revoked, None where there is none."""
    row = connection.execute(
        "select digest, scope, partner_id from reco.api_key"
        " where prefix = %s and revoked_at is null",
        (prefix,),
    ).fetchone()
    return LiveKey(row[0], Grant(row[1], row[2])) if row else None


def _is_right(found: LiveKey | None, secret: str) -> bool:
    # Compared in full whether or not the prefix exists, so that time tells nothing.
    digest = found.digest if found else ""
    return hmac.compare_digest(digest.encode(), _digest(secret).encode())


def _digest(secret: str) -> str:
    # The secret has 256 random bits: a plain hash cannot be searched through.
    return hashlib.sha256(secret.encode()).hexdigest()
