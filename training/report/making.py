"""The section that tells how a run was made, and what its figures mean."""

import htpy as h
from htpy import Element

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
            f"{system['floor']:g}",
            f"{system['intensity']:g}",
        ]
        for label, system in zip(report.labels, report.manifest["systems"], strict=True)
    ]
    head = ["System", "Version", "Kind", "Trained until", "Floor", "Intensity"]
    return section(
        "making",
        "How it was made",
        h.p[
            "At the start of each week: what could be booked then, around each person, within their"
            " credit, with what was known of them, through the code that serves. What they booked"
            " in the seven days after is what was to be found. A person's figure is the mean over"
            " the weeks in which it is defined. Intervals: percentile bootstrap over people, 1,000"
            " resamples; p: paired permutation test, corrected by Holm over the systems."
        ],
        table(f"Run {report.run}.", ["What", "Value"], rows),
        table("The systems.", head, systems),
        folded("What each figure means", _definitions(report)),
    )


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "unknown" if value is None else str(value)


def _definitions(report: Report) -> Element:
    names = dict.fromkeys(name.split("@")[0] for name in report.summary.systems[0].metrics)
    return h.dl[
        (
            [h.dt[definition(name).title, " ", h.code[name]], h.dd[f"{definition(name).told}."]]
            for name in [*names, "ece"]
        )
    ]
