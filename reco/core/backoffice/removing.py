"""Withdraw offers, cancel stocks: each safe to do twice."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from reco.core.backoffice.owning import own_row
from reco.core.partners import lock_partner
from reco.core.stocks import PATIENCE, cancel_stocks

# Locked in the order of ids, as everywhere.
_OFFERS = """
select id from core.offer
where partner_id = %(partner)s and (id = %(offer)s or venue_id = %(venue)s)
order by id for no key update
"""
_WITHDRAW = """
update core.offer set withdrawn_at = %(now)s
where id = any(%(offers)s) and (withdrawn_at is null or withdrawn_at > %(now)s)
"""


@dataclass(frozen=True)
class Withdrawn:
    """What was withdrawn: bookings of it stand."""

    id: str
    public_id: str
    offers: int
    """How many offers were not withdrawn before."""


@dataclass(frozen=True)
class Cancelled:
    """A stock that was cancelled, and how many bookings were refunded by it."""

    id: str
    public_id: str
    refunded: int


def withdraw_venue(
    connection: psycopg.Connection[Any], partner_id: int, own_id: str, now: datetime
) -> Withdrawn:
    """Withdraw all offers of a venue of a partner (in the database's ids); bookings stand.

    Raises
    ------
    NotFound, Forbidden
        There is no such venue, or it is not the partner's.
    """
    with connection.transaction():
        lock_partner(connection, partner_id)
        owned = own_row(connection, partner_id, "venue", own_id)
        asked = {"partner": partner_id, "venue": owned.id, "offer": None}
        return Withdrawn(own_id, owned.public_id, _withdraw(connection, asked, now))


def withdraw_offer(
    connection: psycopg.Connection[Any], partner_id: int, own_id: str, now: datetime
) -> Withdrawn:
    """Withdraw an offer of a partner (in the database's ids); bookings stand.

    Raises
    ------
    NotFound, Forbidden
        There is no such offer, or it is not the partner's.
    """
    with connection.transaction():
        lock_partner(connection, partner_id)
        owned = own_row(connection, partner_id, "offer", own_id)
        asked = {"partner": partner_id, "venue": None, "offer": owned.id}
        return Withdrawn(own_id, owned.public_id, _withdraw(connection, asked, now))


def cancel_stock(
    connection: psycopg.Connection[Any], partner_id: int, own_id: str, now: datetime
) -> Cancelled:
    """Cancel a stock of a partner (in the database's ids), and refund its bookings.

    Raises
    ------
    NotFound, Forbidden
        There is no such stock, or it is not the partner's.
    """
    with connection.transaction():
        partner = lock_partner(connection, partner_id)
        owned = own_row(connection, partner_id, "stock", own_id)
        refunded = cancel_stocks(connection, [owned.id], partner.actor, now)
        return Cancelled(own_id, owned.public_id, refunded)


def _withdraw(
    connection: psycopg.Connection[Any], asked: dict[str, int | None], now: datetime
) -> int:
    connection.execute(PATIENCE)
    offers = [id_ for (id_,) in connection.execute(_OFFERS, asked)]
    return connection.execute(_WITHDRAW, {"offers": offers, "now": now}).rowcount
