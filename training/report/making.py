"""The section that tells how a run was made, and what its figures mean."""

from collections.abc import Mapping
from typing import Any

import htpy as h
from htpy import Element

from training.intervals import RESAMPLES
from training.report.blocks import folded, section, table
from training.report.contents import Report
from training.report.definitions import definition

_ASKED = {
    "world": "World",
    "source": "Where the past was read from",
    "begun_at": "Begun",
    "code_revision": "Code revision",
    "start": "First week begins",
    "end": "Last week ends",
    "weeks": "Weeks",
    "people": "People asked for",
    "everybody": "Also people who booked nothing new",
    "n": "Offers a slate",
    "radius_m": "Radius, m",
    "seed": "Seed",
}


def making(report: Report) -> Element:
    """Return how the run was made."""
    rows = [[words, _said(report.manifest.get(key))] for key, words in _ASKED.items()]
    systems = [
        [
            label.letter,
            h.code[system["version"] or "none"],
            system["kind"] or "popularity near",
            system["trained_until"] or "not trained",
            *_dials(system),
        ]
        for label, system in zip(report.labels, report.manifest["systems"], strict=True)
    ]
    head = ["System", "Version", "Kind", "Trained until", "Floor", "Price", "Intensity"]
    return section(
        "making",
        "How it was made",
        h.p[
            "At the start of each week: what could be booked then, around each person, within their"
            " credit, with what was known of them, through the code that serves. What they booked"
            " in the seven days after is what was to be found. A person's figure is the mean over"
            " the weeks in which it is defined."
        ],
        h.p[
            "Intervals are of 95 %. Of figures of people, and of shares, log losses, the Brier"
            " score and the area under the curve, which are taken apart into what each person adds:"
            f" percentile bootstrap over people, {RESAMPLES:,} resamples. It would bias coverage"
            " and inequality, which all slates have together: theirs are normal, with an error told"
            " from how unlike people's slates are. That of a calibration error holds the errors"
            " that would make the one found no wonder, without what chance alone adds. A table"
            " whose intervals are others says so. p: what two systems show a person is exchanged at"
            " random, paired; corrected by Holm over the systems."
        ],
        table(f"Run {report.run}.", ["What", "Value"], rows),
        table("The systems; a price is in points a booking.", head, systems),
        folded("What each figure means", _definitions(report)),
    )


def _dials(system: Mapping[str, Any]) -> list[str]:
    """Return floor, price and intensity; of a price alone, no floor."""
    price, floor = system.get("points_a_booking"), system["floor"]
    return [
        f"{floor:g}" if floor or not price else "none",
        f"{price:g}" if price else "none",
        f"{system['intensity']:g}",
    ]


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "unknown" if value is None else str(value)


def _definitions(report: Report) -> Element:
    names = dict.fromkeys(name.split("@")[0] for name in report.summary.systems[0].metrics)
    return h.dl[
        (
            [h.dt[definition(name).title, " ", h.code[name]], h.dd[f"{definition(name).told}."]]
            for name in names
        )
    ]
