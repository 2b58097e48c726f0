"""Windows of time that people name: today, tonight, the weekend."""

from datetime import date, datetime, time, timedelta, tzinfo

from reco.errors import InvalidInput

_NAMES = ("today", "tonight", "weekend")
_EVENING = time(18)
_NIGHT_ENDS = time(4)


def named_window(name: str, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return when sessions of a named window begin: from, and before, neither in the past.

    `today` ends at midnight. `tonight` begins at 18:00 and ends at 4:00; until 4:00 in the morning
    it is the night that is going on. The weekend begins on Friday at 18:00 and ends on Sunday at
    midnight.

    Parameters
    ----------
    zone
        Whose clock counts.

    Raises
    ------
    InvalidInput
        There is no such window.

    >>> from datetime import UTC
    >>> monday = datetime(2026, 11, 23, 12, tzinfo=UTC)
    >>> [at.isoformat() for at in named_window("weekend", monday, UTC)]
    ['2026-11-27T18:00:00+00:00', '2026-11-30T00:00:00+00:00']
    """
    if name not in _NAMES:
        raise InvalidInput("when", f"{name!r} is unknown", _NAMES)
    here = now.astimezone(zone)
    day = here.date()
    if name == "today":
        return now, _at(day, 1, time(), zone)
    if name == "tonight":
        evening = day - timedelta(days=here.time() < _NIGHT_ENDS)
        return max(now, _at(evening, 0, _EVENING, zone)), _at(evening, 1, _NIGHT_ENDS, zone)
    friday = day + timedelta(days=4 - day.weekday())
    return max(now, _at(friday, 0, _EVENING, zone)), _at(friday, 3, time(), zone)


def day_borders(first: datetime, days: int, zone: tzinfo) -> list[datetime]:
    """Return the midnights that border `days` days of `zone`, that of `first` the first."""
    day = first.astimezone(zone).date()
    return [_at(day, number, time(), zone) for number in range(days + 1)]


def _at(day: date, later: int, clock: time, zone: tzinfo) -> datetime:
    return datetime.combine(day + timedelta(days=later), clock, tzinfo=zone)
