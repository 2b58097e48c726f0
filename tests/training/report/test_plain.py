"""Plain words: each number stands in the run's files, and no sentence says more than it may."""

import re

import pytest
from documents import looked_up
from hypothesis import given
from hypothesis import strategies as st

from training.paired import Compared
from training.report.contents import report_of
from training.report.plain import Quoted
from training.report.verdict import Verdict, is_good, verdict_of


def told(report):
    return (report.lead, *report.sentences, *report.others)


def test_every_number_is_quoted_from_the_files(run, report):
    quoted = [part for sentence in told(report) for part in sentence if isinstance(part, Quoted)]
    assert len(quoted) > 20
    for part in quoted:
        assert looked_up(run, part.source) == part.value, part.source
    words = "".join(part for one in told(report) for part in one if isinstance(part, str))
    assert not re.search(r"\d", words)


def test_what_is_read_is_the_number_to_its_last_digit(report):
    for sentence in told(report):
        for part in sentence:
            if not isinstance(part, Quoted) or isinstance(part.value, str):
                continue
            number, *unit = part.text.replace("\N{MINUS SIGN}", "-").split()
            if number == "p":
                continue
            scale = {"%": 100.0, "km": 0.001}.get("".join(unit), 1.0)
            decimals = len(number.partition(".")[2])
            shown = float(number.replace(",", ""))
            assert abs(shown - part.value * scale) <= 0.5000001 * 10.0**-decimals


def test_a_lower_floor_earns_more_points_and_the_summary_says_so(report):
    points = report.summary.systems[1].metrics["slate_points@8"]
    assert points.change_low > 0
    assert "better in points on the slate" in "".join(report.lead)


def test_two_systems_that_show_the_same_do_not_differ(three):
    report = report_of(three)
    assert report.lead == (
        "B against A: no difference that chance would not make in relevance, horizon found,"
        " new categories found and points on the slate.",
    )
    assert report.changes.overlap.value == report.changes.unchanged.value == 1.0
    assert report.changes.gained == report.changes.lost == ()


def test_one_system_alone_is_told_with_intervals(alone):
    report = report_of(alone)
    assert "nothing to set it beside" in "".join(report.lead)
    assert report.changes is None
    relevance = next(one for one in report.sentences if one[0].startswith("Relevance"))
    assert sum(isinstance(part, Quoted) for part in relevance) == 3


ends = st.floats(-1.0, 1.0)


@given(ends, ends, st.floats(0.0, 1.0) | st.none())
def test_nothing_is_said_of_an_interval_that_holds_nought(first, second, p):
    low, high = sorted((first, second))
    figure = Compared(1.0, 0.9, 1.1, (low + high) / 2, low, high, p)
    verdict = verdict_of(figure)
    assert (verdict is Verdict.NO_DIFFERENCE) == (low <= 0.0 <= high)
    if verdict in {Verdict.HIGHER, Verdict.LOWER}:
        assert p < 0.05
        assert (verdict is Verdict.HIGHER) == (low > 0.0)


@pytest.mark.parametrize(
    ("metric", "higher_is_good"),
    [("ndcg@20", True), ("ece", False), ("distance_m@20", None), ("gain_at_intensity@20", None)],
)
def test_good_is_what_the_metric_wants(metric, higher_is_good):
    assert is_good(metric, Verdict.HIGHER) is higher_is_good
    assert is_good(metric, Verdict.NO_DIFFERENCE) is None
    assert is_good(metric, Verdict.UNCONFIRMED) is None
