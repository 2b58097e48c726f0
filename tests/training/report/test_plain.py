"""Plain words: each number stands in the run's files, and no sentence says more than it may."""

import csv
import io
import re
from types import SimpleNamespace

import pytest
from documents import looked_up
from hypothesis import given
from hypothesis import strategies as st

from training.intervals import Estimate
from training.paired import Compared
from training.replay.served import facts_of
from training.replay.slates import System
from training.report.contents import report_of
from training.report.export import csv_text
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
            scales = {"%": 100.0, "points": 100.0, "km": 0.001}
            scale = scales.get(unit[-1], 1.0) if unit else 1.0
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
    [
        ("ndcg@20", True),
        ("ece", None),
        ("auc", True),
        ("distance_m@20", None),
        ("gain_at_intensity@20", None),
    ],
)
def test_good_is_what_the_metric_wants(metric, higher_is_good):
    assert is_good(metric, Verdict.HIGHER) is higher_is_good
    assert is_good(metric, Verdict.NO_DIFFERENCE) is None
    assert is_good(metric, Verdict.UNCONFIRMED) is None


@pytest.mark.parametrize("taught", [None, {"slates": 300}])
def test_a_model_tells_what_its_probabilities_are_of(taught):
    model = SimpleNamespace(
        version="m",
        kind="ials",
        cutoff=None,
        parameters={},
        metrics={"probability": {"taught": taught}},
    )
    assert facts_of(System("m", model))["of_what_is_shown"] == bool(taught)
    assert not facts_of(System("near", None))["of_what_is_shown"]


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ((False, False), "B shows are of a booking on that visit. From"),
        ((True, True), "B shows are of a booking because it is shown. From"),
        ((False, True), "because it is shown. Those of A are of a booking on that visit. From"),
    ],
)
def test_it_is_said_of_what_the_probabilities_are(told_of, kinds, said):
    report = report_of(told_of([{"of_what_is_shown": kind} for kind in kinds], None))
    assert any(said in one[0] for one in report.sentences if isinstance(one[0], str))


def test_of_what_an_error_of_probabilities_is_a_share_is_told(report):
    found = report.summary.systems[1].probability
    (told,) = ("".join(part if isinstance(part, str) else part.text for part in one)
               for one in report.sentences if " percentage points" in str(one))  # fmt: skip
    assert (
        "From how often what it shows was booked within the week, wherever from, they are off by"
        f" {100 * found.ece:.3f} percentage points on average, which is {100 * found.ece_rel:.0f}"
        "\N{NO-BREAK SPACE}% of how often it was booked at all."
    ) in told


def test_a_difference_from_nothing_is_told_as_it_was_tested(told_of):
    """Where the first system finds nothing, no change is a share of that."""
    kept = told_of([{}, {}], None)
    summary = kept.summary()
    for at, own in enumerate([(0.0, 0.0, 0.0), (0.08, 0.04, 0.12)]):
        found = Compared.beside(own, own, 0.0, 0.001 if at else None)
        summary["systems"][at]["metrics"]["novel_recall@8"] = vars(found)
    kept.write_summary(summary)
    report = report_of(kept)
    (told,) = (one for one in report.sentences if str(one[0]).startswith("New categories found"))
    words = "".join(part if isinstance(part, str) else part.text for part in told)
    assert words.startswith("New categories found: B is better, 8.0")
    assert "+8.00" in words
    for part in told:
        assert isinstance(part, str) or looked_up(kept, part.source) == part.value
    (since,) = (one for one in report.since.headline if one.figure == "novel_recall@8")
    assert (since.difference, since.verdict) == (Estimate(0.08, 0.04, 0.12), Verdict.HIGHER)
    rows = csv.DictReader(io.StringIO(csv_text(report), newline=""))
    place = ("all", "wide", "novel_recall@8")
    row = next(row for row in rows if (row["part"], row["system"], row["figure"]) == place)
    assert (row["change"], row["difference"], row["p"]) == ("", "0.08", "0.001")


def test_for_whom_relevance_falls_is_what_the_test_bears_out(told_of):
    kept = told_of([{}, {}], None)
    summary = kept.summary()
    for place, p in enumerate((1.0, 0.01)):
        fall = Compared.beside((0.1, 0.1, 0.1), (-0.1, -0.1, -0.1), 0.2, p)
        summary["segments"][place]["systems"][1]["ndcg@8"] = vars(fall)
    for segment in summary["segments"][2:]:
        segment["systems"][1]["ndcg@8"] = segment["systems"][0]["ndcg@8"]
    kept.write_summary(summary)
    (told,) = (one for one in report_of(kept).sentences if "kinds of people" in str(one[2:]))
    sources = [part.source for part in told if isinstance(part, Quoted)]
    assert sources[1:] == ["summary/segments/1/systems/1/ndcg@8/change"]
