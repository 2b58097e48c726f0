"""Sections about places: who is served well, where; which venues are shown."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import htpy as h
from htpy import Element, Node

from training.report.blocks import (
    beside,
    figure,
    figure_cell,
    folded,
    legend,
    section,
    share,
    system_legend,
    table,
)
from training.report.charts import Line, curves
from training.report.contents import Report
from training.report.definitions import definition
from training.report.maps import Dot, Ground, Square, dot_map, grid_map, level_of, levels
from training.report.places import LEAST_PEOPLE, Cell
from training.report.svg import Axis, colour
from training.report.venues import LARGE, SMALL, UNBOOKED, KindShares, Shares, Venue
from training.report.wording import estimate_text, percent, value_text

_RATIOS = (0.5, 0.8, 1.25, 2.0)
_RATIO_WORDS = (
    "less than half its share of bookings", "somewhat less", "about alike", "somewhat more",
    "at least twice its share of bookings",
)  # fmt: skip
_LARGEST_DOT = 14.0


def maps(report: Report) -> Element:
    """Return who is served well, and where."""
    found = report.territory
    left_out = (
        f"Each square is the people who live around one point of a grid of {found.step_degrees:g}"
        f" degrees; the larger, the more they are. Cells of fewer than {LEAST_PEOPLE} people"
        f" ({found.cells_left_out:,}, with {found.people_left_out:,} people) are left out;"
        f" {found.people_nowhere:,} people have no home on record. Few people make a rough figure:"
        " neighbours that differ may differ by chance."
    )
    if not found.cells:
        return section("maps", "Who is served well, and where", h.p[left_out])
    ground = Ground.around([(one.lon, one.lat) for one in found.cells], found.step_degrees)
    metrics = list(found.cells[0].figures)
    return section(
        "maps",
        "Who is served well, and where",
        h.p[left_out],
        [_maps_of(report, ground, name) for name in metrics],
        folded("The cells as a table", _cells(report, metrics)),
    )


def _maps_of(report: Report, ground: Ground, name: str) -> Node:
    cells = report.territory.cells
    known = [mean.value for one in cells for mean in one.figures[name] if mean is not None]
    if not known:
        return h.p[f"{definition(name).title}: no cell has enough people of whom it is defined."]
    edges = levels(known)
    drawn = [
        figure(
            grid_map(
                f"{definition(name).title}, {report.labels[at].letter}",
                "Squares are people on a grid, darker where the figure is higher.",
                ground,
                [_square(one, cells, name, place, edges) for one in cells],
            ),
            f"{definition(name).title}, {report.labels[at].letter}: {report.labels[at].words}",
        )
        for place, at in enumerate(report.pair)
    ]
    return [h.h3[definition(name).title], h.p[f"{definition(name).told.capitalize()} ({name})."],
            _level_legend(name, edges), beside(*drawn)]  # fmt: skip


def _square(
    cell: Cell, cells: Sequence[Cell], name: str, place: int, edges: Sequence[float]
) -> Square:
    mean = cell.figures[name][place]
    css = "level-none" if mean is None else f"level-{level_of(mean.value, edges)}"
    told = f"{_place(cell)}, {cell.people:,} people: {estimate_text(name, mean)}"
    return Square(cell.lon, cell.lat, cell.people / max(one.people for one in cells), css, told)


def _place(cell: Cell) -> str:
    return f"{abs(cell.lat):.1f}° {'NS'[cell.lat < 0]}, {abs(cell.lon):.1f}° {'EW'[cell.lon < 0]}"


def _level_legend(name: str, edges: Sequence[float]) -> Element:
    """Return the shades with their borders."""
    if not edges:
        return legend([("level-0", "alike everywhere"), ("level-none", "too few to tell")])
    text = [value_text(name, edge) for edge in edges]
    words = [f"below {text[0]}", *(f"{low} to {high}" for low, high in pairwise(text)),
             f"from {text[-1]}"]  # fmt: skip
    shades = [f"level-{level_of(edge, edges)}" for edge in [edges[0] - 1.0, *edges]]
    return legend([*zip(shades, words, strict=True), ("level-none", "too few to tell")])


def _cells(report: Report, metrics: Sequence[str]) -> Element:
    letters = [report.labels[at].letter for at in report.pair]
    titles = [definition(name).title for name in metrics]
    head = ["Place", "People", *(f"{title}, {one}" for title in titles for one in letters)]
    rows = [
        [
            _place(one),
            f"{one.people:,}",
            *(estimate_text(name, mean) for name in metrics for mean in one.figures[name]),
        ]
        for one in report.territory.cells
    ]
    caption = (
        "Means over the people of each cell, with 95 % intervals by people, which are rather too"
        " narrow where they are few."
    )
    return table(caption, head, rows)


def venues(report: Report) -> Element:
    """Return how the places on slates are shared among venues."""
    found = report.exposure
    letters = [report.labels[at].letter for at in report.pair]
    return section(
        "venues",
        "Which venues are shown",
        h.p[
            "Exposure counts each place on a slate, discounted by its position. Shares are of what"
            " is at venues. Intervals of 95 % are by people; below them stand changes against"
            f" {letters[0]}, and p after Holm.",
        ],
        system_legend(report.labels, report.pair),
        beside(_lorenz(report), _distances(report)),
        _shares("By type of venue", letters, found.by_type),
        _shares(
            "By size: the fewest venues that had half of the bookings are large",
            letters,
            {name: found.by_size[name] for name in (LARGE, SMALL, UNBOOKED)},
        ),
        table(
            "Of all that is shown, at no venue.",
            ["", *(f"Share of places, {letter}" for letter in letters)],
            [["online", *(figure_cell("exposure", online) for online in found.online)]],
        ),
        _single_venues(report, letters),
    )


def _lorenz(report: Report) -> Element:
    lines = [Line("diagonal", [(0.0, 0.0), (1.0, 1.0)])]
    for place, curve in enumerate(report.exposure.lorenz):
        points = list(zip(report.exposure.venue_share, curve, strict=True))
        lines.append(Line(colour(report.pair[place]), points))
    told = "The further below the diagonal, the fewer venues have most of it."
    x = Axis("share of the venues, least shown first", 0.0, 1.0, _whole)
    y = Axis("share of the exposure", 0.0, 1.0, _whole)
    name = f"venue_gini@{report.n}"
    found = [(report.labels[at].letter, report.summary.systems[at]) for at in report.pair]
    ginis = [f"{letter} {value_text(name, one.metrics[name].value)}" for letter, one in found]
    return figure(
        curves("Lorenz curve of the exposure of venues", told, x, y, lines),
        f"Lorenz curve of the exposure of venues; {name}: {', '.join(ginis)}.",
    )


def _whole(value: float) -> str:
    return percent(value, 0)


def _distances(report: Report) -> Node:
    within = report.exposure.within_m
    if not within:
        return None
    lines = []
    for place, at in enumerate(report.pair):
        points = [(0.0, 0.0)] + [
            (edge / 1000.0, told[place] or 0.0) for edge, told in within.items()
        ]
        lines.append(Line(colour(at), points, has_dots=True))
    x = Axis("distance from home, km", 0.0, max(within) / 1000.0, lambda km: f"{km:g}", True)
    y = Axis("share of what is shown", 0.0, 1.0, _whole)
    told = "Share of what is shown at venues that lies within a distance."
    return figure(curves("How far it is", told, x, y, lines), told)


def _shares(caption: str, letters: Sequence[str], found: Mapping[str, KindShares]) -> Element:
    head = ["Venues", "How many", "Share of offers", "Share of bookings before",
            *(f"Share of exposure, {letter}" for letter in letters)]  # fmt: skip
    rows = [
        [
            name.replace("_", " "),
            f"{one.venues:,}",
            share(one.offers),
            share(one.bookings),
            *(figure_cell("exposure", exposure) for exposure in one.exposure),
        ]
        for name, one in found.items()
        if one.venues
    ]
    return table(f"{caption}.", head, rows)


def _single_venues(report: Report, letters: Sequence[str]) -> Node:
    found = [one for one in report.exposure.venues if one.shares.exposure[-1]]
    if not found:
        return None
    ground = Ground.around([(one.lon, one.lat) for one in found], 0.1)
    most = max(one.shares.exposure[-1] or 0.0 for one in found)
    label = report.labels[report.pair[-1]]
    dots = [
        Dot(
            lon=one.lon,
            lat=one.lat,
            radius=max(1.5, _LARGEST_DOT * ((one.shares.exposure[-1] or 0.0) / most) ** 0.5),
            css=f"ratio-{_ratio(one.shares)}",
            told=_venue_words(one),
        )
        for one in found
    ]
    title = f"The {len(found)} venues that {label.letter} shows most"
    told = "The larger, the more it is shown; colours compare that with its share of bookings."
    return [
        h.h3[title],
        h.p[told],
        legend([(f"ratio-{at}", words) for at, words in enumerate(_RATIO_WORDS)]),
        beside(figure(dot_map(title, told, ground, dots), title), _most_shown(report, letters)),
    ]


def _ratio(shares: Shares) -> int:
    """Return how exposure stands to bookings, from 0 (much less) to 4 (much more)."""
    if not shares.bookings:
        return len(_RATIOS)
    ratio = (shares.exposure[-1] or 0.0) / shares.bookings
    return sum(ratio >= edge for edge in _RATIOS)


def _venue_words(venue: Venue) -> str:
    exposure, bookings = venue.shares.exposure[-1] or 0.0, venue.shares.bookings or 0.0
    return f"{venue.name}: {percent(exposure, 2)} of exposure, {percent(bookings, 2)} of bookings"


def _most_shown(report: Report, letters: Sequence[str]) -> Element:
    found = report.exposure
    head = ["Venue", "Type", "Share of bookings before",
            *(f"Share of exposure, {letter}" for letter in letters)]  # fmt: skip
    rows = [
        [
            one.name,
            one.venue_type.replace("_", " "),
            share(one.shares.bookings),
            *(figure_cell("exposure", exposure) for exposure in exposures),
        ]
        for one, exposures in zip(found.venues, found.most_shown, strict=False)
    ]
    return table(f"The venues that {letters[-1]} shows most.", head, rows)
