"""The categories of this world, as a partner's rows are checked against them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import psycopg

from reco.core.accents import as_known
from reco.core.backoffice.rows import OfferRow, Row

_READ = """
select c.name, s.name, s.is_event, s.is_digital, s.is_physical
from core.category c left join core.subcategory s on s.category_id = c.id
order by c.name, s.name
"""


class Nature(NamedTuple):
    """What a subcategory says of its works; None: it does not say."""

    is_event: bool | None = None
    is_digital: bool | None = None
    is_physical: bool | None = None


UNTOLD = Nature()
"""Of a work without a subcategory."""


@dataclass(frozen=True)
class Taxonomy:
    """Category to its subcategories, each with its nature."""

    categories: Mapping[str, Mapping[str, Nature]]

    def nature(self, category: str, subcategory: str | None) -> Nature:
        """Return the nature of a work."""
        if subcategory is None:
            return UNTOLD
        return self.categories.get(category, {}).get(subcategory, UNTOLD)

    def spelled(self, row: Row) -> Row:
        """Return a row whose work's category and subcategory have their accents as here."""
        if not isinstance(row, OfferRow) or row.work is None:
            return row
        category = as_known(row.work.category, self.categories)
        work = replace(row.work, category=category)
        if work.subcategory is not None:
            known = self.categories.get(category, {})
            work = replace(work, subcategory=as_known(work.subcategory, known))
        return replace(row, work=work)


def read_taxonomy(connection: psycopg.Connection[Any]) -> Taxonomy:
    """Return the taxonomy of this world."""
    categories: dict[str, dict[str, Nature]] = {}
    for category, subcategory, *flags in connection.execute(_READ):
        known = categories.setdefault(category, {})
        if subcategory is not None:
            known[subcategory] = Nature(*flags)
    return Taxonomy(categories)
