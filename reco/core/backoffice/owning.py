"""Find what is a partner's by its own id; what is another's is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row

from reco.core.backoffice.rows import Kind
from reco.errors import Forbidden, NotFound

_FIND: Mapping[Kind, str] = {
    "venue": """
select id, external_id as public_id, partner_id is not distinct from %(partner)s as is_own
from core.venue
where partner_id = %(partner)s and partner_ref = %(own_id)s
  or external_id = %(own_id)s and partner_id is distinct from %(partner)s
""",
    "offer": """
select id, external_id as public_id, partner_id is not distinct from %(partner)s as is_own
from core.offer
where partner_id = %(partner)s and partner_ref = %(own_id)s
  or external_id = %(own_id)s and partner_id is distinct from %(partner)s
""",
    "stock": """
select id, external_id as public_id, partner_id is not distinct from %(partner)s as is_own
from core.stock
where partner_id = %(partner)s and partner_ref = %(own_id)s
  or external_id = %(own_id)s and partner_id is distinct from %(partner)s
""",
}


@dataclass(frozen=True)
class Owned:
    """Something of a partner's."""

    id: int
    """In the database."""
    public_id: str
    is_own: bool


def own_row(connection: psycopg.Connection[Any], partner_id: int, kind: Kind, own_id: str) -> Owned:
    """Return what a partner (in the database's ids) calls `own_id`.

    Raises
    ------
    Forbidden
        It is the public id of something that is not the partner's.
    NotFound
        It is nothing's.
    """
    with connection.cursor(row_factory=class_row(Owned)) as cursor:
        asked = {"partner": partner_id, "own_id": own_id}
        found = cursor.execute(_FIND[kind].encode(), asked).fetchall()
    for owned in found:
        if owned.is_own:
            return owned
    if found:
        raise Forbidden(f"The {kind} {own_id!r} is not this partner's.")
    raise NotFound(kind, own_id)
