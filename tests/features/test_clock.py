"""Hours of the week, by the clock where something begins."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.clock import HOURS, UNDATED, ZONE, is_zone, week_hours

NEVER = np.iinfo(np.int64).max
ZONES = ["Europe/Paris", "Indian/Reunion", None, "Pacific/Marquesas", "no zone", "America"]
ZONES += ["Asia/Kathmandu"]  # a quarter of an hour away from all others
moments = st.integers(631_152_000, 2_208_988_800).map(lambda s: datetime.fromtimestamp(s, UTC))


def us(moment):
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def hour_of(moment, name):
    here = moment.astimezone(ZoneInfo(name if name and is_zone(name) else ZONE))
    return 24 * here.weekday() + here.hour


@given(st.lists(st.tuples(st.none() | moments, st.integers(0, len(ZONES))), max_size=12))
def test_each_start_is_told_by_its_own_clock(starts):
    told = week_hours(
        np.array([us(at) if at else NEVER for at, _ in starts], dtype=np.int64),
        ZONES,
        np.array([place for _, place in starts], dtype=np.int64),
    )
    zones = [*ZONES, None]
    expected = [hour_of(at, zones[place]) if at else UNDATED for at, place in starts]
    assert told.tolist() == expected
    assert told.dtype == np.int16


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/Cayenne", "Pacific/Kiritimati"])
def test_dates_that_no_clock_can_tell_stop_nothing(zone):
    starts_us = np.array([NEVER - 1, -NEVER, us(datetime(9999, 12, 31, 23, 59, tzinfo=UTC))])
    told = week_hours(starts_us, [zone], np.zeros(3, dtype=np.int64))
    assert ((told >= 0) & (told < HOURS)).all()


@pytest.mark.parametrize(
    ("moment", "hour"),
    [
        ("2026-03-29T00:59:59+00:00", 6 * 24 + 1),
        ("2026-03-29T01:00:00+00:00", 6 * 24 + 3),
        ("2026-10-25T00:30:00+00:00", 6 * 24 + 2),
        ("2026-10-25T01:30:00+00:00", 6 * 24 + 2),
        ("2026-11-22T22:59:59.999999+00:00", HOURS - 1),
        ("2026-11-22T23:00:00+00:00", 0),
    ],
)
def test_clocks_that_change_are_followed(moment, hour):
    starts_us = np.array([us(datetime.fromisoformat(moment))])
    assert week_hours(starts_us, ["Europe/Paris"], np.array([0])).tolist() == [hour]
