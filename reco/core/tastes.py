"""What people say that they like: asked once, when nothing else is known of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg

from reco.core.accents import require_known
from reco.errors import InvalidInput, NotFound

_LISTED = 200
"""Accepted values that an error lists at most."""

# Locked, so that of two statements at once one is kept whole.
_LOCK_USER = """
select id from core.beneficiary where external_id = %s and erased_at is null for no key update
"""
_UNKNOWN_ITEMS = """
select t.id from unnest(%s::text[]) with ordinality as t (id, place)
where not exists (select from core.item i where i.external_id = t.id) order by place limit 1
"""
_STATED = """
select u.external_id as user_id, coalesce(t.kind, ''), t.value, t.at
from core.beneficiary u left join core.taste t on t.user_id = u.id
where u.external_id = %s and u.erased_at is null order by t.kind, t.value
"""
_STATE = """
insert into core.taste (user_id, kind, value, at)
select %s, t.kind, t.value, %s from unnest(%s::text[], %s::text[]) as t (kind, value)
"""


@dataclass(frozen=True)
class Tastes:
    """What a person says to like, ids and names as on the wire."""

    categories: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    items: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, str]]:
        """Return each kind and value, once."""
        named = {"category": self.categories, "genre": self.genres, "item": self.items}
        return list(dict.fromkeys((kind, value) for kind in named for value in named[kind]))


@dataclass(frozen=True)
class StatedTastes:
    """What a person said last; empty, with no time: nothing."""

    user_id: str
    categories: tuple[str, ...]
    genres: tuple[str, ...]
    items: tuple[str, ...]
    stated_at: datetime | None


def state_tastes(
    connection: psycopg.Connection[Any],
    user_id: str,
    tastes: Tastes,
    known_genres: Collection[str],
    now: datetime,
) -> StatedTastes:
    """Keep what a person likes in the place of what was said before, all or nothing.

    Parameters
    ----------
    known_genres
        Those that there are.

    Raises
    ------
    NotFound
        There is no such user.
    InvalidInput
        A category, genre or item does not exist; the field names the first one.
    """
    with connection.transaction():
        found = connection.execute(_LOCK_USER, (user_id,)).fetchone()
        if found is None:
            raise NotFound("user", user_id)
        categories = connection.execute("select name from core.category").fetchall()
        stated = replace(
            tastes,
            categories=_known("categories", tastes.categories, {name for (name,) in categories}),
            genres=_known("genres", tastes.genres, known_genres),
        )
        _check_items(connection, tastes.items)
        connection.execute("delete from core.taste where user_id = %s", found)
        kinds, values = zip(*stated.rows(), strict=True) if stated.rows() else ((), ())
        connection.execute(_STATE, (found[0], now, list(kinds), list(values)))
        return read_tastes(connection, user_id)


def read_tastes(connection: psycopg.Connection[Any], user_id: str) -> StatedTastes:
    """Return what a person said last, or raise `NotFound`."""
    rows = connection.execute(_STATED, (user_id,)).fetchall()
    if not rows:
        raise NotFound("user", user_id)
    categories, genres, items = (
        tuple(value for _, of, value, _ in rows if of == kind)
        for kind in ("category", "genre", "item")
    )
    return StatedTastes(user_id, categories, genres, items, rows[0][3])


def _known(field: str, names: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    return tuple(
        require_known(f"{field}[{place}]", name, known, _LISTED) for place, name in enumerate(names)
    )


def _check_items(connection: psycopg.Connection[Any], items: Sequence[str]) -> None:
    unknown = connection.execute(_UNKNOWN_ITEMS, (list(items),)).fetchone()
    if unknown:
        place = list(items).index(unknown[0])
        raise InvalidInput(f"items[{place}]", f"{unknown[0]!r} is unknown")
