"""The parts of a picture: scales, axes, a frame; SVG that takes its colours from the page."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import htpy as h
from htpy import Element, Node

WIDTH, HEIGHT = 360.0, 270.0
"""Of a chart, in the units of its view box: a phone shows it one to one."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 340.0, 10.0, 226.0
_COLOURS = 10
"""Series that the page tells apart."""
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)

Place = tuple[float, float]
"""From the left, and from above."""


@dataclass(frozen=True)
class Scale:
    """From values to places."""

    low: float
    high: float
    start: float
    end: float
    is_root: bool = False
    """By the square root: small values apart, and still a place for 0."""

    def __call__(self, value: float) -> float:
        """Return the place of a value, rounded for print."""
        low, high, at = (self._bent(one) for one in (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return round(self.start + share * (self.end - self.start), 2)

    def ticks(self, most: int = 5) -> list[float]:
        """Return round values between the ends."""
        if self.high <= self.low:
            return [self.low]
        if self.is_root:
            step = self._step(2 * most)
            told = [step * place * place for place in range(most * 3)]
            return [value for value in told if self.low <= value <= self.high]
        step = self._step(most)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [place * step for place in range(first, last + 1)]

    def _step(self, most: int) -> float:
        rough = (self.high - self.low) / most
        size = 10.0 ** math.floor(math.log10(rough))
        return next(size * step for step in _STEPS if size * step >= rough - 1e-12)

    def _bent(self, value: float) -> float:
        return math.sqrt(max(0.0, value)) if self.is_root else value


@dataclass(frozen=True)
class Axis:
    """One side of a chart."""

    title: str
    low: float
    high: float
    text: Callable[[float], str]
    is_root: bool = False

    def across(self) -> Scale:
        """Return its scale from left to right."""
        return Scale(self.low, self.high, _LEFT, _RIGHT, self.is_root)

    def upward(self) -> Scale:
        """Return its scale from below."""
        return Scale(self.low, self.high, _BOTTOM, _TOP, self.is_root)


def spread(values: Sequence[float], margin: float = 0.06) -> tuple[float, float]:
    """Return the ends of an axis that holds all of `values`."""
    low, high = min(values), max(values)
    room = (high - low) * margin or abs(high) * margin or 1.0
    return low - room, high + room


def picture(
    name: str, told: str, content: Node, height: float = HEIGHT, width: float = WIDTH
) -> Element:
    """Return an SVG image with its name and what it shows, for those who do not see it."""
    box = f"0 0 {width:g} {height:.5g}"
    drawn = h.svg(viewBox=box, role="img", aria_label=f"{name}. {told}")
    return drawn[h.title[name], h.desc[told], content]


def line(css: str, start: Place, end: Place) -> Element:
    """Return a straight line."""
    (x1, y1), (x2, y2) = start, end
    return h.line(css, x1=_told(x1), y1=_told(y1), x2=_told(x2), y2=_told(y2))


def line_through(css: str, places: Sequence[Place]) -> Element:
    """Return a line through places."""
    return h.polyline(css, points=" ".join(f"{_told(x)},{_told(y)}" for x, y in places))


def circle(css: str, at: Place, radius: float, told: str | None = None) -> Element:
    """Return a circle, with what it stands for."""
    made = h.circle(css, cx=_told(at[0]), cy=_told(at[1]), r=_told(radius))
    return made[h.title[told]] if told else made


def square(css: str, at: Place, size: tuple[float, float], told: str) -> Element:
    """Return a rectangle around a place, with what it stands for."""
    width, height = size
    x, y = _told(at[0] - width / 2), _told(at[1] - height / 2)
    return h.rect(css, x=x, y=y, width=_told(width), height=_told(height))[h.title[told]]


def words(css: str, at: Place, text: str, anchor: str = "start") -> Element:
    """Return text that begins, has its middle or ends at a place."""
    return h.text(css, x=_told(at[0]), y=_told(at[1]), text_anchor=anchor)[text]


def _told(number: float) -> str:
    return f"{number:.5g}"


def chart(name: str, told: str, x: Axis, y: Axis, marks: Node) -> Element:
    """Return a chart: `marks` over a grid with two axes."""
    across, upward = x.across(), y.upward()
    middle = ((_LEFT + _RIGHT) / 2, HEIGHT - 8.0)
    turned = h.g(transform=f"translate(11 {(_TOP + _BOTTOM) / 2:g}) rotate(-90)")
    return picture(
        name,
        told,
        [
            [_upright(across(tick), x.text(tick)) for tick in across.ticks()],
            [_level(upward(tick), y.text(tick)) for tick in upward.ticks()],
            words(".axis", middle, x.title, "middle"),
            turned[words(".axis", (0.0, 0.0), y.title, "middle")],
            marks,
        ],
    )


def _upright(at: float, text: str) -> Node:
    return [
        line(".grid", (at, _TOP), (at, _BOTTOM)),
        words(".tick", (at, _BOTTOM + 15), text, "middle"),
    ]


def _level(at: float, text: str) -> Node:
    return [
        line(".grid", (_LEFT, at), (_RIGHT, at)),
        words(".tick", (_LEFT - 5, at + 4), text, "end"),
    ]


def colour(place: int) -> str:
    """Return the class that colours the series at a place."""
    return f"series-{place % _COLOURS}"
