"""Which cap of a credit stocks count against, for all of them at once."""

from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from reco.catalogue.shelf import CAPS

_FLAGS = """
select id, coalesce(is_event::int, -1), coalesce(is_digital::int, -1),
  coalesce(is_physical::int, -1)
from core.subcategory
"""


def read_flags(connection: psycopg.Connection[Any]) -> NDArray[np.int8]:
    """Return what is known of each subcategory, by id, as `cap_codes` takes it."""
    read = np.array(connection.execute(_FLAGS).fetchall(), dtype=np.int64).reshape(-1, 4)
    flags = np.full((read[:, 0].max(initial=0) + 1, 3), -1, dtype=np.int8)
    flags[read[:, 0]] = read[:, 1:]
    return flags


def cap_codes(
    flags: NDArray[np.int8], is_dated: NDArray[np.bool_], has_venue: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """Return which cap each stock counts against, an index in `CAPS`: the SQL's `core.cap_of`.

    Parameters
    ----------
    flags
        (S, 3) is_event, is_digital, is_physical of its subcategory; -1 unknown.
    """
    is_event = np.where(flags[:, 0] < 0, is_dated, flags[:, 0] == 1)
    is_digital, is_physical = (flags[:, 1] == 1) | ~has_venue, flags[:, 2] == 1
    none, digital, physical = (CAPS.index(cap) for cap in ("none", "digital", "physical"))
    told = [is_event, is_digital, is_physical]
    return np.select(told, [none, digital, physical], default=none).astype(np.int8)
