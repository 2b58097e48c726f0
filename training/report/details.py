"""Sections for a second look: kinds of people, probabilities, every figure."""

from collections.abc import Mapping, Sequence

import htpy as h
from htpy import Element, Node

from training.intervals import Estimate
from training.paired import Compared
from training.replay.summary import LEAST_PEOPLE, Segment
from training.report.blocks import (
    beside,
    figure,
    figure_cell,
    folded,
    number,
    rows_figure,
    section,
    system_legend,
    table,
)
from training.report.calibration import Bin
from training.report.charts import Line, Span, curves, spans
from training.report.contents import Report
from training.report.definitions import definition
from training.report.plain import segment_words
from training.report.svg import Axis, colour
from training.report.wording import change_text, percent

_TOLD = ("ndcg", "horizon_recall", "novel_recall", "distance_m")
_KINDS = {
    "seen": "By bookings so far",
    "density": "By how many venues are near",
    "first_category": "By the category booked first",
}
_ORDER = ("cold", "warming", "warm", "dense", "town", "rural")
_RELIABILITY = (
    "ece", "ece_rel", "log_loss", "log_loss_base", "log_loss_less_base", "brier", "auc", "distinct",
)  # fmt: skip


def segments(report: Report) -> Element:
    """Return how systems serve kinds of people."""
    if not report.summary.segments:
        told = f"No kind of people has {LEAST_PEOPLE} or more here, so that none is shown."
        return section("segments", "Kinds of people", h.p[told])
    names = [f"{name}@{report.n}" for name in _TOLD]
    drawn = [_changes(report, name) for name in names[:3]] if report.beside else []
    return section(
        "segments",
        "Kinds of people",
        h.p[
            f"Kinds of fewer than {LEAST_PEOPLE} people are left out, and figures that fewer of one"
            " have are not defined. Intervals are those of each kind alone; among many kinds some"
            " leave out nought by chance."
        ],
        beside(*drawn),
        [_kind(report, kind, names) for kind in _KINDS],
    )


def _changes(report: Report, name: str) -> Node:
    """Return the change of one figure, kind by kind, of the system told in detail."""
    rows = []
    for one in _ordered(report.summary.segments):
        found = one.systems[report.beside][name]
        if found.change_interval is not None:
            told = change_text(found.change_interval[0])
            rows.append(Span(_short(one), found.change_interval, colour(report.beside), told))
    if not rows:
        return None
    first, second = (report.labels[at].letter for at in report.pair)
    title = f"{definition(name).title}: change from {first} to {second}"
    return rows_figure(spans(title, "Kind by kind, with intervals.", rows, _percent, True), title)


def _ordered(segments: Sequence[Segment]) -> list[Segment]:
    """Return segments in the order of METRICS, categories by how many people they have."""
    place = {value: at for at, value in enumerate(_ORDER)}
    kinds = list(_KINDS)
    return sorted(
        segments,
        key=lambda one: (kinds.index(one.kind), place.get(one.value, len(place)), -one.people),
    )


def _percent(share: float) -> str:
    return percent(share, 0)


def _short(segment: Segment) -> str:
    return "nothing yet" if segment.value == "none" else segment.value.lower().replace("_", " ")


def _kind(report: Report, kind: str, names: list[str]) -> Element | None:
    of_kind = [one for one in _ordered(report.summary.segments) if one.kind == kind]
    if not of_kind:
        return None
    rows = [
        [
            [segment_words(one), f", {report.labels[at].letter}"],
            number(one.people, f"{one.people:,}"),
            *(figure_cell(name, one.systems[at][name]) for name in names),
        ]
        for one in of_kind
        for at in report.pair
    ]
    head = ["Kind", "People", *(f"{definition(name).title} ({name})" for name in names)]
    return folded(_KINDS[kind], table(f"{_KINDS[kind]}, with 95 % intervals.", head, rows))


def calibration(report: Report) -> Element:
    """Return how far the probabilities shown can be believed."""
    known = [(at, found) for at, found in zip(report.pair, report.bins, strict=True) if found]
    if not known:
        return section("calibration", "Probabilities", h.p[_why_not_judged(report)])
    return section(
        "calibration",
        "Probabilities",
        h.p[
            "What was said and what was booked within the week, of all that was shown, in bins of"
            " as many offers each. On the diagonal both are alike, though not of one event."
        ],
        system_legend(report.labels, [at for at, _ in known]),
        beside(
            figure(
                _calibration_curves(dict(known)),
                "Share booked within the week over the probability said, by square roots.",
            ),
            _reliability(report),
        ),
        folded(
            "The bins as a table",
            [_bins(report.labels[at].letter, found) for at, found in known],
        ),
    )


def _why_not_judged(report: Report) -> str:
    if report.manifest["everybody"]:
        return "Nothing that was shown was booked: nothing can be said of the probabilities."
    return (
        "Not judged: people were drawn because they booked, and book oftener than is said of them."
        " Evaluate with --everybody to judge probabilities."
    )


def _reliability(report: Report) -> Element:
    systems = [(at, report.summary.systems[at]) for at in report.pair]
    known = [(at, one) for at, one in systems if one.probability]
    rows: list[Sequence[Node]] = [
        *(
            [definition(name).title, *(figure_cell(name, one.metrics[name]) for _, one in known)]
            for name in _RELIABILITY
            if name in report.summary.systems[0].metrics
        ),
        ["Calibration error without chance", *(_spanned(one.ece) for _, one in known)],
        ["The same over the base rate", *(_spanned(one.ece_rel) for _, one in known)],
    ]
    letters = [report.labels[at].letter for at, _ in known]
    caption = (
        "Figures of the probabilities shown, with 95 % intervals by people; below them the change"
        f" against {report.labels[0].letter}, and p after Holm. Exact probabilities have a"
        " calibration error above 0, too, by chance: its intervals are of what is left without."
    )
    return table(caption, ["Figure", *letters], rows)


def _spanned(found: Estimate | None) -> Node:
    if found is None:
        return "too little"
    value, low, high = (number(end, percent(end, 3)) for end in vars(found).values())
    return [value, " (", low, " to ", high, ")"]


def _calibration_curves(known: Mapping[int, Sequence[Bin]]) -> Element:
    bins = [one for found in known.values() for one in found]
    most = max(max(one.said, one.booked) for one in bins) * 1.08
    lines = [Line("diagonal", [(0.0, 0.0), (most, most)])]
    for at, found in known.items():
        points = [(one.said, one.booked) for one in found]
        lines.append(Line(colour(at), points, has_dots=True))
    said = Axis("probability said", 0.0, most, _fine, is_root=True)
    came = Axis("share booked", 0.0, most, _fine, is_root=True)
    told = "One point a bin; the diagonal is where both are alike."
    return curves("Calibration", told, said, came, lines)


def _fine(share: float) -> str:
    return f"{100.0 * share:.2g} %"


def _bins(letter: str, bins: Sequence[Bin]) -> Element:
    rows = [
        [
            str(place + 1),
            number(one.said, percent(one.said, 3)),
            [
                number(one.booked, percent(one.booked, 3)),
                " (", number(one.low, percent(one.low, 3)),
                " to ", number(one.high, percent(one.high, 3)), ")",
            ],
            number(one.shown, f"{one.shown:,}"),
        ]
        for place, one in enumerate(bins)
    ]  # fmt: skip
    caption = f"{letter}: 95 % intervals by people, whose offers hang together."
    return table(caption, ["Bin", "Said", "Booked", "Offers shown"], rows)


def everything(report: Report) -> Element:
    """Return every figure of everybody."""
    names = list(report.summary.systems[0].metrics)
    rows = [
        [
            [h.b[definition(name).title], h.br, h.code[name]],
            *(_cell(name, one.metrics) for one in report.summary.systems),
        ]
        for name in names
    ]
    head = ["Figure", *(label.letter for label in report.labels)]
    caption = (
        f"Everybody: value with 95 % interval; below it the change against {head[1]} with the"
        " interval of the paired difference, and p after Holm. Segments are in the JSON and the"
        " CSV."
    )
    return section("figures", "Every figure", folded("Show the table", table(caption, head, rows)))


def _cell(name: str, metrics: Mapping[str, Compared]) -> Node:
    return figure_cell(name, metrics[name])
