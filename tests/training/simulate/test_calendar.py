from datetime import date

import numpy as np
import pandas as pd

from training.simulate.calendar import NEVER, Calendar, paris_to_utc, timestamps
from training.simulate.parameters import PARAMETERS


def seconds(*moments):
    return np.array([np.datetime64(moment, "s") for moment in moments]).astype(np.int64)


def test_local_time_is_two_hours_ahead_in_summer_and_one_in_winter():
    local = seconds("2026-07-01T20:30", "2026-12-01T20:30")
    assert np.array_equal(paris_to_utc(local), seconds("2026-07-01T18:30", "2026-12-01T19:30"))


def test_the_skipped_and_the_repeated_hour_are_defined():
    local = seconds("2026-03-29T02:30", "2026-10-25T02:30")
    assert np.array_equal(paris_to_utc(local), seconds("2026-03-29T01:00", "2026-10-25T00:30"))


def test_now_is_local_midnight_of_the_anchor():
    calendar = Calendar.of(date(2026, 9, 7), PARAMETERS)
    assert calendar.now_s == pd.Timestamp("2026-09-07", tz="Europe/Paris").timestamp()
    assert calendar.periods == 12


def test_periods_cover_the_history():
    calendar = Calendar.of(date(2026, 9, 7), PARAMETERS)
    period = calendar.period_of(np.array([calendar.start_s, calendar.now_s - 1]))
    assert period.tolist() == [0, 11]


def test_never_is_no_time():
    shown = timestamps(np.array([0, NEVER]))
    assert shown[0] == np.datetime64("1970-01-01")
    assert np.isnat(shown[1])
