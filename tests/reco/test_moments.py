"""Dates and times as people write them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from reco.errors import InvalidInput
from reco.moments import moment_from

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-28", datetime(2026, 11, 27, 23, tzinfo=UTC)),
        ("2026-11-28T20:00", datetime(2026, 11, 28, 19, tzinfo=UTC)),
        ("2026-11-28T20:00Z", datetime(2026, 11, 28, 20, tzinfo=UTC)),
        ("2026-11-28T20:00+05:00", datetime(2026, 11, 28, 15, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC)),
    ],
)
def test_what_has_no_zone_is_read_in_the_one_given(text, expected):
    assert moment_from(text, "from", PARIS) == expected


def test_the_end_of_a_day_is_the_start_of_the_next_even_when_clocks_change():
    end = moment_from("2026-10-25", "to", PARIS, end_of_day=True)
    assert end == datetime(2026, 10, 25, 23, tzinfo=UTC)


def test_a_time_is_not_moved_to_the_end_of_its_day():
    moment = moment_from("2026-11-28T20:00Z", "to", PARIS, end_of_day=True)
    assert moment == datetime(2026, 11, 28, 20, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01", "2026-11-28T25:00", "28/11/2026"])
def test_nonsense_names_the_field_and_shows_how(text):
    with pytest.raises(InvalidInput) as caught:
        moment_from(text, "from", PARIS)
    assert caught.value.field == "from"
    assert caught.value.accepted


def test_the_end_of_the_last_day_is_refused():
    with pytest.raises(InvalidInput):
        moment_from("9999-12-31", "to", PARIS, end_of_day=True)
