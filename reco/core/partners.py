"""Cultural actors: who they are, and the venues that are theirs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from reco.errors import Forbidden, InvalidInput, NotFound

SEPARATOR = ":"
"""Between a partner and its own id in the public id of what it makes."""
_PARTNER_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_LONGEST_NAME = 200

_FIND = "select id, external_id as partner_id, name from core.partner "
_LIST = """
select p.external_id as partner_id, p.name,
  (select count(*) from core.venue where partner_id = p.id) as venues,
  (select count(*) from core.offer where partner_id = p.id) as offers
from core.partner p order by p.external_id
"""
_LOCK_VENUES = """
select id, external_id, partner_id from core.venue where external_id = any(%s)
order by id for no key update
"""
_FOREIGN_OFFER = """
select external_id from core.offer
where venue_id = any(%(venues)s) and partner_id <> %(partner)s order by id limit 1
"""
# Each in the order of ids, as everybody locks them.
_LOCK_OFFERS = "select id from core.offer where venue_id = any(%s) order by id for no key update"
_LOCK_STOCKS = "select id from core.stock where offer_id = any(%s) order by id for no key update"
# Works are shared; those that the partner made before, in the world that these come from, are its.
_LOCK_WORKS = """
select id from core.item
where partner_id is null and starts_with(external_id, %(prefix)s)
  and id in (select item_id from core.offer where venue_id = any(%(venues)s))
order by id for no key update
"""
_BIND = sql.SQL(
    "update core.{table} set partner_id = %(partner)s, partner_ref = case"
    " when starts_with(external_id, %(prefix)s) then substr(external_id, length(%(prefix)s) + 1)"
    " else external_id end"
    " where id = any(%(ids)s) and partner_id is null"
)


@dataclass(frozen=True)
class Partner:
    """A cultural actor."""

    id: int
    """In the database."""
    partner_id: str
    """For people, keys and public ids."""
    name: str

    @property
    def actor(self) -> str:
        """What the ledger calls it."""
        return f"partner:{self.partner_id}"

    def public_id(self, own_id: str) -> str:
        """Return the id on the wire of what it calls `own_id`.

        >>> Partner(1, "lune", "Théâtre de la Lune").public_id("salle-1")
        'lune:salle-1'
        """
        return f"{self.partner_id}{SEPARATOR}{own_id}"


@dataclass(frozen=True)
class PartnerShown:
    """A cultural actor, and how much it has."""

    partner_id: str
    name: str
    venues: int
    offers: int


@dataclass(frozen=True)
class Bound:
    """How many rows became a partner's."""

    venues: int
    offers: int
    stocks: int


def create_partner(connection: psycopg.Connection[Any], partner_id: str, name: str) -> None:
    """Create a partner.

    Raises
    ------
    InvalidInput
        The id is malformed or taken, or the name is empty or too long.
    """
    if not _PARTNER_ID.fullmatch(partner_id):
        raise InvalidInput(
            "partner", f"{partner_id!r} is no id: a-z, 0-9, - and _, 40 at most, no - or _ first"
        )
    if not name.strip() or len(name) > _LONGEST_NAME or "\0" in name:
        raise InvalidInput("name", f"it has 1 to {_LONGEST_NAME} characters")
    made = connection.execute(
        "insert into core.partner (external_id, name) values (%s, %s) on conflict do nothing",
        (partner_id, name.strip()),
    )
    if made.rowcount == 0:
        raise InvalidInput("partner", f"{partner_id!r} is taken")


def list_partners(connection: psycopg.Connection[Any]) -> list[PartnerShown]:
    """Return all partners, by id."""
    with connection.cursor(row_factory=class_row(PartnerShown)) as cursor:
        return cursor.execute(_LIST).fetchall()


def find_partner(connection: psycopg.Connection[Any], partner_id: str) -> Partner:
    """Return the partner of that id, or raise `NotFound`."""
    return _found(connection, _FIND + "where external_id = %s", partner_id)


def read_partner(connection: psycopg.Connection[Any], id_: int) -> Partner:
    """Return the partner of that id in the database, or raise `NotFound`."""
    return _found(connection, _FIND + "where id = %s", id_)


def lock_partner(connection: psycopg.Connection[Any], id_: int) -> Partner:
    """Return the partner of that id in the database, locked: its writes come one after another.

    Raises
    ------
    NotFound
        There is no such partner.
    """
    return _found(connection, _FIND + "where id = %s for no key update", id_)


def bind_venues(
    connection: psycopg.Connection[Any], partner_id: str, venue_ids: Sequence[str]
) -> Bound:
    """Give existing venues, their offers and stocks to a partner; once given, nothing changes.

    The partner's own ids of them are their public ids, without its own id before them: what it had
    made where they come from is its own again, works too.

    Parameters
    ----------
    venue_ids
        Public ids.

    Raises
    ------
    NotFound
        There is no such partner or venue; nothing was given.
    Forbidden
        One of them, or an offer there, is another partner's.
    InvalidInput
        The partner has something else of such an own id.
    """
    with connection.transaction():
        partner = lock_partner(connection, find_partner(connection, partner_id).id)
        venues = _lock_venues(connection, partner, venue_ids)
        named = {"prefix": partner.public_id(""), "venues": venues}
        works = [id_ for (id_,) in connection.execute(_LOCK_WORKS, named)]
        offers = _ids(connection, _LOCK_OFFERS, venues)
        stocks = _ids(connection, _LOCK_STOCKS, offers)
        try:
            _bind(connection, "item", partner, works)
            return Bound(
                _bind(connection, "venue", partner, venues),
                _bind(connection, "offer", partner, offers),
                _bind(connection, "stock", partner, stocks),
            )
        except psycopg.errors.UniqueViolation as error:
            raise InvalidInput(
                "venue_id",
                f"{partner_id} calls something of its own so: {error.diag.message_detail}",
            ) from error


def _lock_venues(
    connection: psycopg.Connection[Any], partner: Partner, venue_ids: Sequence[str]
) -> list[int]:
    rows = connection.execute(_LOCK_VENUES, (list(venue_ids),)).fetchall()
    known = {external_id for _, external_id, _ in rows}
    for venue_id in venue_ids:
        if venue_id not in known:
            raise NotFound("venue", venue_id)
    for _, external_id, owner in rows:
        if owner not in {None, partner.id}:
            raise Forbidden(f"The venue {external_id!r} is another partner's.")
    venues = [id_ for id_, _, _ in rows]
    asked = {"venues": venues, "partner": partner.id}
    foreign = connection.execute(_FOREIGN_OFFER, asked).fetchone()
    if foreign is not None:
        raise Forbidden(f"The offer {foreign[0]!r} is another partner's.")
    return venues


def _ids(connection: psycopg.Connection[Any], statement: str, parents: list[int]) -> list[int]:
    return [id_ for (id_,) in connection.execute(statement.encode(), (parents,))]


def _bind(connection: psycopg.Connection[Any], table: str, partner: Partner, ids: list[int]) -> int:
    statement = _BIND.format(table=sql.Identifier(table))
    named = {"partner": partner.id, "prefix": partner.public_id(""), "ids": ids}
    return connection.execute(statement, named).rowcount


def _found(connection: psycopg.Connection[Any], statement: str, key: str | int) -> Partner:
    with connection.cursor(row_factory=class_row(Partner)) as cursor:
        partner = cursor.execute(statement.encode(), (key,)).fetchone()
    if partner is None:
        raise NotFound("partner", str(key))
    return partner
