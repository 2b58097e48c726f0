"""The world's calendar: seconds since the epoch inside, Europe/Paris for what people live by."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.simulate.parameters import Parameters

TIMEZONE = "Europe/Paris"
DAY_S = 86_400
NEVER = np.int64(1) << np.int64(33)
"""A time after all others (the year 2242): not withdrawn, not cancelled, no limit."""

Seconds = NDArray[np.int64]
"""Seconds since 1970-01-01 UTC."""


def paris_to_utc(local_s: Seconds) -> Seconds:
    """Return the UTC seconds of local wall-clock seconds in Paris.

    The hour that autumn repeats is read as summer time; the hour that spring skips moves on.
    """
    wall = pd.DatetimeIndex(local_s.astype("datetime64[s]"))
    aware = wall.tz_localize(
        TIMEZONE, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward"
    )
    utc = aware.tz_convert("UTC").tz_localize(None)
    return np.asarray(utc.to_numpy().astype("datetime64[s]").astype(np.int64))


@dataclass(frozen=True)
class Calendar:
    """Days of the world, counted from 1970-01-01; the anchor's local midnight is now."""

    anchor_day: int
    first_day: int
    last_day: int
    """The day after the agenda."""
    now_s: int
    start_s: int
    period_s: int
    periods: int

    @classmethod
    def of(cls, anchor: date, parameters: Parameters) -> "Calendar":
        """Return the calendar of a world anchored at `anchor`."""
        anchor_day = (anchor - date(1970, 1, 1)).days
        first_day = anchor_day - parameters.history_days
        now_s, start_s = paris_to_utc(np.array([anchor_day, first_day], dtype=np.int64) * DAY_S)
        return cls(
            anchor_day,
            first_day,
            anchor_day + parameters.agenda_days,
            int(now_s),
            int(start_s),
            parameters.period_days * DAY_S,
            parameters.history_days // parameters.period_days,
        )

    def period_of(self, at_s: Seconds) -> NDArray[np.int64]:
        """Return the period of history of each time, 0 for the oldest."""
        return np.clip((at_s - self.start_s) // self.period_s, 0, self.periods - 1)


def timestamps(seconds: Seconds) -> NDArray[np.datetime64]:
    """Return `seconds` as datetime64[s], NaT where they say never."""
    return np.where(seconds >= NEVER, np.datetime64("NaT"), seconds.astype("datetime64[s]"))
