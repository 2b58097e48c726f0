"""What systems are called, which of them a line joins, and what is said of how a run was made."""

import pytest
from documents import parsed

from training.intervals import RESAMPLES
from training.report.contents import report_of
from training.report.labels import labels_of
from training.report.page import page

FLOOR = {
    "name": "ials-7@0.98", "version": "ials-7", "kind": "ials", "trained_until": None,
    "settings": {}, "floor": 0.98, "intensity": 3.0, "points_a_booking": 0.0,
}  # fmt: skip
OFTEN = FLOOR | {"name": "ials-7@0.98,intensity=9", "intensity": 9.0}
PRICE = FLOOR | {"name": "ials-7@price=180", "floor": 0.0, "points_a_booking": 180.0}
BOTH = FLOOR | {"name": "ials-7@0.9,price=60", "floor": 0.9, "points_a_booking": 60.0}
LIKELIEST = FLOOR | {"name": "ials-7@1", "floor": 1.0}
NONE = FLOOR | {"name": "none", "version": None, "kind": None, "floor": 1.0}


def test_systems_of_one_model_are_told_apart_by_their_dials():
    found = labels_of([FLOOR, OFTEN, PRICE, BOTH, NONE], OFTEN)
    assert [label.words for label in found] == [
        "ials, floor 0.98, intensity 3", "ials, floor 0.98, intensity 9 (served)",
        "ials, price 180, intensity 3", "ials, floor 0.9, price 60, intensity 3", "popularity near",
    ]  # fmt: skip


def test_an_intensity_that_all_have_is_not_told():
    found = labels_of([FLOOR, PRICE, NONE | {"intensity": 9.0}])
    assert [label.words for label in found] == [
        "ials, floor 0.98", "ials, price 180", "popularity near",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("second", "joined"), [(LIKELIEST, 2), (OFTEN, 1), (PRICE, 1), (BOTH, 1), (NONE, 1)]
)
def test_floors_of_one_model_and_intensity_alone_are_joined(told_of, second, joined):
    systems = [{name: value for name, value in one.items() if name != "name"}
               for one in (FLOOR, second)]  # fmt: skip
    document = parsed(page(report_of(told_of(systems, None))))
    lines = [one for one in document.one("pareto").all("polyline")
             if "joined" in one.attributes["class"]]  # fmt: skip
    assert max(len(one.attributes["points"].split()) for one in lines) == joined


def test_how_it_was_made_tells_dials_intervals_and_each_figure_once(told_of, report):
    systems = [{name: value for name, value in one.items() if name != "name"}
               for one in (PRICE, FLOOR)]  # fmt: skip
    section = parsed(page(report_of(told_of(systems, None)))).one("making")
    table = section.all("table")[1]
    head = [cell.text for cell in table.all("thead")[0].all("th")][-3:]
    rows = [[cell.text for cell in row.all("td")][-3:]
            for row in table.all("tbody")[0].all("tr")]  # fmt: skip
    assert head == ["Floor", "Price", "Intensity"]
    assert rows == [["none", "180", "3"], ["0.98", "none", "3"]]
    told = section.all("p")[1].text
    assert f"bootstrap over people, {RESAMPLES:,} resamples" in told
    assert "coverage and inequality, which all slates have together: theirs are normal" in told
    defined = [one.text for one in section.all("dt")]
    names = {name.split("@")[0] for name in report.summary.systems[0].metrics}
    assert len(defined) == len(set(defined)) == len(names)
    assert sum(one.endswith(" ece") for one in defined) == 1
