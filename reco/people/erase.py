"""Forget a person: what tells of them goes, what the accounts need stays without a name.

Bookings, deposits and the ledger are the programme's accounts and stay, of an account without name,
age, home and place. Bookings that are still to come, and may be cancelled, are: nobody is left to
come, so the place and the money go back. Others stand, as they would for anybody: it is too late,
or they were made elsewhere and nobody here knows whether the goods were collected.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg

from reco.core.accounts import ERASED
from reco.core.bookings import cancel
from reco.db.session import transaction
from reco.errors import NotFound, RuleBroken, Unavailable
from reco.world import World

# A model that is being published, and the list of whom it holds, come before or after.
_WAIT_FOR_PUBLICATION = b"lock table reco.model_version in share mode"
_LOCK_USER = """
select id from core.beneficiary where external_id = %s and erased_at is null for update
"""
_FORGET = """
update core.beneficiary
set external_id = %(name)s, erased_at = %(now)s,
  birth_date = null, home = null, department = null, created_at = null
where id = %(id)s
"""
_LIVE_BOOKINGS = """
select b.id::text, coalesce(b.collect_by > %(now)s or t.starts_at > %(now)s, false) as is_to_come
from core.booking b join core.stock t on t.id = b.stock_id
where b.user_id = %(id)s and b.used_at is null and b.cancelled_at is null order by b.id
"""
# What is being written of the person right now is waited for, and then goes too. Everybody who
# writes waits behind this, and for 1.5 s at most; but an autovacuum that is in the way is sent away
# only after `deadlock_timeout`, 1 s.
_WAIT_FOR_WRITERS = (
    b"set local lock_timeout = '1300ms'",
    b"lock table core.interaction, reco.slate in share mode",
)
_GONE = {
    "interactions": "delete from core.interaction where user_id = %s",
    "slates": "delete from reco.slate where user_id = %s",
    "tastes": "delete from core.taste where user_id = %s",
    "answers": "delete from core.idempotent_request where user_id = %s",
}
_UNLINK = "update core.booking set slate_id = null where user_id = %s and slate_id is not null"
_STAYS = """
select (select count(*) from core.booking where user_id = %(id)s) as bookings,
  (select count(*) from core.deposit where user_id = %(id)s) as deposits,
  (select count(*) from core.ledger where user_id = %(id)s) as ledger_lines
"""


@dataclass(frozen=True)
class Erasure:
    """What went and what stayed, in rows."""

    interactions: int
    slates: int
    tastes: int
    """Categories, genres and items that they said to like."""
    answers: int
    """To requests of an idempotency key."""
    cancelled: int
    """Bookings that were still to come and could be cancelled."""
    standing: int
    """Other bookings that are not used, as far as is known."""
    bookings: int
    """Bookings that stay, of whatever state."""
    deposits: int
    ledger_lines: int


def erase_person(world: World, user_id: str, now: datetime) -> Erasure:
    """Forget a person, in one transaction.

    From its end on the id is unknown to every worker, and a model that is published later holds
    nothing of them; somebody who registers under the id is somebody else.

    Raises
    ------
    NotFound
        There is no such user, or they are erased.
    Unavailable
        The database does not answer, or somebody writes for long; nothing was erased.
    """
    with transaction(world.conninfo) as connection:
        connection.execute(_WAIT_FOR_PUBLICATION)
        found = connection.execute(_LOCK_USER, (user_id,)).fetchone()
        if found is None:
            raise NotFound("user", user_id)
        name = f"{ERASED}{uuid4()}"
        connection.execute(_FORGET, {"id": found[0], "name": name, "now": now})
        # By now in the name of the erased account, so that the ledger says no other.
        live = connection.execute(_LIVE_BOOKINGS, {"id": found[0], "now": now}).fetchall()
        cancelled = sum(
            _is_cancelled(connection, booking_id, now)
            for booking_id, is_to_come in live
            if is_to_come
        )
        _wait_for_writers(connection)
        gone = {what: connection.execute(sql, found).rowcount for what, sql in _GONE.items()}
        connection.execute(_UNLINK, found)
        bookings, deposits, lines = (
            connection.execute(_STAYS, {"id": found[0]}).fetchone() or (0,) * 3
        )
    return Erasure(
        **gone,
        cancelled=cancelled,
        standing=len(live) - cancelled,
        bookings=bookings,
        deposits=deposits,
        ledger_lines=lines,
    )


def _is_cancelled(connection: psycopg.Connection[Any], booking_id: str, now: datetime) -> bool:
    try:
        cancel(connection, booking_id, None, now)
    except RuleBroken:
        return False
    return True


def _wait_for_writers(connection: psycopg.Connection[Any]) -> None:
    try:
        for statement in _WAIT_FOR_WRITERS:
            connection.execute(statement)
    except psycopg.errors.LockNotAvailable as error:
        raise Unavailable(
            "Something writes interactions for long, an import perhaps; nothing was erased. "
            "Try again when it is done."
        ) from error
