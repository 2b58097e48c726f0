"""Sections about slates: examples side by side, and what changes from the first system."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import htpy as h
from htpy import Element, Node

from training.intervals import Estimate
from training.report.blocks import beside, folded, number, rows_figure, section, table
from training.report.changes import Moved
from training.report.charts import Span, spans
from training.report.contents import Report
from training.report.svg import colour
from training.report.wording import change_text, percent, signed


def changes(report: Report) -> Element:
    """Return what comes and goes when the second system takes the place of the first."""
    found = report.changes
    if found is None:
        told = "The run has one system: there is nothing to set it beside."
        return section("changes", "What changes", h.p[told])
    first, second = (report.labels[at].letter for at in report.pair)
    return section(
        "changes",
        f"What changes from {first} to {second}",
        h.p[
            f"Of the items that {first} shows, {second} shows ", *_estimate(found.overlap),
            " too; ", *_estimate(found.unchanged), " of the slates show the same items. Over ",
            number(found.slates, f"{found.slates:,}"), " slates, a person and week each.",
        ],
        beside(_category_picture(report), _categories(report)),
        beside(
            _moved(f"On more slates under {second}", found.gained, first, second),
            _moved(f"On fewer slates under {second}", found.lost, first, second),
        ),
    )  # fmt: skip


def _estimate(found: Estimate | None, told: Callable[[float], str] = percent) -> list[Node]:
    if found is None:
        return ["not defined"]
    return [
        number(found.value, told(found.value)),
        " (", number(found.low, told(found.low)),
        " to ", number(found.high, told(found.high)), ")",
    ]  # fmt: skip


def _category_picture(report: Report) -> Node:
    found = report.changes
    if found is None:
        return None
    compared = [(one.category, one.difference) for one in found.categories if one.difference]
    if not compared:
        return None
    rows = [
        Span(
            name=_words(category),
            ends=(difference.value, difference.low, difference.high),
            css=colour(report.beside),
            told=_points(difference.value),
        )
        for category, difference in compared
    ]
    title = "Share of the slates by category: change in percentage points"
    return rows_figure(spans(title, "With 95 % intervals.", rows, _tick, True), title)


def _tick(share: float) -> str:
    return signed(f"{100.0 * share:.2g}")


def _points(share: float) -> str:
    return change_text(share).replace("%", "points")


def _categories(report: Report) -> Node:
    found = report.changes
    if found is None:
        return None
    first, second = (report.labels[at].letter for at in report.pair)
    rows: list[list[Node]] = [
        [
            _words(one.category),
            _estimate(one.first),
            _estimate(one.second),
            _estimate(one.difference, _points),
        ]
        for one in found.categories
    ]
    caption = "Share of what people are shown, mean over people, with 95 % intervals."
    return table(caption, ["Category", first, second, "Difference"], rows)


def _moved(caption: str, moved: Sequence[Moved], first: str, second: str) -> Element:
    if not moved:
        return h.p[f"{caption}: nothing."]
    rows: list[list[Node]] = [
        [
            [one.title, h.small[f" {_words(one.category)}"]],
            number(one.first, f"{one.first:,}"),
            number(one.second, f"{one.second:,}"),
        ]
        for one in moved
    ]
    head = ["Item", f"Slates of {first}", f"Slates of {second}"]
    return table(f"{caption}: how many show each item.", head, rows)


def _words(name: str) -> str:
    return name.capitalize().replace("_", " ")


def examples(report: Report) -> Element:
    """Return slates of some people, side by side."""
    told = (
        "People drawn at random, under a pseudonym; the slates are those of the start of the first"
        " week, their first offers, with the explanations that the service gives. A bar marks what"
        " only that system shows here."
    )
    people = [_person(report, one) for one in report.examples]
    if not people:
        return section("examples", "Examples", h.p[told], h.p["This run kept none."])
    others = folded(f"The other {len(people) - 1}", people[1:]) if people[1:] else None
    return section("examples", "Examples", h.p[told], people[0], others)


def _person(report: Report, example: Mapping[str, Any]) -> Element:
    slates = [(at, example["systems"].get(report.labels[at].name)) for at in report.pair]
    history = [f"{one['title'] or 'untitled'} ({_words(one['category'])})"
               for one in example["history"]]  # fmt: skip
    credit = example["credit_left_cents"]
    left = "no credit on record" if credit is None else f"about €{credit / 100:,.0f} of credit left"
    shown = [{one["title"] for one in slate["offers"]} for _, slate in slates if slate]
    return h.article(".person")[
        h.h3["Person ", h.code[example["user"]]],
        h.p[f"{left}. Last booked: ", "; ".join(history) or "nothing yet", "."],
        beside(*(
            _slate(report, at, slate, others=_others(shown, place))
            for place, (at, slate) in enumerate(slates)
            if slate
        )),
    ]  # fmt: skip


def _others(shown: Sequence[set[str]], place: int) -> set[str] | None:
    """Return the titles of the other slate; None where there is none."""
    return shown[1 - place] if len(shown) > 1 else None


def _slate(report: Report, at: int, slate: Mapping[str, Any], others: set[str] | None) -> Element:
    label = report.labels[at]
    return h.div(".slate")[
        h.h4[f"{label.letter}: {label.words}"],
        h.p(".why", lang=_language(slate))[" ".join(slate["explanation"])],
        h.ol[
            (
                _offer(
                    one,
                    is_alone=others is not None and one["title"] not in others,
                    language=_language(slate),
                )
                for one in slate["offers"]
            )
        ],
    ]


def _language(slate: Mapping[str, Any]) -> str:
    """Return the language of the explanations, French in evaluations that do not say."""
    return str(slate.get("language", "fr"))


def _offer(offer: Mapping[str, Any], *, is_alone: bool, language: str) -> Element:
    distance = offer["distance_m"]
    place = "online" if distance is None else f"within {distance / 1000:.0f} km"
    facts = [
        _words(offer["category"]),
        offer["venue"],
        place,
        f"€{offer['price_cents'] / 100:,.2f}",
        f"p {percent(offer['probability'], 2)}",
        f"{offer['gain']:.2f} points expected",
    ]
    return h.li(class_={"alone": is_alone})[
        h.b[offer["title"] or "untitled"],
        h.div(".facts")[" · ".join(fact for fact in facts if fact)],
        h.div(".why", lang=language)["; ".join(offer["explanation"])],
    ]
