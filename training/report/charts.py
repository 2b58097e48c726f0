"""Pictures of figures: intervals in rows, systems between relevance and gain, curves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import htpy as h
from htpy import Element, Node

from training.report.svg import (
    Axis,
    Scale,
    chart,
    circle,
    line,
    line_through,
    picture,
    spread,
    words,
)

_ROW = 24.0
_SPANS = 300.0
_LETTER = 6.9
_MOST_LETTERS = 20


@dataclass(frozen=True)
class Span:
    """A value with its interval, in a row of its own."""

    name: str
    ends: tuple[float, float, float]
    """The value, and the bounds of its interval."""
    css: str
    told: str


def spans(
    name: str, told: str, rows: Sequence[Span], text: Callable[[float], str], zero: bool = False
) -> Element:
    """Return intervals below each other.

    Parameters
    ----------
    text
        Writes the values below the axis.
    zero
        Hold 0, and mark it.
    """
    longest = max(len(row.name) for row in rows)
    room = 10.0 + _LETTER * min(longest, _MOST_LETTERS)
    ends = [end for row in rows for end in row.ends]
    scale = Scale(*spread([*ends, 0.0] if zero else ends), room, _SPANS - 14.0)
    bottom = _ROW * len(rows) + 4.0
    marks: list[Node] = [
        [
            line(".grid", (scale(tick), 0.0), (scale(tick), bottom)),
            words(".tick", (scale(tick), bottom + 14), text(tick), "middle"),
        ]
        for tick in scale.ticks(4)
    ]
    if zero:
        marks.append(line(".zero", (scale(0.0), 0.0), (scale(0.0), bottom)))
    marks += [_span(row, scale, _ROW * (at + 0.5) + 2.0) for at, row in enumerate(rows)]
    return picture(name, told, marks, bottom + 20.0, _SPANS)


def _span(row: Span, scale: Scale, y: float) -> Element:
    value, low, high = (scale(end) for end in row.ends)
    return h.g(f".{row.css}")[
        h.title[f"{row.name}: {row.told}"],
        words(".name", (0.0, y + 4), _cut(row.name)),
        line(".span", (low, y), (high, y)),
        circle(".dot", (value, y), 4.5),
    ]


def _cut(name: str) -> str:
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…"


@dataclass(frozen=True)
class Tradeoff:
    """One system between relevance and gain: value, low, high of each."""

    letter: str
    family: str
    """Those of one are joined."""
    order: float
    x: tuple[float, float, float]
    y: tuple[float, float, float]
    css: str
    told: str


def tradeoffs(name: str, points: Sequence[Tradeoff], x: Axis, y: Axis) -> Element:
    """Return systems as points with intervals; those that none beats in both have a ring."""
    across, upward = x.across(), y.upward()
    front = undominated([(point.x[0], point.y[0]) for point in points])
    marks: list[Node] = []
    for family in dict.fromkeys(point.family for point in points):
        own = sorted((one for one in points if one.family == family), key=lambda one: -one.order)
        joined = [(across(one.x[0]), upward(one.y[0])) for one in own]
        marks.append(line_through(".joined", joined))
    for at, point in enumerate(points):
        marks.append(_tradeoff(point, across, upward, on_front=at in front))
    letters = ", ".join(points[at].letter for at in front)
    return chart(name, f"Not beaten in both: {letters}.", x, y, marks)


def undominated(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the places of those points that no other one reaches in both and beats in one.

    >>> undominated([(1.0, 1.0), (2.0, 0.5), (0.5, 0.5)])
    [0, 1]
    """
    return [
        at
        for at, (x, y) in enumerate(points)
        if not any(a >= x and b >= y and (a > x or b > y) for a, b in points)
    ]


def _tradeoff(point: Tradeoff, across: Scale, upward: Scale, on_front: bool) -> Element:
    (x, left, right), (y, low, high) = point.x, point.y
    at = (across(x), upward(y))
    return h.g(f".{point.css}")[
        h.title[f"{point.letter}: {point.told}"],
        line(".whisker", (across(left), at[1]), (across(right), at[1])),
        line(".whisker", (at[0], upward(low)), (at[0], upward(high))),
        circle(".ring", at, 8.0) if on_front else None,
        circle(".dot", at, 4.5),
        words(".letter", (at[0] + 10, at[1] - 7), point.letter),
    ]


@dataclass(frozen=True)
class Line:
    """One curve of a chart."""

    css: str
    points: Sequence[tuple[float, float]]
    has_dots: bool = False


def curves(name: str, told: str, x: Axis, y: Axis, lines: Sequence[Line]) -> Element:
    """Return curves over each other."""
    across, upward = x.across(), y.upward()
    marks = []
    for one in lines:
        places = [(across(at), upward(to)) for at, to in one.points]
        dots = [circle(".dot", at, 3.0) for at in places if one.has_dots]
        marks.append(h.g(f".{one.css}")[line_through(".curve", places), dots])
    return chart(name, told, x, y, marks)
