"""Tables and pictures of slates, of figures made up."""

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from reco.errors import InvalidInput, SetupError
from training.commands.benchmark import app as benchmark_app
from training.commands.slates import slate_app
from training.diversify.methods import Setting, fair, floored, priced, served
from training.intervals import Estimate
from training.models.ials import IalsParameters
from training.models.itemknn import ItemKnnParameters
from training.paired import Compared
from training.slate_choice import expected_name
from training.slate_plot import benchmark_figure, curve_figure, require_plots
from training.slate_pools import Models
from training.slate_rows import Row
from training.slate_screen import benchmark_screen, curve_table
from training.slate_tuning import Point, Tuning
from training.slates import SlateReport

GAINS = ("horizon_recall", "novel_recall", "slate_points")
PRICED, FLOORED = priced(100.0), floored(0.97, 10.0)


def row_of(setting, ndcg, gain, venue_gini=0.9, *, chosen=True, served=False):
    change = {"ndcg@5": ndcg, **{f"{name}@5": gain for name in GAINS}}
    metrics = {
        name: Compared(1 + by, 1 + by, 1 + by, by, by - 0.01, by + 0.01, None)
        for name, by in change.items()
    }
    metrics["venue_gini@5"] = Compared(venue_gini, None, None, 0.0, None, None, None)
    return Row(setting.method, setting.parameter, chosen, served, metrics)


@pytest.fixture
def report():
    """A benchmark in which the price gains ndcg, as Meetup's does, and the rotation loses most."""
    rows = (
        row_of(Setting("relevance", ""), 0.0, 0.0),
        row_of(PRICED, 0.09, 0.5, 0.8),
        row_of(FLOORED, -0.01, 0.4, chosen=False),
        row_of(served(), -0.02, 0.6, chosen=False, served=True),
        row_of(fair(PRICED, 0.25), -0.1, 0.2, 0.7, chosen=False),
        row_of(Setting("round_robin", ""), -0.6, 3.0),
    )
    models = Models(IalsParameters(), ItemKnnParameters(), {})
    return SlateReport(
        data="made up", k=5, users=7, rows=rows, models=models, choices=(), score_choices=(),
        learner="all", learners={}, reliability=None, distinct=1.0, score_order=rows[0].metrics,
        against_score=(
            row_of(PRICED, 0.1, 0.7, chosen=False), row_of(floored(0.9, 30.0), 0.0, 2.0),
        ),
    )  # fmt: skip


@pytest.fixture
def tuning():
    """A dial of two prices and a floor, and what the first would do from fewer candidates."""

    def point(setting, size, ndcg, gain):
        changes = {name: Estimate(gain, gain - 0.1, gain + 0.3) for name in shown(GAINS)}
        changes["ndcg@5"] = Estimate(ndcg, ndcg - 0.02, ndcg + 0.05)
        changes[expected_name(5)] = Estimate(-0.008, -0.009, -0.007)
        return Point(setting, size, changes)

    proposed = point(PRICED, None, 0.04, 0.5)
    others = (
        point(priced(40.0), None, -0.02, 0.9),
        point(FLOORED, None, -0.01, 0.4),
        point(PRICED, 50, 0.5, 7.0),
    )
    return Tuning((proposed, *others), proposed)


def shown(names):
    return [f"{name}@5" for name in names]


def text_of(table):
    console = Console(width=400)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def line_of(text, *words):
    (line,) = [line for line in text.splitlines() if all(word in line for word in words)]
    return line


def test_the_exposure_of_venues_stands_beside_the_price_in_relevance(report):
    text = text_of(benchmark_screen(report))
    assert "venue_gini@5" in text
    assert "0.8000" in line_of(text, "horizon ", "price=100")
    assert "0.7000" in line_of(text, "horizon_fair", "large=0.25")
    assert "floor=0.97" not in text


def test_what_feeds_serve_is_shown_though_validation_chose_another(report):
    line = line_of(text_of(benchmark_screen(report)), "floor=0.98,m=3 (served)")
    assert "+60.0" in line


def test_what_keeps_the_models_own_order_stands_in_a_table_of_its_own(report):
    first, second = text_of(benchmark_screen(report)).split("the model's own order kept instead")
    assert "+200.0" in line_of(second, "floor=0.9,m=30")
    assert "floor=0.9,m=30" not in first
    assert "price=100" not in second


def test_without_venues_there_is_no_column_of_their_exposure(report):
    for metrics in [*(row.metrics for row in report.rows), report.score_order]:
        metrics.pop("venue_gini@5", None)
    text = text_of(benchmark_screen(report))
    assert "ndcg@5" in text
    assert "venue_gini" not in text


def test_the_curve_tells_its_proposal_as_settings(tuning):
    text = text_of(curve_table(tuning, 5))
    assert "RECO_POINTS_A_BOOKING=100" in text
    assert "+50.0 (+40.0 .. +80.0) %" in line_of(text, " 100 ", " all ")
    assert "+700.0" in line_of(text, " 100 ", " 50 ")


def test_the_curve_tells_by_which_rule_it_proposes_and_what_that_looks_at(tuning):
    text = text_of(curve_table(tuning, 5))
    assert "the lowest price at which expected_dcg@5 falls by 1 % at most" in text
    assert "the smallest pool that surely keeps 99 % of every figure" in text
    assert "-0.8 (-0.9 .. -0.7) %" in line_of(text, " 100 ", " all ")
    assert "intensity" in text


def in_view(axes, at, to):
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return left < at < right and bottom < to < top


def test_a_benchmark_is_drawn_with_all_that_does_not_lose_too_much(report, tmp_path):
    pytest.importorskip("matplotlib")
    figure = benchmark_figure(report)
    for axes in figure.axes:
        assert in_view(axes, 9.0, 50.0)
        assert in_view(axes, -10.0, 20.0)
        assert not in_view(axes, -60.0, 300.0)
    names = [text.get_text() for text in figure.axes[-1].get_legend().get_texts()]
    assert names == ["relevance", "horizon", "horizon_floor", "served", "horizon_fair"]
    figure.savefig(tmp_path / "slates.png")
    assert (tmp_path / "slates.png").read_bytes().startswith(b"\x89PNG")


def test_a_dial_is_drawn_with_its_intervals_and_the_proposal(tuning, tmp_path):
    pytest.importorskip("matplotlib")
    figure = curve_figure(tuning, 5)
    for axes in figure.axes:
        assert in_view(axes, 4.0 + 5.0, 50.0 + 30.0)
        assert not in_view(axes, 50.0, 700.0)
        (star,) = [line for line in axes.get_lines() if line.get_marker() == "*"]
        assert np.column_stack(star.get_data()).tolist() == [[4.0, 50.0]]
    names = {text.get_text() for text in figure.axes[-1].get_legend().get_texts()}
    assert names == {"price", "floor, m = 10", "proposed"}
    figure.savefig(tmp_path / "dial.png")
    assert (tmp_path / "dial.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_a_picture_is_refused_before_anything_is_read(monkeypatch, tmp_path):
    monkeypatch.setattr("training.slate_plot.find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"reco\[plots\]"):
        require_plots(tmp_path / "a.png")
    for app, words in ((benchmark_app, ["slates"]), (slate_app, ["tune"])):
        asked = [*words, str(tmp_path), "--format", "frames", "--plot", str(tmp_path / "a.png")]
        with pytest.raises(SetupError):
            CliRunner().invoke(app, asked, catch_exceptions=False)


@pytest.mark.parametrize("file", ["nowhere/a.png", "a", "a.foo", "a.png.gz"])
def test_where_no_picture_can_lie_is_refused_before_anything_is_read(tmp_path, file):
    for app, words in ((benchmark_app, ["slates"]), (slate_app, ["tune"])):
        asked = [*words, str(tmp_path), "--format", "frames", "--plot", str(tmp_path / file)]
        with pytest.raises(InvalidInput) as refused:
            CliRunner().invoke(app, asked, catch_exceptions=False)
        assert refused.value.field == "plot"
