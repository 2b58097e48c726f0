"""What changed since the champion: which system it is, and what the others are beside it."""

import csv
import io
import json
import re
from collections import defaultdict

import numpy as np
import pytest
from documents import looked_up, numbers, parsed

from training.report.contents import report_of
from training.report.export import as_object, csv_text
from training.report.page import page
from training.report.plain import Quoted
from training.report.standing import Standing

MODEL = {
    "version": "ials-7", "kind": "ials", "trained_until": "2026-10-26T00:00:00+00:00",
    "settings": {"factors": 64, "half_life_days": 30.0},
    "floor": 0.98, "intensity": 3.0, "points_a_booking": 0.0,
}  # fmt: skip
LATER = "2026-11-20T00:00:00+00:00"
NEW = MODEL | {"version": "ials-8", "settings": {"factors": 128, "half_life_days": 30.0}}


def words(sentence):
    return "".join(part if isinstance(part, str) else part.text for part in sentence)


def test_what_is_served_is_what_others_are_compared_with(report):
    assert (report.served.standing, report.served.place) == (Standing.FIRST, 0)
    assert words(report.served.told) == (
        "When this run began, on 2026-11-25, popularity near was served, under a floor of 1 and an"
        " intensity of 3. This is A here, and all changes are against it."
    )
    assert report.sentences[0] == report.served.told
    assert words(report.lead).startswith("B against A (what is served): ")
    assert [label.words.endswith("(served)") for label in report.labels] == [True, False]


@pytest.mark.parametrize(
    ("systems", "served", "standing", "place", "said"),
    [
        ((MODEL, NEW), MODEL, Standing.FIRST, 0, "This is A here, and all changes are against it."),
        ((NEW, MODEL), MODEL, Standing.BESIDE, 1,
         "This is B here; but all changes are against A, named first."),
        ((NEW, MODEL), MODEL | {"floor": 0.9}, Standing.OTHER_DIALS, None,
         "Its model is in this run, but never with its slates chosen so. All changes are against A"
         " instead, named first: it has the same kind and intensity, other settings and floor, and"
         " was trained until 2026-10-26."),
        ((NEW, NEW), MODEL | {"trained_until": LATER}, Standing.SEEN, None,
         "It is not in this run: it was trained until 2026-11-20 and has seen the weeks, which"
         " begin on 2026-10-26. All changes are against A instead, named first: it has the same"
         " kind, floor and intensity, other settings, and was trained until 2026-10-26."),
        ((NEW, NEW), MODEL, Standing.ABSENT, None,
         "It is not in this run: nobody asked for it. All changes are against A instead"),
        ((NEW, NEW), MODEL | {"points_a_booking": 180.0}, Standing.ABSENT, None,
         "under a floor of 0.98, a price of 180 points a booking and an intensity of 3. It"),
        ((NEW, NEW), None, Standing.UNKNOWN, None,
         "This run does not say what was served when it began: all changes are against A, which is"
         " named first."),
    ],
)  # fmt: skip
def test_where_it_is_not_it_is_said_why_and_what_stands_instead(
    told_of, systems, served, standing, place, said
):
    run = told_of(systems, served)
    report = report_of(run)
    assert (report.served.standing, report.served.place) == (standing, place)
    assert said in words(report.served.told)
    for part in report.served.told:
        if isinstance(part, Quoted):
            assert looked_up(run, part.source) == part.value
        else:
            assert not re.search(r"\d", part)
    document = parsed(page(report))
    assert words(report.served.told) in document.one("plain").text
    assert document.text.count(words(report.served.told)) == 1
    shown = document.one("since").text
    assert '"In plain words" says first what was served' in shown
    assert ("Served" in shown) == (served is not None and place is None)


def test_how_they_were_made_is_told_where_it_differs(told_of):
    report = report_of(told_of((NEW, MODEL), MODEL | {"trained_until": LATER, "version": "ials-9"}))
    told = {one.name: (one.served, one.systems) for one in report.since.settings if one.differs}
    assert told == {
        "version": ("ials-9", ("ials-8", "ials-7")),
        "trained_until": (LATER, (MODEL["trained_until"],) * 2),
        "factors": (64, (128, 64)),
    }
    first, same = parsed(page(report)).one("since").all("table")[:2]
    rows = [[cell.text for cell in row.children] for row in first.all("tbody")[0].all("tr")]
    assert ["factors", "64", "128", "64"] in rows
    assert [cell.text for cell in first.all("th")[:4]] == ["Setting", "Served", "A", "B"]
    assert "half_life_days" in same.text
    assert "half_life_days" not in first.text


def test_a_setting_that_a_system_lacks_is_no_difference(told_of):
    nothing = {"version": None, "kind": None, "trained_until": None, "settings": {}}
    report = report_of(told_of((MODEL, nothing), MODEL))
    told = [one.name for one in report.since.settings if one.differs]
    assert told == ["version", "kind", "trained_until", "floor"]
    cells = [cell.text for cell in parsed(page(report)).one("since").all("table")[0].all("td")]
    assert cells[:6] == [
        "ials-7", "none", "ials", "popularity near", "2026-10-26 00:00", "not trained",
    ]  # fmt: skip


def test_the_headline_has_paired_differences(report, run):
    figures = defaultdict(dict)
    for row in run.rows().to_pylist():
        for name in ("ndcg@8", "slate_points@8"):
            figures[row["system"], name].setdefault(row["user"], []).append(row[name])
    found = {one.figure: one for one in report.since.headline}
    assert {one.system for one in report.since.headline} == {"wide"}
    assert len(found) == 4
    for name in ("ndcg@8", "slate_points@8"):
        near, wide = (figures[system, name] for system in ("near", "wide"))
        apart = [
            np.nanmean(wide[user]) - np.nanmean(near[user])
            for user in near
            if not np.isnan(near[user]).all()
        ]
        told = found[name]
        assert told.difference.value == pytest.approx(np.mean(apart))
        assert told.second - told.first == pytest.approx(told.difference.value)
        assert told.difference.low < told.difference.value < told.difference.high
        half = 1.96 * np.std(apart) / len(apart) ** 0.5
        assert told.difference.high - told.difference.low == pytest.approx(2.0 * half, rel=0.15)


def test_page_object_and_table_tell_the_same(report):
    told = json.loads(json.dumps(as_object(report), allow_nan=False))
    assert told["served"]["standing"] == "first"
    assert told["served"]["told"]["text"] == words(report.served.told)
    rows = [row for row in csv.DictReader(io.StringIO(csv_text(report), newline=""))
            if row["part"] == "since"]  # fmt: skip
    kept = {row["figure"]: row for row in rows if row["group"] == "headline"}
    section = parsed(page(report)).one("since")
    shown = [number for table in section.all("table") for number in numbers(table)]
    for one, found in zip(told["since"]["headline"], report.since.headline, strict=True):
        assert one["difference"] == vars(found.difference)
        assert float(kept[found.figure]["value"]) == found.difference.value
        assert float(kept[found.figure]["p"]) == found.compared.p
        assert {found.first, found.second, *vars(found.difference).values()} <= set(shown)
        assert found.verdict == one["verdict"]
    made = {(row["system"], row["figure"]): row["value"] for row in rows
            if row["group"] == "settings"}  # fmt: skip
    assert made["served", "floor"] == made["near", "floor"] == "1.0"
    assert made["wide", "floor"] == "0.8"


def test_a_run_of_one_system_says_so(alone):
    report = report_of(alone)
    assert report.since.headline == ()
    assert "nothing to set it beside" in parsed(page(report)).one("since").text
