"""Everything that is held of a person, as one document."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from reco.core.booking_records import read_bookings
from reco.db.session import transaction
from reco.errors import NotFound
from reco.model.loaded import LoadedModel
from reco.people.models import stored_models
from reco.world import World

_ALL = 2**31
"""More bookings than anybody has."""

_PERSON = """
select id, external_id as user_id, birth_date, st_y(home::geometry) as lat,
  st_x(home::geometry) as lon, department, created_at
from core.beneficiary where external_id = %(user_id)s and erased_at is null
"""
_SLATE_OF_BOOKING = "select id::text, slate_id from core.booking where user_id = %(id)s"
_SECTIONS: Mapping[str, str] = {
    "deposits": """
        select id::text as deposit_id, amount_cents, digital_cap_cents, physical_cap_cents,
          offer_limit_cents, age, granted_at, expires_at
        from core.deposit where user_id = %(id)s order by granted_at, id
    """,
    "ledger": """
        select at, kind, amount_cents, booking_id::text, deposit_id::text, actor
        from core.ledger where user_id = %(id)s order by id
    """,
    "requests": """
        select key, fingerprint, answer, at
        from core.idempotent_request where user_id = %(id)s order by at, key
    """,
    "tastes": """
        select kind, value, at from core.taste where user_id = %(id)s order by kind, value
    """,
    "interactions": """
        select x.kind, x.at, o.external_id as offer_id, i.external_id as item_id, i.title, x.value,
          x.slate_id, x.split
        from core.interaction x
        left join core.offer o on o.id = x.offer_id
        left join core.item i on i.id = o.item_id
        where x.user_id = %(id)s order by x.at, o.external_id, x.kind
    """,
    "slates": """
        select s.id as slate_id, s.at, s.model_version, s.catalogue_version, s.experiment,
          s.variant,
          st_y(s.location::geometry) as lat, st_x(s.location::geometry) as lon, s.radius_m,
          case when s.query ? 'shown_offers' then
            s.query - '{shown_offers,shown_probabilities}'::text[] || jsonb_build_object(
              'shown_before', (
                select coalesce(jsonb_agg(o.external_id order by before.place), '[]')
                from jsonb_array_elements_text(s.query -> 'shown_offers') with ordinality
                  as before (offer, place)
                join core.offer o on o.id = before.offer::bigint
              )
            )
          else s.query end as query, s.seed, s.relevance_kept, (
            select coalesce(json_agg(json_build_object('offer_id', o.external_id,
              'title', i.title, 'probability', shown.probability,
              'propensity', shown.propensity, 'gain', shown.gain) order by shown.place), '[]')
            from unnest(s.offers, s.probabilities, s.propensities, s.gains) with ordinality
              as shown (offer, probability, propensity, gain, place)
            left join core.offer o on o.id = shown.offer
            left join core.item i on i.id = o.item_id
          ) as offers
        from reco.slate s where s.user_id = %(id)s order by s.at, s.id
    """,
}
"""Part of the document to its query; ids are those on the wire, money is in cents."""


def export_person(world: World, user_id: str, now: datetime) -> dict[str, Any]:
    """Return everything that the database and the models of a world hold of a person.

    All of the database is read at one moment.

    Returns
    -------
    A document for JSON: profile, deposits, bookings, ledger, requests (what was answered to
    bookings of an idempotency key), tastes (as stated), interactions, slates (what was shown,
    where and when), models (each that holds them, with the weights of their items),
    models_not_read (with the reason).

    Raises
    ------
    NotFound
        There is no such user, or they are erased.
    Unavailable
        The database does not answer.
    """
    with transaction(world.conninfo, read_only=True) as connection:
        person = _row(connection, user_id)
        asked = {"id": person.pop("id")}
        found = {
            "profile": person,
            "bookings": _bookings(connection, user_id, asked),
            **{name: _rows(connection, query, asked) for name, query in _SECTIONS.items()},
        }
    stored = list(stored_models(world))
    return {
        "user_id": user_id,
        "exported_at": now,
        **found,
        "models": [
            {
                "version": kept.version,
                "state": kept.state,
                "history": list(_history(model, user_id)),
            }
            for kept in stored
            if (model := kept.model) and kept.knows(user_id) and _is_of(model, person)
        ],
        "models_not_read": [kept.refused for kept in stored if kept.refused],
    }


def _row(connection: psycopg.Connection[Any], user_id: str) -> dict[str, Any]:
    rows = _rows(connection, _PERSON, {"user_id": user_id})
    if not rows:
        raise NotFound("user", user_id)
    return rows[0]


def _rows(
    connection: psycopg.Connection[Any], query: str, asked: Mapping[str, Any]
) -> list[dict[str, Any]]:
    return connection.cursor(row_factory=dict_row).execute(query.encode(), asked).fetchall()


def _bookings(
    connection: psycopg.Connection[Any], user_id: str, asked: Mapping[str, Any]
) -> list[dict[str, Any]]:
    slates = dict(connection.execute(_SLATE_OF_BOOKING, asked).fetchall())
    return [
        asdict(booking) | {"slate_id": slates[booking.booking_id]}
        for booking in read_bookings(connection, user_id, n=_ALL).bookings
    ]


def _history(model: LoadedModel, user_id: str) -> Iterator[dict[str, Any]]:
    history = model.user_history(user_id)
    for row, weight in zip(history.rows, history.weights, strict=True):
        yield {"item_id": model.items[row].decode(), "weight": float(weight)}


def _is_of(model: LoadedModel, person: Mapping[str, Any]) -> bool:
    """Say whether the id of that model is this account, and not an erased one of the same id."""
    return person["created_at"] is None or person["created_at"] <= model.created_at
