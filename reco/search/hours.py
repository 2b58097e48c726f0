"""When venues are open: the part of OpenStreetMap's opening_hours that is understood.

Rules, parted by `;`, each of days and times: `Mo-Fr 09:00-12:00,14:00-18:00; Sa 10:00-12:00`. Days
are Mo Tu We Th Fr Sa Su, as lists and ranges (`Fr-Mo` goes over Sunday); without days a rule is for
all. A later rule takes the place of an earlier one for its days; `off` or `closed` empties them.
Times may go over midnight (`20:00-02:00`). `24/7` is always. Everything else (months, holidays,
sunset, open ends, comments) is not understood, and a text is taken whole or not at all: half an
understanding would be wrong on some days.
"""

import re
from datetime import datetime, tzinfo
from functools import lru_cache

Spans = tuple[tuple[int, int], ...]
"""Minutes of the week from Monday 0:00, begin and end, by begin."""

_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
_RULE = re.compile(r"(?:(?P<days>[A-Z][A-Za-z,\s-]*?)\s+)?(?P<times>\d[\d:,\s-]*|off|closed)")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")


@lru_cache(maxsize=50_000)
def opening_spans(text: str) -> Spans | None:
    """Return when a venue with these hours is open in a week, None where they are not understood.

    >>> opening_spans("Mo 09:00-12:00,14:00-18:00")
    ((540, 720), (840, 1080))
    >>> opening_spans("Mo-Fr sunrise-sunset") is None
    True
    """
    if text.strip() == "24/7":
        return ((0, _WEEK_MINUTES),)
    week: dict[int, list[tuple[int, int]]] = {}
    for rule in filter(None, (part.strip() for part in text.split(";"))):
        found = _RULE.fullmatch(rule)
        days = _days(found["days"]) if found else None
        times = _times(found["times"]) if found else None
        if days is None or times is None:
            return None
        for day in days:
            week[day] = [(day * _DAY_MINUTES + a, day * _DAY_MINUTES + b) for a, b in times]
    return tuple(sorted(span for spans in week.values() for span in spans)) if week else None


def is_open(spans: Spans, now: datetime, zone: tzinfo) -> bool:
    """Say whether a venue is open at `now`, on the clock of `zone`."""
    here = now.astimezone(zone)
    minute = here.weekday() * _DAY_MINUTES + here.hour * 60 + here.minute
    # A night of Sunday goes on into Monday.
    return any(
        begin <= moment < end for begin, end in spans for moment in (minute, minute + _WEEK_MINUTES)
    )


def _days(text: str | None) -> list[int] | None:
    if text is None:
        return list(range(7))
    days: list[int] = []
    for part in text.replace(" ", "").split(","):
        ends = part.split("-")
        if len(ends) > 2 or not all(end in _DAYS for end in ends):
            return None
        first, last = _DAYS.index(ends[0]), _DAYS.index(ends[-1])
        days += [(first + step) % 7 for step in range((last - first) % 7 + 1)]
    return days


def _times(text: str) -> list[tuple[int, int]] | None:
    if text in {"off", "closed"}:
        return []
    spans = []
    for part in text.replace(" ", "").split(","):
        found = _SPAN.fullmatch(part)
        if found is None:
            return None
        begin_h, begin_m, end_h, end_m = map(int, found.groups())
        if begin_h > 23 or end_h > 24 or begin_m > 59 or end_m > 59 or (end_h == 24 and end_m):
            return None
        begin, end = begin_h * 60 + begin_m, end_h * 60 + end_m
        spans.append((begin, end if end > begin else end + _DAY_MINUTES))
    return spans
