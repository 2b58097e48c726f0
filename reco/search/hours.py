"""When venues are open: the part of OpenStreetMap's opening_hours that is understood.

Rules, parted by `;`, each of days and times: `Mo-Fr 09:00-12:00,14:00-18:00; Sa 10:00-12:00`. Days
are Mo Tu We Th Fr Sa Su, as lists and ranges (`Fr-Mo` goes over Sunday); without days a rule is for
all. A later rule takes the place of an earlier one for its days; `off` or `closed` empties them.
Times may go over midnight (`20:00-02:00`). `24/7` is always. Everything else (months, holidays,
sunset, open ends, comments) is not understood, and a text is taken whole or not at all: half an
understanding would be wrong on some days.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.rows import ragged_rows

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
    # Single blanks: of many in a row the pattern would try every division.
    for rule in filter(None, (" ".join(part.split()) for part in text.split(";"))):
        found = _RULE.fullmatch(rule)
        days = _days(found["days"]) if found else None
        times = _times(found["times"]) if found else None
        if days is None or times is None:
            return None
        for day in days:
            week[day] = [(day * _DAY_MINUTES + a, day * _DAY_MINUTES + b) for a, b in times]
    return tuple(sorted(span for spans in week.values() for span in spans)) if week else None


@dataclass(frozen=True)
class Hours:
    """When venues are open, each on its own clock; V venues, N spans."""

    is_said: NDArray[np.bool_]
    """(V,) whether anything is known."""
    clock: NDArray[np.int16]
    """(V,) place in `clocks`."""
    clocks: tuple[tzinfo | None, ...]
    """None: that of whoever asks."""
    start: NDArray[np.int64]
    """(V + 1,) the spans of venue v are `span[start[v]:start[v + 1]]`."""
    span: NDArray[np.int32]
    """(N, 2) minutes of the week, as of `Spans`."""

    @classmethod
    def of(cls, said: Iterable[tuple[int, Spans, tzinfo | None]], venues: int) -> "Hours":
        """Return the hours of so many venues, of which some say them: row, spans and clock."""
        spans: list[Spans] = [()] * venues
        is_said, clock = np.zeros(venues, dtype=bool), np.zeros(venues, dtype=np.int16)
        clocks: dict[tzinfo | None, int] = {None: 0}
        for row, when, zone in said:
            spans[row], is_said[row] = when, True
            clock[row] = clocks.setdefault(zone, len(clocks))
        start = np.append(0, np.cumsum([len(when) for when in spans], dtype=np.int64))
        span = np.array([one for when in spans for one in when], dtype=np.int32).reshape(-1, 2)
        return cls(is_said, clock, tuple(clocks), start, span)

    def states(self, rows: NDArray[np.int64], now: datetime, clock: tzinfo) -> NDArray[np.int8]:
        """Return for each venue of `rows`: 1 open at `now`, 0 closed, −1 it does not say.

        Parameters
        ----------
        clock
            Of venues without one of their own.
        """
        of_row = self.clock[rows]
        minute = np.zeros(len(self.clocks), dtype=np.int64)
        for code in np.flatnonzero(np.bincount(of_row)).tolist():
            minute[code] = _minute(now.astimezone(self.clocks[code] or clock))
        span, place = ragged_rows(self.start, rows)
        begin, end = self.span[span].T
        at = minute[of_row][place]
        # A night of Sunday goes on into Monday.
        is_now = (begin <= at) & (at < end) | (at + _WEEK_MINUTES < end)
        states = np.where(self.is_said[rows], 0, -1).astype(np.int8)
        states[place[is_now]] = 1
        return states


def _minute(here: datetime) -> int:
    return here.weekday() * _DAY_MINUTES + here.hour * 60 + here.minute


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
