"""What the sections of the page are made of: numbers, tables that fold on a phone, figures."""

from collections.abc import Callable, Sequence
from functools import partial

import htpy as h
from htpy import Element, Node

from training.paired import Compared
from training.report.labels import Label
from training.report.plain import Quoted, Sentence
from training.report.svg import colour
from training.report.verdict import NO_DIFFERENCE, Verdict, is_good, verdict_of
from training.report.wording import change_text, difference_text, p_text, percent, value_text

_LONG = 20
"""Characters of what is quoted that may be broken over lines: a name, no number."""
_MOODS = {True: "good", False: "bad", None: "plain"}
_SAID = {
    Verdict.HIGHER: "higher, beyond chance",
    Verdict.LOWER: "lower, beyond chance",
    Verdict.UNCONFIRMED: "not confirmed",
    Verdict.NO_DIFFERENCE: NO_DIFFERENCE,
    Verdict.UNTESTED: "not tested",
}


def number(value: float | str, text: str) -> Element:
    """Return a number as it is read, with its exact value for programs."""
    return h.data(value=repr(value) if isinstance(value, float) else str(value))[text]


def sentence(told: Sentence) -> Node:
    """Return a sentence; each number names where it is quoted from."""
    return [part if isinstance(part, str) else _quoted(part) for part in told]


def _quoted(part: Quoted) -> Element:
    value = repr(part.value) if isinstance(part.value, float) else str(part.value)
    return h.data(
        class_={"long": len(part.text) > _LONG},
        value=value,
        data_source=part.source,
        title=part.source,
    )[part.text]


def share(value: float | None) -> Node:
    """Return a share as percent."""
    if value is None:
        return "none"
    return number(value, percent(value, 2 if 0.0 < value < 0.01 else 1))


def section(anchor: str, title: str, *content: Node) -> Element:
    """Return a section with its heading."""
    return h.section(id=anchor, aria_labelledby=f"{anchor}-title")[
        h.h2(id=f"{anchor}-title")[title], content
    ]


def told_of_served() -> Element:
    """Return where it is told what was served: once, for it is long."""
    return h.p['"In plain words" says first what was served as this run began, and how it stands.']


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[Node]]) -> Element:
    """Return a table; the first cell of each row names it. On a phone a row is a block."""
    return h.table[
        h.caption[caption],
        h.thead[h.tr[(h.th(scope="col")[name] for name in head)]],
        h.tbody[(_row(head, row) for row in rows)],
    ]


def _row(head: Sequence[str], row: Sequence[Node]) -> Element:
    cells = (
        h.td(data_label=name)[h.div[cell]] for name, cell in zip(head[1:], row[1:], strict=True)
    )
    return h.tr[h.th(scope="row")[row[0]], cells]


def figure(drawn: Element, caption: Node) -> Element:
    """Return a picture with its caption."""
    return h.figure[drawn, h.figcaption[caption]]


def rows_figure(drawn: Element, caption: Node) -> Element:
    """Return a picture of rows, which is narrower, with its caption."""
    return h.figure(".rows")[drawn, h.figcaption[caption]]


def beside(*figures: Node) -> Element:
    """Return figures side by side, below each other on a phone."""
    return h.div(".beside")[figures]


def folded(summary: str, *content: Node) -> Element:
    """Return what is shown when asked for, and in print."""
    return h.details[h.summary[summary], content]


def legend(names: Sequence[tuple[str, str]]) -> Element:
    """Return swatches (class, words)."""
    return h.ul(".legend")[(h.li[h.i(f".swatch.{css}"), " ", words] for css, words in names)]


def system_legend(labels: Sequence[Label], places: Sequence[int]) -> Element:
    """Return the colours of systems, by their places in the run."""
    return legend([(colour(at), _named(labels[at])) for at in places])


def _named(label: Label) -> str:
    return f"{label.letter}: {label.words}"


def figure_cell(metric: str, found: Compared) -> Node:
    """Return a figure with its interval, and its change with interval and test."""
    if found.value is None:
        return "not defined"
    return [
        h.b[number(found.value, value_text(metric, found.value))],
        _span(metric, found),
        change_cell(metric, found),
    ]


def _span(metric: str, found: Compared) -> Node:
    if found.interval is None:
        return None
    low, high = (number(end, value_text(metric, end)) for end in found.interval[1:])
    return h.span(".interval")[" (", low, " to ", high, ")"]


def change_cell(metric: str, found: Compared) -> Node:
    """Return the change against the first system, coloured where it is surely good or bad.

    Relative, but where the first one's figure is 0.
    """
    apart, interval, text = _apart(metric, found)
    if apart is None or (apart == 0.0 and found.p is None):
        return None
    told: list[Node] = [number(apart, text(apart))]
    if interval is not None:
        low, high = (number(end, text(end)) for end in interval[1:])
        told += [" (", low, " to ", high, ")"]
    if found.p is not None:
        told += [", ", number(found.p, p_text(found.p))]
    return h.div(f".change.{_mood(metric, found)}")[told]


def _apart(
    metric: str, found: Compared
) -> tuple[float | None, tuple[float, float, float] | None, Callable[[float], str]]:
    """Return how far a figure is from the first one, with its bounds, and what writes them."""
    if found.change is None:
        return found.difference, found.difference_interval, partial(difference_text, metric)
    return found.change, found.change_interval, change_text


def _mood(metric: str, found: Compared) -> str:
    return _MOODS[is_good(metric, verdict_of(found))]


def verdict_words(metric: str, found: Compared) -> Element:
    """Return what may be said of a change, in a few words."""
    return h.span(f".verdict.{_mood(metric, found)}")[_SAID[verdict_of(found)]]
