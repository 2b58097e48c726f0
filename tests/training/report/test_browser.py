"""The report in a real browser, on a phone and on a desk."""

import re

import pytest
from webdriver import MISSING, WIDE, browsing

from training.report.contents import report_of
from training.report.page import page

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}")

OPEN = "document.querySelectorAll('details').forEach(one => { one.open = true; })"
NAMED = "document.querySelector('#headline-title').textContent"
LARGE = "[...document.querySelectorAll('#headline .big strong')].map(one => one.textContent)"


@pytest.fixture(scope="module")
def browser():
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(report), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_and_tells_its_headline(browser, address, report, width):
    browser.resize(width, 900)
    browser.open(address)
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run(WIDE) == []
    browser.run(OPEN)
    assert browser.run(WIDE) == []
    assert browser.run(NAMED) == "Headline"
    points = report.summary.systems[1].metrics["slate_points@8"].value
    assert f"{points:,.1f}" in browser.run(LARGE)
    assert browser.run("document.querySelector('.lead').textContent") == "".join(report.lead)


def test_names_of_versions_fit_on_a_phone(browser, told_of, tmp_path):
    facts = {
        "version": "itemknn-20261126T055943Z-b5f65bcb", "kind": "itemknn",
        "trained_until": "2026-10-26T00:00:00+00:00", "settings": {"a_setting_of_a_long_name": 0.5},
        "floor": 0.98, "intensity": 3.0, "points_a_booking": 0.0,
    }  # fmt: skip
    path = tmp_path / "report.html"
    other = facts | {"settings": {}, "version": "ials-20261126T055943Z-0f65bcb1"}
    path.write_text(page(report_of(told_of((facts, other), facts))), encoding="utf-8")
    browser.resize(390, 900)
    browser.open(path.as_uri())
    browser.run(OPEN)
    assert browser.run("document.documentElement.scrollWidth") == 390
    assert browser.run(WIDE) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_kinds_of_venues_of_one_long_word_fit(browser, report, tmp_path, width):
    path = tmp_path / "report.html"
    named, rows = re.subn(r'(<th scope="row"[^>]*>)[^<]+', r"\1" + "Salle" * 30, page(report))
    assert rows > 20
    path.write_text(named, encoding="utf-8")
    browser.resize(width, 900)
    browser.open(path.as_uri())
    browser.run(OPEN)
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run(WIDE) == []


def test_it_asks_nobody_for_anything(browser, address):
    browser.open(address)
    assert browser.run("performance.getEntriesByType('resource').length") == 0
    assert browser.run("document.scripts.length") == 0
    assert browser.errors() == []


def test_in_print_everything_is_unfolded(browser, address):
    browser.resize(1280, 900)
    browser.open(address)
    height = "document.querySelector('#figures details').offsetHeight"
    assert browser.run(height) < 60
    with browser.printing():
        assert browser.run(height) > 200
        assert browser.run("getComputedStyle(document.querySelector('nav')).display") == "none"
