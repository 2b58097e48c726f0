"""The section that tells what changed since the champion."""

from collections.abc import Sequence

import htpy as h
from htpy import Element, Node

from training.report.blocks import (
    change_cell,
    folded,
    number,
    section,
    table,
    told_of_served,
    verdict_words,
)
from training.report.contents import Report
from training.report.definitions import definition
from training.report.since import Difference, Setting, Value
from training.report.wording import difference_text, value_text

TITLE = "What changed since the champion"
_WORDS = {
    "version": "Version",
    "kind": "Kind of model",
    "trained_until": "Data until",
    "floor": "Floor on relevance",
    "intensity": "Intensity",
    "points_a_booking": "Price of relevance, points a booking",
}
_NOTHING = {"kind": "popularity near", "trained_until": "not trained"}


def since(report: Report) -> Element:
    """Return how the systems differ from what is served in their making and their headline."""
    return section(
        "since",
        TITLE,
        told_of_served(),
        _settings(report),
        _headline(report),
    )


def _settings(report: Report) -> list[Node]:
    found = report.since.settings
    differ, same = ([one for one in found if one.differs is told] for told in (True, False))
    shown: list[Node] = [
        _setting_table(report, "How they were made, where they differ.", differ)
        if differ
        else h.p["They were made alike in all that is on record."]
    ]
    if same:
        told = f"What is the same for all ({len(same)})"
        shown.append(folded(told, _setting_table(report, f"{told}.", same)))
    return shown


def _setting_table(report: Report, caption: str, found: Sequence[Setting]) -> Element:
    """Return a row a setting; what is served has a column where it is none of the systems."""
    served = report.served
    is_outside = served.place is None and bool(report.manifest.get("served"))
    head = ["Setting", *(["Served"] if is_outside else [])]
    head += [
        f"{label.letter} (served)" if at == served.place else label.letter
        for at, label in enumerate(report.labels)
    ]
    rows: list[list[Node]] = [
        [
            _WORDS.get(one.name) or h.code[one.name],
            *(_value(one.name, value)
              for value in ((one.served,) if is_outside else ()) + one.systems),
        ]
        for one in found
    ]  # fmt: skip
    return table(caption, head, rows)


def _value(name: str, value: Value) -> Node:
    if value is None:
        return _NOTHING.get(name, "none")
    if name == "trained_until":
        return str(value)[:16].replace("T", " ")
    if isinstance(value, str):
        return h.code[value] if name == "version" else value
    return number(value, f"{value:g}")


def _headline(report: Report) -> list[Node]:
    """Return the paired differences of the system told in detail, and those of the others."""
    if not report.beside:
        return [h.p["The run has one system: there is nothing to set it beside."]]
    tables = {
        at: _differences(report, at)
        for at in range(1, len(report.labels))
        if any(one.system == report.labels[at].name for one in report.since.headline)
    }
    beside = tables.pop(report.beside, None)
    others = folded("The other systems", *tables.values()) if tables else None
    return [beside or h.p["No figure of the headline is defined for anybody here."], others]


def _differences(report: Report, at: int) -> Element:
    first, second = report.labels[0], report.labels[at]
    rows = [_row(one) for one in report.since.headline if one.system == second.name]
    caption = (
        f"The headline of {second.letter} beside {first.letter}, of the same people and weeks:"
        " paired differences with 95 % intervals, p after Holm."
    )
    columns = ["Figure", first.letter, second.letter, "Difference", "Relative", "What may be said"]
    return table(caption, columns, rows)


def _row(one: Difference) -> list[Node]:
    return [
        f"{definition(one.figure).title} ({one.figure})",
        number(one.first, value_text(one.figure, one.first)),
        number(one.second, value_text(one.figure, one.second)),
        _spanned(one),
        change_cell(one.figure, one.compared),
        verdict_words(one.figure, one.compared),
    ]


def _spanned(one: Difference) -> Node:
    if one.difference is None:
        return "no interval"
    value, low, high = (
        number(end, difference_text(one.figure, end)) for end in vars(one.difference).values()
    )
    return [value, " (", low, " to ", high, ")"]
