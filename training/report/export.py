"""The figures of a report as data: one JSON object, and one table."""

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from training.intervals import Estimate
from training.paired import Compared
from training.report.contents import Report

_FIGURE = tuple(Compared.__dataclass_fields__)
COLUMNS = ("part", "group", "people", "system", "figure", *_FIGURE)
"""Of the table: in `part`, all, a kind of segment, since (the champion: paired differences, and
settings, which may be words), exposure, calibration, changes or benchmark."""
_NO_ENDS = (None,) * (len(_FIGURE) - 1)

Row = tuple[Any, ...]


def as_object(report: Report) -> dict[str, Any]:
    """Return all that the page says, as JSON takes it."""
    told = asdict(report)
    for name in ("sentences", "others"):
        told[name] = [_sentence(one) for one in getattr(report, name)]
    told["served"]["told"] = _sentence(report.served.told)
    return told | {"lead": _sentence(report.lead)}


def _sentence(sentence: tuple[Any, ...]) -> dict[str, Any]:
    """Return a sentence as text, and what it quotes."""
    quoted = [part for part in sentence if not isinstance(part, str)]
    return {
        "text": "".join(part if isinstance(part, str) else part.text for part in sentence),
        "quoted": [asdict(part) for part in quoted],
    }


def csv_text(report: Report) -> str:
    """Return a row a figure, system and group of people, venues or offers."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(rows_of(report))
    return text.getvalue()


def rows_of(report: Report) -> Iterator[Row]:
    """Yield the rows of the table."""
    yield from _people(report)
    yield from _since(report)
    yield from _probabilities(report)
    yield from _places(report)
    yield from _venues(report)
    yield from _changes(report)
    yield from _benchmark(report)


def _people(report: Report) -> Iterator[Row]:
    for kind, value, people, systems in report.summary.groups():
        for label, metrics in zip(report.labels, systems, strict=True):
            for name, figure in metrics.items():
                yield (kind, value, people, label.name, name, *vars(figure).values())


def _since(report: Report) -> Iterator[Row]:
    people = report.summary.people
    for one in report.since.headline:
        own = tuple(vars(one.difference).values()) if one.difference else (None,) * 3
        beside = tuple(vars(one.compared).values())[len(own) :]
        yield ("since", "headline", people, one.system, one.figure, *own, *beside)
    for setting in report.since.settings:
        names = ("served", *(label.name for label in report.labels))
        for name, value in zip(names, (setting.served, *setting.systems), strict=True):
            yield ("since", "settings", None, name, setting.name, value, *_NO_ENDS)


def _probabilities(report: Report) -> Iterator[Row]:
    for label, one in zip(report.labels, report.summary.systems, strict=True):
        for name, found in (("ece", one.ece), ("ece_rel", one.ece_rel)):
            told = f"{name} without chance"
            yield _plain("probability", "all", label.name, told, *_ends(found))
    for at, bins in zip(report.pair, report.bins, strict=True):
        for place, one_bin in enumerate(bins):
            group, name = f"bin {place + 1}", report.labels[at].name
            yield _plain("calibration", group, name, "said", one_bin.said)
            ends = (one_bin.low, one_bin.high)
            yield _plain("calibration", group, name, "booked", one_bin.booked, *ends)
            yield _plain("calibration", group, name, "shown", one_bin.shown)


def _places(report: Report) -> Iterator[Row]:
    for cell in report.territory.cells:
        for name, means in cell.figures.items():
            for at, mean in zip(report.pair, means, strict=True):
                place = f"{cell.lon:g} {cell.lat:g}"
                row = _plain("place", place, report.labels[at].name, name, *_ends(mean))
                yield (*row[:2], cell.people, *row[3:])


def _venues(report: Report) -> Iterator[Row]:
    found = report.exposure
    kinds = {"venue type": found.by_type, "venue size": found.by_size}
    for part, groups in kinds.items():
        for group, shares in groups.items():
            yield _plain(part, group, "", "share of offers", shares.offers)
            yield _plain(part, group, "", "share of bookings", shares.bookings)
            for at, exposure in zip(report.pair, shares.exposure, strict=True):
                name = report.labels[at].name
                yield (part, group, None, name, "share of exposure", *vars(exposure).values())
    for edge_m, values in found.within_m.items():
        for at, value in zip(report.pair, values, strict=True):
            yield _plain("distance", f"within {edge_m} m", report.labels[at].name, "share", value)
    for at, online in zip(report.pair, found.online, strict=True):
        name = report.labels[at].name
        yield ("distance", "online", None, name, "share", *vars(online).values())


def _changes(report: Report) -> Iterator[Row]:
    found = report.changes
    if found is None:
        return
    first, second = (report.labels[at].name for at in report.pair)
    yield _plain("changes", "slates", second, "overlap", *_ends(found.overlap))
    yield _plain("changes", "slates", second, "unchanged", *_ends(found.unchanged))
    for one in found.categories:
        group = one.category
        yield _plain("category", group, first, "share", *_ends(one.first))
        yield _plain("category", group, second, "share", *_ends(one.second))
        yield _plain("category", group, second, "difference", *_ends(one.difference))


def _benchmark(report: Report) -> Iterator[Row]:
    found = report.benchmark
    if found is None:
        return
    for one in found.rows:
        for name, figure in one.metrics.items():
            group = f"{one.method} {one.parameter}".strip()
            yield ("benchmark", group, found.users, found.data, name, *vars(figure).values())
    for name, figure in found.score_order.items():
        yield ("benchmark", "(score)", found.users, found.data, name, *vars(figure).values())


def _ends(found: Estimate | None) -> tuple[float | None, ...]:
    return (found.value, found.low, found.high) if found else (None,)


def _plain(part: str, group: str, system: str, figure: str, *values: float | None) -> Row:
    """Return a row of a figure that is compared with nothing: value, and bounds if any."""
    return (part, group, None, system, figure, *values, *[None] * (len(_FIGURE) - len(values)))
