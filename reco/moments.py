"""Dates and times as people write them."""

import re
from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from features.clock import is_zone
from reco.errors import InvalidInput


def moment_from(text: str, field: str, zone: tzinfo, *, end_of_day: bool = False) -> datetime:
    """Return the moment that `text` names, with its zone.

    Parameters
    ----------
    text
        An ISO 8601 date (2026-11-28) or time (2026-11-28T20:00, with or without an offset).
    field
        What an error calls it.
    zone
        Zone of dates, and of times without an offset.
    end_of_day
        Take a date as the end of its day, so that the day is within.

    Raises
    ------
    InvalidInput
        It is neither.

    >>> from datetime import UTC
    >>> moment_from("2026-11-28", "to", UTC, end_of_day=True).isoformat()
    '2026-11-29T00:00:00+00:00'
    """
    try:
        day = _date(text)
        if day is not None:
            return datetime.combine(day + timedelta(days=end_of_day), time(), tzinfo=zone)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise InvalidInput(
            field, f"{text!r} is no date or time", ("2026-11-28", "2026-11-28T20:00+01:00")
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def check_end(end: datetime, begin: datetime | None, now: datetime) -> None:
    """Raise `InvalidInput` of `to` where what is asked for is over before it begins, or by now.

    The end itself is not told: that of a date is the midnight after it, which nobody wrote.
    """
    if begin and not _comes_after(end, begin):
        raise InvalidInput("to", f"that is not after from, {told_moment(begin)}")
    if end <= now:
        raise InvalidInput("to", f"that is past: it is {told_moment(now.astimezone(end.tzinfo))}")


def told_moment(moment: datetime) -> str:
    """Return a moment to the minute, by its own clock, with the offset of that.

    >>> told_moment(datetime(2026, 11, 28, 20, 13, 41, tzinfo=ZoneInfo("Europe/Paris")))
    '2026-11-28 20:13+01:00'
    """
    return moment.isoformat(" ", "minutes")


def _comes_after(later: datetime, earlier: datetime) -> bool:
    """Say whether one moment comes after another.

    Python compares clocks where both have one zone, also in an hour that is skipped or comes twice.

    >>> paris = ZoneInfo("Europe/Paris")
    >>> skipped = datetime(2026, 3, 29, 2, 30, tzinfo=paris)  # 03:30 in summer
    >>> _comes_after(datetime(2026, 3, 29, 3, 15, tzinfo=paris), skipped)
    False
    """
    return later.timestamp() > earlier.timestamp()


def zone_from(name: str, field: str) -> ZoneInfo:
    """Return the time zone that `name` names, else raise `InvalidInput` of `field`.

    >>> zone_from("Pacific/Noumea", "tz")
    zoneinfo.ZoneInfo(key='Pacific/Noumea')
    """
    if not is_zone(name):
        raise InvalidInput(
            field, f"{name!r} is no time zone", ("Europe/Paris", "Indian/Reunion", "...")
        )
    return ZoneInfo(name)


def known_until(as_of: datetime | None) -> datetime | str:
    """Return up to when what is on record counts, for PostgreSQL: `as_of`, else everything.

    A live request sees all that is committed, whatever the clocks of the machines say: something
    booked by a clock that runs ahead is booked.
    """
    return "infinity" if as_of is None else as_of


_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_DURATION = re.compile(r"(\d+)(min|h|d)")


def duration_from(text: str, field: str) -> timedelta:
    """Return the span that `text` names, else raise `InvalidInput` of `field`.

    >>> duration_from("36h", "window")
    datetime.timedelta(days=1, seconds=43200)
    """
    found = _DURATION.fullmatch(text)
    if not found or len(found[1]) > 6:
        raise InvalidInput(field, f"{text!r} is no span of time", ("30min", "12h", "28d"))
    return int(found[1]) * _UNITS[found[2]]


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
