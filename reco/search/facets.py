"""Facets: the kernel's counts under the names that people know."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.snapshot import Catalogue
from reco.search.answer import BandCount, DayCount, Facets, FlagCount, ValueCount
from reco.search.layout import (
    BAND_BIT,
    BANDS_CENTS,
    DAYS,
    DIGITAL_BIT,
    DUO_BIT,
    LATER_BIT,
    UNDATED_BIT,
)
from reco.search.query import SearchQuery
from reco.search.scan import Counts, first_day
from reco.search.windows import day_borders


def facets_of(catalogue: Catalogue, query: SearchQuery, counts: Counts) -> Facets:
    """Return the counts with their values; what has none is left out, but for yes and no."""
    bits = counts.bits.tolist()
    days = [
        at.astimezone(query.zone).date() for at in day_borders(first_day(query), DAYS, query.zone)
    ]
    return Facets(
        category=_named(catalogue.categories, counts.category),
        subcategory=_named(catalogue.subcategories, counts.subcategory),
        day=tuple(DayCount(days[day], bits[day]) for day in range(DAYS) if bits[day]),
        later=bits[LATER_BIT],
        undated=bits[UNDATED_BIT],
        price=_bands(bits[BAND_BIT : BAND_BIT + len(BANDS_CENTS) + 1]),
        duo=_flags(bits[DUO_BIT : DUO_BIT + 2]),
        digital=_flags(bits[DIGITAL_BIT : DIGITAL_BIT + 2]),
    )


def _named(names: Mapping[int, str], counts: NDArray[np.int64]) -> tuple[ValueCount, ...]:
    """Return the most frequent first, then by name."""
    by_id = dict(enumerate(counts.tolist()))
    found = [ValueCount(name, by_id[key]) for key, name in names.items() if by_id.get(key)]
    return tuple(sorted(found, key=lambda value: (-value.count, value.value)))


def _bands(counts: list[int]) -> tuple[BandCount, ...]:
    least = [0, *(border + 1 for border in BANDS_CENTS)]
    most = [*BANDS_CENTS, None]
    bands = zip(least, most, counts, strict=True)
    return tuple(BandCount(*band) for band in bands if band[2])


def _flags(counts: list[int]) -> tuple[FlagCount, ...]:
    return tuple(FlagCount(value, counts[value]) for value in (False, True))
