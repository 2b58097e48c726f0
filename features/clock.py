"""On which weekday and at which hour something begins, by the clock of where it takes place.

What zones do is read from the time zone database of the machine, in training as in serving.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

ZONE = "Europe/Paris"
"""Whose clock counts where a venue tells none or an unknown one, and for what is digital."""
HOURS = 168
"""Of a week, from Monday 0:00 on; an hour of the week is `24 * weekday + hour`."""
UNDATED = HOURS
"""In place of an hour: it takes place at any time."""

UNDATED_US = int(np.iinfo(np.int64).max)
"""In place of a start in microseconds."""
_QUARTER_S = 900
_QUARTER_US = _QUARTER_S * 1_000_000
"""Clocks differ by whole quarters of an hour."""
_FIRST, _LAST = (
    int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) // _QUARTER_S for year in (2, 9_998)
)
"""Quarters that every zone can tell: what is dated beyond them counts as they do."""


def week_hours(
    starts_us: NDArray[np.int64], zones: Sequence[str | None], place: NDArray[np.integer]
) -> NDArray[np.int16]:
    """Return the hour of the week (S,) of each start, `UNDATED` where there is none.

    Parameters
    ----------
    starts_us
        (S,) microseconds since 1970 UTC, the largest int64 where undated.
    zones
        Names of zones by place, such as `Indian/Reunion`; None: not told.
    place
        (S,) row in `zones`; from `len(zones)` on: nowhere.

    >>> friday_at_8_pm_utc = np.array([1_764_360_000_000_000])
    >>> week_hours(friday_at_8_pm_utc, ["Indian/Reunion"], np.array([0]))
    array([120], dtype=int16)
    """
    hours = np.full(len(starts_us), UNDATED, dtype=np.int16)
    dated = np.flatnonzero(starts_us != UNDATED_US)
    names, zone = np.unique([name or ZONE for name in (*zones, None)], return_inverse=True)
    of_dated = zone[np.minimum(place[dated], len(zones))]
    quarters = np.clip(starts_us[dated] // _QUARTER_US, _FIRST, _LAST)
    # A year has few quarters of an hour beside the sessions of a country.
    distinct, which = np.unique(quarters * len(names) + of_dated, return_inverse=True)
    clocks = [zone_of(str(name)) or ZoneInfo(ZONE) for name in names]
    told = [_hour(key // len(names), clocks[key % len(names)]) for key in distinct.tolist()]
    hours[dated] = np.array(told, dtype=np.int16)[which]
    return hours


def _hour(quarter: int, clock: ZoneInfo) -> int:
    here = datetime.fromtimestamp(quarter * _QUARTER_S, clock)
    return 24 * here.weekday() + here.hour


def zone_of(name: str | None) -> ZoneInfo | None:
    """Return the time zone of a name, None where there is none of it."""
    return ZoneInfo(name) if name and is_zone(name) else None


@lru_cache(maxsize=1_000)
def is_zone(name: str) -> bool:
    """Say whether `name` is a time zone's, such as Europe/Paris."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # No zone, no name of one, or the name of a folder of zones.
        return False
    return True
