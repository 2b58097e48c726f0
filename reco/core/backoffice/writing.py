"""Write rows of a partner's catalogue: one transaction, whether one row or a thousand."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import orjson
import psycopg

from reco.core.backoffice.deciding import (
    changed_natures,
    decide_offer,
    decide_stock,
    decide_venue,
)
from reco.core.backoffice.holding import (
    Held,
    HeldStock,
    Holding,
    lock_stocks,
    read_holding,
)
from reco.core.backoffice.rows import OfferRow, Outcome, Row, StockRow, VenueRow, WorkRow
from reco.core.partners import lock_partner

_VENUES = """
insert into core.venue (partner_id, partner_ref, external_id, name, venue_type, location, timezone,
  opening)
select %(partner)s, r.id, r.public_id, r.name, r.venue_type,
  st_setsrid(st_makepoint(r.lon, r.lat), 4326)::geography, r.timezone, r.opening
from json_to_recordset(%(rows)s) as r (id text, public_id text, name text, venue_type text,
  lat double precision, lon double precision, timezone text, opening text)
on conflict (partner_id, partner_ref) do update set name = excluded.name,
  venue_type = excluded.venue_type, location = excluded.location, timezone = excluded.timezone,
  opening = excluded.opening
"""
_WORKS = """
insert into core.item (partner_id, partner_ref, external_id, title, category_id, subcategory_id,
  genres, description, image_url)
select %(partner)s, r.id, r.public_id, r.title, c.id, s.id, r.genres, r.description, r.image_url
from json_to_recordset(%(rows)s) as r (id text, public_id text, title text, category text,
  subcategory text, genres text[], description text, image_url text)
join core.category c on c.name = r.category
left join core.subcategory s on s.name = r.subcategory
on conflict (partner_id, partner_ref) do update set title = excluded.title,
  category_id = excluded.category_id, subcategory_id = excluded.subcategory_id,
  genres = excluded.genres, description = excluded.description, image_url = excluded.image_url
"""
_OFFERS = """
insert into core.offer (partner_id, partner_ref, external_id, item_id, venue_id, is_duo, url,
  published_at, withdrawn_at)
select %(partner)s, r.id, r.public_id, i.id, v.id, r.is_duo, r.url, r.published_at, r.withdrawn_at
from json_to_recordset(%(rows)s) as r (id text, public_id text, item_id text, venue_id text,
  is_duo boolean, url text, published_at timestamptz, withdrawn_at timestamptz)
join core.item i on i.external_id = r.item_id
left join lateral (
  select id from core.venue where partner_id = %(partner)s and partner_ref = r.venue_id limit 1
) v on true
on conflict (partner_id, partner_ref) do update set item_id = excluded.item_id,
  venue_id = excluded.venue_id, is_duo = excluded.is_duo, url = excluded.url,
  published_at = excluded.published_at, withdrawn_at = excluded.withdrawn_at
"""
_STOCKS = """
insert into core.stock (partner_id, partner_ref, external_id, offer_id, price_cents, starts_at,
  ends_at, quantity, booking_limit_at, created_at)
select %(partner)s, r.id, r.public_id, o.id, r.price_cents, r.starts_at, r.ends_at, r.quantity,
  r.booking_limit_at, %(now)s
from json_to_recordset(%(rows)s) as r (id text, public_id text, offer_id text, price_cents integer,
  starts_at timestamptz, ends_at timestamptz, quantity integer, booking_limit_at timestamptz)
cross join lateral (
  select id from core.offer where partner_id = %(partner)s and partner_ref = r.offer_id limit 1
) o
on conflict (partner_id, partner_ref) do update set offer_id = excluded.offer_id,
  price_cents = excluded.price_cents, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
  quantity = excluded.quantity, booking_limit_at = excluded.booking_limit_at
"""


def write_rows(
    connection: psycopg.Connection[Any], partner_id: int, rows: Sequence[Row], now: datetime
) -> list[Outcome]:
    """Create or change what `rows` say, each on its own; those refused stay as they were.

    Venues come before offers and offers before stocks, in whatever order the rows are; of rows
    with the same id the later one wins. A row that is there as it should be is not touched.

    Parameters
    ----------
    connection
        In autocommit mode.
    partner_id
        In the database's ids.

    Returns
    -------
    (rows,) what became of each.

    Raises
    ------
    NotFound
        There is no such partner.
    """
    with connection.transaction():
        partner = lock_partner(connection, partner_id)
        holding = read_holding(connection, partner, rows, now)
        spelled = [holding.taxonomy.spelled(row) for row in rows]
        outcomes = _decided(connection, holding, spelled, now)
        _write(connection, holding, now)
        return [outcomes[place] for place in range(len(rows))]


def _decided(
    connection: psycopg.Connection[Any], holding: Holding, rows: Sequence[Row], now: datetime
) -> dict[int, Outcome]:
    """Return the outcome of each row by its place."""
    outcomes = {
        place: decide_venue(holding, row)
        for place, row in enumerate(rows)
        if isinstance(row, VenueRow)
    }
    stocks = {place: row for place, row in enumerate(rows) if isinstance(row, StockRow)}
    offers, works = changed_natures(holding, rows)
    # Bookings wait for those alone that may change, or count otherwise.
    changing = _changing(holding, stocks.values())
    if offers or works or changing:
        lock_stocks(connection, holding, changing, offers, works, now=now)
    outcomes |= {
        place: decide_offer(holding, row)
        for place, row in enumerate(rows)
        if isinstance(row, OfferRow)
    }
    return outcomes | {place: decide_stock(holding, row, now) for place, row in stocks.items()}


def _changing(holding: Holding, rows: Iterable[StockRow]) -> list[str]:
    """Return the stocks, by own ids, that rows may change."""
    found = ((holding.stocks.get(row.id), row) for row in rows)
    # Two rows of one stock lock it once.
    return list({row.id: None for held, row in found if held and held.row != row})


def _write(connection: psycopg.Connection[Any], holding: Holding, now: datetime) -> None:
    written = holding.written
    venues = [_given(holding.venues[id_]) for id_ in written["venue"]]
    works = [
        _columns(work) | {"public_id": public_id}
        for public_id in written["work"]
        if (work := holding.works[public_id].row)
    ]
    offers = [_given(holding.offers[id_]) for id_ in written["offer"]]
    stocks = [_given(holding.stocks[id_]) for id_ in written["stock"]]
    tables = ((_VENUES, venues), (_WORKS, works), (_OFFERS, offers), (_STOCKS, stocks))
    asked = {"partner": holding.partner.id, "now": now}
    with connection.pipeline():
        for statement, rows in tables:
            if rows:
                sent = orjson.dumps(rows).decode()
                connection.execute(statement.encode(), asked | {"rows": sent})


def _given(held: Held[VenueRow] | Held[OfferRow] | HeldStock) -> dict[str, Any]:
    return _columns(held.row) | {"public_id": held.public_id}


def _columns(row: Row | WorkRow) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in fields(row)}
