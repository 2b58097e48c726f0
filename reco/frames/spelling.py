"""Names of the taxonomy in staged items, as the database has them from before names were composed.

What is read has its accents in one piece. Without this the items of a category that is kept in two
pieces would be of another category, and their subcategories would have to move.
"""

from typing import Any

import psycopg
from psycopg import sql

# A taxonomy that is sent says itself how its names are written, and moves what must move.
_SPELL = """
    update staged_items i set {name} = kept.name
    from core.{name} kept
    where kept.name is not nfc normalized and normalize(kept.name, nfc) = i.{name}
      and not exists (select from core.{name} same where same.name = i.{name})
      and not exists (select from staged_taxonomy t where t.{name} = i.{name})
"""


def spell_as_kept(connection: psycopg.Connection[Any]) -> None:
    """Write categories and subcategories of the staged items as they are in the database."""
    for name in ("category", "subcategory"):
        connection.execute(sql.SQL(_SPELL).format(name=sql.Identifier(name)))
