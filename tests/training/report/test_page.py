"""The page: one file, whole, escaped, accessible, with the numbers of its data."""

import csv
import io
import re

import pytest
from documents import numbers, parsed

from training.report.contents import report_of
from training.report.export import COLUMNS, as_object, csv_text
from training.report.page import page

SECTIONS = (
    "plain", "headline", "compared", "since", "pareto", "segments", "maps", "venues", "calibration",
    "changes", "examples", "figures", "making",
)  # fmt: skip


@pytest.fixture(scope="module")
def text(report):
    return page(report)


@pytest.fixture(scope="module")
def document(text):
    return parsed(text)


def test_every_section_is_there_and_linked(document):
    anchors = [one.attributes["id"] for one in document.all("section")]
    assert anchors == list(SECTIONS)
    links = [one.attributes["href"] for one in document.all("a")]
    assert links == [f"#{anchor}" for anchor in SECTIONS]


def test_it_needs_nothing_else(text, document):
    assert not document.all("script")
    assert not re.search(r"https?://|url\(|@import", text)
    for name in ("img", "link", "iframe", "object", "image", "use"):
        assert not document.all(name)
    policy = document.all("meta")[1].attributes
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"].startswith("default-src 'none';")


def test_a_hostile_title_is_only_read(text, document, hostile):
    assert "<script>" not in text
    assert hostile in document.one("examples").text + document.one("changes").text
    assert not [one for one in document.one("examples").all("b") if one.text == "'bold'"]


def test_what_the_page_quotes_is_in_its_own_language(document):
    section = document.one("examples")
    quoted = [one for name in ("p", "div") for one in section.all(name) if "lang" in one.attributes]
    assert {one.attributes["lang"] for one in quoted} == {"en"}
    assert "by relevance" in document.one("examples").text


def test_pictures_and_tables_say_what_they_are(document):
    pictures = document.all("svg")
    assert len(pictures) > 15
    for one in pictures:
        assert one.attributes["role"] == "img"
        assert one.attributes["aria-label"]
        assert one.children[0].name == "title"
        assert not re.search(r"\bnan\b|\binf\b", str(one).lower())
    for one in document.all("table"):
        assert one.children[0].name == "caption"
        assert one.children[0].text
    assert len(document.all("h1")) == 1
    ids = re.findall(r'\bid="([^"]+)"', str(document.all("section")))
    assert len(set(ids)) == len(ids)


def test_every_cell_has_the_label_of_its_column(document):
    for table in document.all("table"):
        head = [one.text for one in table.all("th") if one.attributes["scope"] == "col"]
        for row in table.all("tbody")[0].all("tr"):
            assert [cell.attributes["data-label"] for cell in row.all("td")] == head[1:]


@pytest.fixture(scope="module")
def table(report):
    return list(csv.DictReader(io.StringIO(csv_text(report), newline="")))


def test_the_page_tells_the_numbers_of_the_table(document, table, report):
    everybody = [row for row in table if row["part"] == "all"]
    names = list(report.summary.systems[0].metrics)
    assert len(everybody) == len(names) * len(report.labels)
    shown = set(numbers(document.one("figures")))
    parts = ("value", "low", "high", "change", "change_low", "change_high", "p")
    second = [row for row in everybody if row["system"] == "wide"]
    told = {float(row[part]) for row in second for part in parts if row[part]}
    assert told - {0.0, 1.0} <= shown


@pytest.mark.parametrize("name", ["log_loss", "log_loss_less_base", "brier", "auc", "distinct"])
def test_figures_of_probabilities_are_told_with_interval_and_test(name, document, table):
    (row,) = (
        row for row in table if (row["part"], row["system"], row["figure"]) == ("all", "wide", name)
    )
    parts = ("value", "low", "high", "change", "change_low", "change_high", "p")
    assert {float(row[part]) for part in parts} <= set(numbers(document.one("calibration")))


def test_the_table_begins_with_that_of_the_run(table, run):
    with run.csv.open(newline="", encoding="utf-8") as file:
        _, *kept = csv.reader(file)
    assert [list(row.values()) for row in table[: len(kept)]] == kept
    assert tuple(table[0]) == COLUMNS


@pytest.mark.parametrize(("part", "figure"), [("place", "hit@8"), ("calibration", "booked")])
def test_places_and_bins_have_intervals_in_the_table(table, part, figure):
    rows = [row for row in table if (row["part"], row["figure"]) == (part, figure) and row["value"]]
    assert len(rows) > 3
    for row in rows:
        assert float(row["low"]) <= float(row["value"]) <= float(row["high"])


def test_the_object_holds_the_summary_as_it_is(report, run):
    told = as_object(report)
    assert told["summary"]["systems"][1]["metrics"] == run.summary()["systems"][1]["metrics"]
    assert [one["text"] for one in told["sentences"]] == [
        "".join(part if isinstance(part, str) else part.text for part in one)
        for one in report.sentences
    ]


def test_the_plain_words_name_their_sources(document, report):
    sources = [one.attributes["data-source"] for one in document.one("plain").all("data")]
    assert sources == [part.source for one in report.sentences for part in one
                       if not isinstance(part, str)]  # fmt: skip


def test_probabilities_of_people_who_were_drawn_because_they_booked_are_not_judged(evaluated):
    drawn = evaluated([("near", 1.0)], people=13, everybody=False)
    assert any(hit for hits in drawn.rows()["hits"].to_pylist() for hit in hits)
    told = parsed(page(report_of(drawn))).one("calibration").text
    assert "Nothing that was shown was booked" not in told
    assert "drawn because they booked" in told
    assert "--everybody" in told


def test_a_run_of_one_system_and_few_people_has_a_page_too(alone):
    document = parsed(page(report_of(alone)))
    assert [one.attributes["id"] for one in document.all("section")] == list(SECTIONS)
    assert "nothing to set it beside" in document.one("changes").text
