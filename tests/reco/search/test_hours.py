"""Opening hours: what is understood of them, minute by minute, and that the rest is not guessed."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reco.search.hours import Hours, opening_spans

PARIS = ZoneInfo("Europe/Paris")
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


def at(day, clock, zone=UTC):
    """Return a moment of the week of Monday, 23 November 2026, on the clock of a zone."""
    hours, minutes = map(int, clock.split(":"))
    then = MONDAY + timedelta(days=DAYS.index(day), hours=hours, minutes=minutes)
    return then.replace(tzinfo=zone)


def is_open(spans, now, zone):
    return states([(0, spans, zone)], [0], now) == [1]


def states(said, rows, now, clock=UTC, venues=1):
    hours = Hours.of(said, venues)
    return hours.states(np.array(rows, dtype=np.int64), now, clock).tolist()


def opened(text, day, clock):
    return is_open(opening_spans(text), at(day, clock), UTC)


@pytest.mark.parametrize(
    ("text", "open_at", "closed_at"),
    [
        ("Mo-Fr 09:00-18:00", ["Mo 09:00", "Fr 17:59"], ["Mo 08:59", "Fr 18:00", "Sa 12:00"]),
        (
            "Mo 09:00-12:00,14:00-18:00",
            ["Mo 11:59", "Mo 14:00"],
            ["Mo 12:00", "Mo 13:59", "Tu 10:00"],
        ),
        ("Mo-Fr 9:00-18:00; Sa 10:00-12:00", ["We 9:00", "Sa 10:00"], ["Sa 9:30", "Su 10:00"]),
        ("Mo,We 10:00-12:00", ["Mo 10:00", "We 11:00"], ["Tu 11:00"]),
        ("Mo, We - Th 10:00 - 12:00", ["Mo 10:00", "Th 11:00"], ["Tu 11:00", "Fr 11:00"]),
        # Over Sunday.
        ("Fr-Mo 10:00-12:00", ["Fr 11:00", "Su 11:00", "Mo 11:00"], ["Tu 11:00", "Th 11:00"]),
        # Over midnight, and over the end of the week.
        ("Sa 20:00-02:00", ["Sa 20:00", "Sa 23:59", "Su 01:59"], ["Su 02:00", "Sa 01:00"]),
        ("Su 20:00-02:00", ["Su 23:00", "Mo 01:59"], ["Mo 02:00", "Su 01:00"]),
        ("20:00-02:00", ["Mo 01:00", "We 23:00", "Su 01:00"], ["We 02:00", "We 19:59"]),
        # A night goes on into a day that is off.
        ("Mo 20:00-02:00; Tu off", ["Mo 21:00", "Tu 01:00"], ["Tu 21:00"]),
        ("Mo-Su 10:00-24:00", ["Mo 23:59", "Su 23:59"], ["Mo 00:00", "Mo 09:59"]),
        ("Mo 00:00-24:00", ["Mo 00:00", "Mo 23:59"], ["Tu 00:00", "Su 23:59"]),
        ("24/7", ["Mo 00:00", "Su 23:59", "Th 04:00"], []),
        (" 24/7 ", ["Mo 00:00"], []),
        # A later rule takes the place of an earlier one.
        ("Mo-Su 10:00-18:00; We 14:00-16:00", ["Tu 11:00", "We 15:00"], ["We 11:00"]),
        ("10:00-18:00; Mo off", ["Tu 11:00"], ["Mo 11:00"]),
        ("Mo off; 10:00-18:00", ["Mo 11:00", "Tu 11:00"], []),
        ("closed", [], ["Mo 11:00", "Su 11:00"]),
        (";Mo 10:00-12:00;", ["Mo 11:00"], ["Tu 11:00"]),
    ],
)
def test_what_is_understood(text, open_at, closed_at):
    assert [when for when in open_at if not opened(text, *when.split())] == []
    assert [when for when in closed_at if opened(text, *when.split())] == []


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ";", "?", "\0", "24/7 off", "Mo-Fr", "Mo-Fr 9-18", "mo 09:00-12:00"),
        *("Mo-Fr 09:00", "Mo-Fr 09:00+", "Mo-Fr sunrise-sunset", "Mo-We-Fr 09:00-12:00"),
        *("Lu-Ve 09:00-12:00", "PH off", "Mo-Fr 09:00-18:00; PH off", "Jan-Mar Mo 09:00-12:00"),
        *("Mo 09:00-25:00", "Mo 24:00-25:00", "Mo 09:60-12:00", "Mo 09:00-24:01", "Mo 9:0-12:00"),
        *("Mo 09:00-12:00,", "Mo 09:00-12:00 14:00-18:00", 'Mo 09:00-12:00 "on demand"'),
        *("Mo 09:00-12:00, Tu 10:00-12:00", "Mo[1] 09:00-12:00", "Mo 09:00-12:00 || Tu off"),
        *("Ouvert du lundi au vendredi", "Mo 09:00-12:00\N{EN DASH}14:00", "Mo ,Tu, 9:00-12:00"),
    ],
)
def test_what_is_not_understood_is_not_guessed(text):
    assert opening_spans(text) is None


def test_hours_are_on_the_clock_of_the_zone():
    spans = opening_spans("Mo 09:00-12:00")
    eight_in_london = at("Mo", "08:00")
    assert is_open(spans, eight_in_london, PARIS)
    assert not is_open(spans, eight_in_london, UTC)
    assert not is_open(spans, at("Mo", "11:00"), PARIS)
    # Sunday in Paris is Monday on Réunion.
    assert is_open(
        opening_spans("Mo 00:00-03:00"), at("Su", "23:00", PARIS), ZoneInfo("Indian/Reunion")
    )


def test_a_clock_that_is_put_forward_does_not_move_the_hours():
    spans = opening_spans("Su 09:00-12:00")
    for month, day in ((3, 29), (10, 25)):
        moment = datetime(2026, month, day, 9, tzinfo=PARIS)
        assert is_open(spans, moment, PARIS)
        assert not is_open(spans, moment - timedelta(minutes=1), PARIS)


spans_of_a_day = st.lists(
    st.tuples(st.integers(0, 23 * 60 + 59), st.integers(1, 24 * 60 - 1)), min_size=1, max_size=3
)


@given(
    st.lists(st.tuples(st.sets(st.integers(0, 6), min_size=1), spans_of_a_day), max_size=3),
    st.integers(0, 7 * 24 * 60 - 1),
)
def test_every_minute_of_a_week_is_as_the_rules_say(rules, minute):
    """By the plain definition: the last rule of a day holds, and nights go on."""
    texts, by_day = [], {}
    for days, spans in rules:
        times = [f"{_clock(a)}-{_clock((a + length) % 1440)}" for a, length in spans]
        texts.append(f"{','.join(DAYS[day] for day in sorted(days))} {','.join(times)}")
        by_day |= dict.fromkeys(days, spans)
    day, now = divmod(minute, 1440)
    today = any(a <= now < a + length for a, length in by_day.get(day, ()))
    yesterday = any(now + 1440 < a + length for a, length in by_day.get((day - 1) % 7, ()))
    understood = opening_spans(";".join(texts))
    if not rules:
        assert understood is None
        return
    assert is_open(understood, MONDAY + timedelta(minutes=minute), UTC) == (today or yesterday)


def _clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


@pytest.mark.parametrize(
    "text",
    [
        *("M" + " " * 20_000, "Mo," * 7_000, "1:" * 10_000, "M " * 10_000),
        "Mo" + " " * 20_000 + "x",
        "Mo," + "\n" * 20_000 + "-",
    ],
)
def test_long_nonsense_takes_no_time(text):
    began_s = time.process_time()
    assert opening_spans(text) is None
    assert time.process_time() - began_s < 0.5


WEEK = 7 * 24 * 60
zones = st.sampled_from([None, UTC, PARIS, ZoneInfo("Indian/Reunion"), ZoneInfo("America/Cayenne")])
week_spans = st.lists(
    st.tuples(st.integers(0, WEEK - 1), st.integers(1, 24 * 60)).map(lambda s: (s[0], sum(s))),
    max_size=4,
)


@given(
    st.lists(st.none() | st.tuples(week_spans, zones), min_size=1, max_size=12),
    st.integers(0, 60 * WEEK),
    st.sampled_from([UTC, PARIS]),
    st.data(),
)
@settings(max_examples=50)
def test_many_venues_are_as_each_by_itself(venues, minute, clock, data):
    """By the plain definition, in any rows, on every clock, at any time of a year."""
    now = MONDAY + timedelta(minutes=minute)

    def plain(venue):
        if venue is None:
            return -1
        spans, zone = venue
        here = now.astimezone(zone or clock)
        at = here.weekday() * 1440 + here.hour * 60 + here.minute
        return int(any(begin <= t < end for begin, end in spans for t in (at, at + WEEK)))

    rows = data.draw(st.lists(st.integers(0, len(venues) - 1), max_size=20))
    said = [(row, *venue) for row, venue in enumerate(venues) if venue is not None]
    expected = [plain(venues[row]) for row in rows]
    assert states(said, rows, now, clock, len(venues)) == expected


def test_a_country_of_hours_takes_no_time():
    spans = opening_spans("Mo-Fr 09:00-12:00,14:00-18:00; Sa 10:00-02:00")
    hours = Hours.of(((row, spans, PARIS) for row in range(40_000)), 40_000)
    town, country = np.arange(500), np.arange(40_000)

    def taken_ms(rows):
        began_s = time.process_time()
        for _ in range(10):
            hours.states(rows, MONDAY, UTC)
        return (time.process_time() - began_s) * 100

    assert taken_ms(country) < 60
    assert taken_ms(town) < 1
