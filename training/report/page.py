"""The report as one HTML file: no script, no network; it prints, and folds on a phone."""

from importlib.resources import files

import htpy as h
from htpy import Element
from markupsafe import Markup

from training.report.benchmark_section import benchmark
from training.report.contents import Report
from training.report.details import calibration, everything, segments
from training.report.making import making
from training.report.overview import compared, headline, pareto, plain_words
from training.report.shown import changes, examples
from training.report.since_section import since
from training.report.whereabouts import maps, venues

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Of content: a browser would refuse to fetch anything, whatever a title might hold."""


def page(report: Report) -> str:
    """Return the whole document."""
    sections = _sections(report)
    asked = report.manifest
    title = f"Evaluation of {asked['world']}, {asked['start'][:10]} to {asked['end'][:10]}"
    document = h.html(lang="en")[
        h.head[
            h.meta(charset="utf-8"),
            h.meta(http_equiv="Content-Security-Policy", content=_POLICY),
            h.meta(name="viewport", content="width=device-width, initial-scale=1"),
            h.meta(name="color-scheme", content="light dark"),
            h.title[title],
            h.style[Markup(_style())],  # noqa: S704
        ],
        h.body[
            h.header[
                h.h1[title],
                h.p[f"Run {report.run}. All intervals are 95 %."],
                h.nav(aria_label="Sections")[
                    h.ul[(h.li[h.a(href=f"#{anchor}")[name]] for anchor, name, _ in sections)]
                ],
            ],
            h.main[(content for _, _, content in sections)],
        ],
    ]
    return f"{document}\n"


def _sections(report: Report) -> list[tuple[str, str, Element]]:
    found = [
        ("plain", "In plain words", plain_words(report)),
        ("headline", "Headline", headline(report)),
        ("compared", "What is compared", compared(report)),
        ("since", "Since the champion", since(report)),
        ("pareto", "Relevance and horizon", pareto(report)),
        ("segments", "Kinds of people", segments(report)),
        ("maps", "Where", maps(report)),
        ("venues", "Venues", venues(report)),
        ("calibration", "Probabilities", calibration(report)),
        ("changes", "What changes", changes(report)),
        ("examples", "Examples", examples(report)),
    ]
    if report.benchmark:
        found.append(("benchmark", "Benchmark of slates", benchmark(report.benchmark)))
    found += [
        ("figures", "Every figure", everything(report)),
        ("making", "How it was made", making(report)),
    ]
    return found


def _style() -> str:
    return (files("training.report") / "report.css").read_text(encoding="utf-8")
