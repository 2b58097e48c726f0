"""Sections for a first look: what is compared, in plain words, the headline, the trade-off."""

import htpy as h
from htpy import Element, Node

from training.report.blocks import (
    beside,
    figure,
    figure_cell,
    folded,
    number,
    section,
    sentence,
    system_legend,
    table,
    told_of_served,
    verdict_words,
)
from training.report.charts import Span, Tradeoff, spans, tradeoffs, undominated
from training.report.contents import Report
from training.report.definitions import HEADLINE, definition
from training.report.svg import Axis, colour, spread
from training.report.wording import axis_text, change_text, value_text

_GAINS = HEADLINE[1:]


def compared(report: Report) -> Element:
    """Return which systems stand beside each other."""
    roles = {
        "served now": report.served.place,
        "all others are compared with it": 0,
        "told in detail": report.beside,
    }
    rows = [
        [
            label.letter,
            label.words,
            h.code[label.name],
            "; ".join(role for role, place in roles.items() if place == at),
        ]
        for at, label in enumerate(report.labels)
    ]
    return section(
        "compared",
        "What is compared",
        told_of_served(),
        table("The systems of this run.", ["", "System", "Its name in the run", "Role"], rows),
    )


def plain_words(report: Report) -> Element:
    """Return the plain-language summary; every number names where it is quoted from."""
    return section(
        "plain",
        "In plain words",
        h.p(".lead")[sentence(report.lead)],
        system_legend(report.labels, report.pair),
        h.ul(".sentences")[(h.li[sentence(one)] for one in report.sentences)],
        _others(report),
    )


def _others(report: Report) -> Node:
    if not report.others:
        return None
    told = h.ul(".sentences")[(h.li[sentence(one)] for one in report.others)]
    places = [at for at in range(len(report.labels)) if at not in report.pair]
    return folded("The other systems, in short", system_legend(report.labels, places), told)


def headline(report: Report) -> Element:
    """Return the figures that decide, with intervals."""
    names = [f"{name}@{report.n}" for name in HEADLINE]
    rows = [
        [
            f"{label.letter}: {label.words}",
            *(figure_cell(name, told.metrics[name]) for name in names),
        ]
        for label, told in zip(report.labels, report.summary.systems, strict=True)
    ]
    return section(
        "headline",
        "Headline",
        h.div(".cards")[(_card(report, name) for name in names)],
        table(
            "Mean over people, 95 % interval; below it the change against"
            f" {report.labels[0].letter} with the 95 % interval of the paired difference, and p of"
            " a permutation test after Holm.",
            ["System", *(f"{definition(name).title} ({name})" for name in names)],
            rows,
        ),
    )


def _card(report: Report, name: str) -> Element:
    told = definition(name)
    rows = [
        Span(
            name=label.letter,
            ends=ends,
            css=colour(at),
            told=f"{label.words}, {value_text(name, ends[0])}",
        )
        for at, label in enumerate(report.labels)
        if (ends := report.summary.systems[at].metrics[name].interval)
    ]
    if not rows:
        return h.div(".card")[h.h3[told.title], h.p["Defined for nobody here."]]
    drawn = spans(told.title, "Each system with its interval.", rows, axis_text(name))
    return h.div(".card")[
        h.h3[told.title], _big(report, name), figure(drawn, f"{name}: {told.told}.")
    ]


def _big(report: Report, name: str) -> Node:
    """Return the figure of the system told in detail, large."""
    label, found = report.labels[report.beside], report.summary.systems[report.beside].metrics[name]
    if found.value is None:
        return None
    large = h.strong[number(found.value, value_text(name, found.value))]
    if not report.beside:
        return h.p(".big")[large, f" {label.letter}"]
    change = None if found.change is None else number(found.change, change_text(found.change))
    against = f" {label.letter}, against {report.labels[0].letter}: "
    return h.p(".big")[large, against, change, " ", verdict_words(name, found)]


def pareto(report: Report) -> Element:
    """Return what each system gains for what it loses in relevance."""
    x = f"ndcg@{report.n}"
    drawn = [_tradeoff(report, x, f"{name}@{report.n}") for name in _GAINS]
    if not any(drawn):
        return section("pareto", "Relevance and horizon", h.p["Nobody booked anything new."])
    return section(
        "pareto",
        "Relevance and horizon",
        h.p[
            "Further right: more relevant; further up: more horizon. Floors of one model and one"
            " intensity are joined. A ring marks what no other system reaches in both; whiskers are"
            " 95 % intervals, and where they overlap much, the ring may be chance."
        ],
        system_legend(report.labels, range(len(report.labels))),
        beside(*drawn),
    )


def _tradeoff(report: Report, x: str, y: str) -> Element | None:
    points = []
    for at, label in enumerate(report.labels):
        figures = report.summary.systems[at]
        across, upward = figures.metrics[x].interval, figures.metrics[y].interval
        if across is None or upward is None:
            continue
        points.append(
            Tradeoff(
                letter=label.letter,
                family=label.line,
                order=label.floor,
                x=across,
                y=upward,
                css=colour(at),
                told=f"{label.words}: {value_text(x, across[0])}, {value_text(y, upward[0])}",
            )
        )
    if not points:
        return None
    horizontal = Axis(x, *spread([end for one in points for end in one.x]), axis_text(x))
    vertical = Axis(y, *spread([end for one in points for end in one.y]), axis_text(y))
    title = f"{definition(y).title} over relevance"
    front = [points[at].letter for at in undominated([(one.x[0], one.y[0]) for one in points])]
    return figure(
        tradeoffs(title, points, horizontal, vertical),
        f"{title}; with a ring: {', '.join(front)}.",
    )
