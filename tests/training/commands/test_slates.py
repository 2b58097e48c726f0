"""The commands that compare slates, on a small world that they have never seen."""

import json
import shutil
from datetime import date, timedelta
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from documents import numbers, parsed
from fastapi.testclient import TestClient
from typer.testing import CliRunner
from worlds import NOW, small_world

from reco.api.app import create_app
from reco.api.keys import create_key
from reco.errors import InvalidInput
from reco.feed.dials import NAMES, SERVED, Dials
from reco.frames.files import write_frames
from reco.frames.tables import frame_table
from reco.settings import Settings
from reco.worker import Worker
from training.commands.benchmark import app
from training.commands.slates import slate_app
from training.credit_tuning import CREDIT_WEIGHTS
from training.datasets.undated import digital_offers, free_stocks, no_venues
from training.replay.recorded import past_from_database
from training.replay.requests import recorded_requests
from training.report.benchmark import read_benchmark
from training.report.benchmark_section import benchmark
from training.simulate.world import simulate_world

METHODS = {
    "relevance", "horizon", "horizon_floor", "mmr", "dpp_latent", "dpp_attributes", "calibrated",
    "round_robin", "xquad", "random",
}  # fmt: skip
USERS, ITEMS, BOOKINGS = 60, 80, 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Frames of people of two tastes; items of eight categories, a few without a subcategory."""
    generator = np.random.default_rng(5)
    name = [f"i{at:03}" for at in range(ITEMS)]
    category = generator.integers(0, 8, ITEMS)
    user = np.repeat(np.arange(USERS), BOOKINGS)
    fits = (category[np.newaxis, :] % 2 == np.arange(USERS)[:, np.newaxis] % 2) * 0.8 + 0.2
    item = np.concatenate(
        [
            generator.choice(ITEMS, BOOKINGS, replace=False, p=row / row.sum())
            for row in fits * np.linspace(2.0, 0.2, ITEMS)
        ]
    )
    at = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(
        generator.permutation(len(user)), unit="h"
    )
    frames = {
        "items": frame_table(
            "items",
            {
                "item_id": name,
                "category": [f"c{at}" for at in category],
                "subcategory": [f"s{at % 20}" if at % 3 else None for at in range(ITEMS)],
            },
        ),
        "venues": no_venues(),
        "offers": digital_offers(name),
        "stocks": free_stocks(name),
        "users": frame_table("users", {"user_id": [f"u{at:02}" for at in range(USERS)]}),
        "interactions": frame_table(
            "interactions",
            {
                "user_id": [f"u{at:02}" for at in user],
                "offer_id": [name[at] for at in item],
                "kind": np.full(len(user), "booking"),
                "at": at,
            },
        ),
    }
    path = tmp_path_factory.mktemp("slates") / "frames"
    write_frames(frames, path, "csv")
    return path


@pytest.fixture(scope="module")
def plots(tmp_path_factory):
    return tmp_path_factory.mktemp("plots")


def drawn(path):
    """Return the option that draws, where there is something to draw with."""
    return ["--plot", str(path)] if find_spec("matplotlib") else []


@pytest.fixture(scope="module")
def report(folder, plots):
    options = ["--format", "frames", "--split", "time", "--k", "5", "--json"]
    options += ["--large-share", "0.2", "--large-share", "0.6"]
    options += drawn(plots / "slates.png")
    result = CliRunner().invoke(app, ["slates", str(folder), *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_every_method_has_one_chosen_setting(report):
    chosen = [row["method"] for row in report["rows"] if row["chosen"]]
    assert sorted(chosen) == sorted(METHODS)
    assert (report["data"], report["k"]) == ("frames", 5)
    assert 0 < report["users"] <= USERS


def test_what_feeds_serve_is_one_row(report):
    (row,) = [row for row in report["rows"] if row["served"]]
    assert (row["method"], row["parameter"]) == (
        "horizon_floor", f"floor={SERVED.floor:g},m={SERVED.intensity:g}"
    )  # fmt: skip
    assert SERVED.points_a_booking == 0.0


def test_figures_have_intervals_and_the_chosen_ones_a_test(report):
    base = report["rows"][0]
    assert base["method"] == "relevance"
    for row in report["rows"]:
        for name in ("ndcg@5", "horizon_recall@5", "novel_recall@5", "slate_horizon@5"):
            figure = row["metrics"][name]
            assert figure["low"] <= figure["value"] <= figure["high"]
            change = figure["value"] / base["metrics"][name]["value"] - 1
            assert figure["change"] == pytest.approx(change)
            assert (figure["p"] is not None) == (row["chosen"] and row != base)
        assert 0 < row["metrics"]["coverage@5"]["value"] <= 1


def test_the_lowest_floor_and_price_earn_more_points_than_relevance(report):
    points = {
        row["parameter"]: row["metrics"]["slate_points@5"]["value"]
        for row in report["rows"]
        if row["method"] in {"relevance", "horizon", "horizon_floor"}
    }
    lowest = [name for name in points if name.startswith("floor=0.8,") or name == "price=40"]
    assert len(lowest) == 2
    assert all(points[name] > points[""] for name in lowest)


def test_each_row_tells_what_is_expected_once_and_at_the_intensity(report):
    rows = [row for row in report["rows"] if row["method"] in {"relevance", "horizon"}]
    gain = {row["parameter"]: row["metrics"]["expected_gain@5"]["value"] for row in rows}
    assert gain["price=40"] > gain[""] > 0.0
    used = {
        float(row["parameter"].rpartition("m=")[2])
        for row in report["rows"]
        if row["method"] == "horizon_floor"
    }
    told = {name for name in report["score_order"] if "gain" in name}
    assert told == {"expected_gain@5", *(f"gain_at_{m:g}@5" for m in used if m > 1.0)}
    assert all(told < set(row["metrics"]) for row in report["rows"])


def test_a_quota_of_the_largest_venues_is_tested_on_the_chosen_slate(report):
    (chosen,) = [row for row in report["rows"] if row["method"] == "horizon" and row["chosen"]]
    fair = [row for row in report["rows"] if row["method"] == "horizon_fair"]
    assert [row["parameter"] for row in fair] == [
        f"{chosen['parameter']},large={share}" for share in ("0.2", "0.6")
    ]
    # Nothing here is at a venue, so that the quota holds nothing back.
    for row in fair:
        assert row["metrics"]["ndcg@5"]["value"] == chosen["metrics"]["ndcg@5"]["value"]


def test_what_validation_chose_is_told_with_intervals(report):
    chosen = {row["method"]: row["parameter"] for row in report["rows"] if row["chosen"]}
    told = {choice["method"]: choice for choice in report["validation"]}
    assert {method: choice["parameter"] for method, choice in told.items()} == chosen
    for choice in told.values():
        for change in choice["changes"].values():
            assert change["low"] <= change["value"] <= change["high"]
    assert told["horizon"]["changes"]["ndcg@5"]["value"] >= -0.01


def test_settings_stand_beside_the_order_by_score_too(report):
    by_score = report["score_order"]["slate_points@5"]["value"]
    for row in report["against_score"]:
        figure = row["metrics"]["slate_points@5"]
        assert figure["change"] == pytest.approx(figure["value"] / by_score - 1)
        assert (figure["p"] is not None) == row["chosen"]
    beside = {(row["method"], row["parameter"]) for row in report["against_score"]}
    assert beside >= {(row["method"], row["parameter"]) for row in report["rows"] if row["chosen"]}


def test_what_may_be_lost_of_the_order_by_score_is_chosen_by_itself(report):
    chosen = {row["method"]: row["parameter"] for row in report["against_score"] if row["chosen"]}
    told = {choice["method"]: choice for choice in report["validation_against_score"]}
    assert {method: choice["parameter"] for method, choice in told.items()} == chosen
    assert set(chosen) == METHODS
    # What is kept is another order, so that other settings are within its loss.
    assert told["relevance"]["changes"] != report["validation"][0]["changes"]
    assert report["validation"][0]["method"] == "relevance"
    assert told["horizon_floor"]["changes"]["expected_dcg@5"]["value"] >= -0.01


@pytest.fixture(scope="module")
def tuning(folder, plots):
    options = ["tune", str(folder), "--format", "frames", "--k", "5", "--json"]
    options += drawn(plots / "dial.png")
    result = CliRunner().invoke(slate_app, options, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_dial_is_drawn_and_proposed(tuning):
    assert tuning["proposed"] in tuning["points"]
    assert tuning["proposed"]["changes"]["ndcg@5"]["value"] >= -0.01
    assert tuning["proposed"]["points_a_booking"] > 0.0
    assert {point["pool_size"] for point in tuning["points"]} == {None, 50, 100, 200}
    for point in tuning["points"]:
        assert (point["against_whole"] is None) == (point["pool_size"] is None)
        for change in point["changes"].values():
            assert change["low"] <= change["value"] <= change["high"]


def test_the_smallest_pool_that_does_as_well_as_the_whole_is_proposed(tuning):
    dials = {name: tuning["proposed"][name] for name in NAMES}
    smaller = [point for point in tuning["points"] if point["pool_size"]]
    assert [point["pool_size"] for point in smaller] == [50, 100, 200]
    assert all({name: point[name] for name in NAMES} == dials for point in smaller)
    lowest = [min(change["low"] for change in point["against_whole"].values()) for point in smaller]
    does = [point["pool_size"] for point, low in zip(smaller, lowest, strict=True) if low >= -0.01]
    assert tuning["proposed"]["pool_size"] == min(does, default=None)


@pytest.mark.usefixtures("report", "tuning")
def test_benchmark_and_dial_have_their_pictures(plots):
    pytest.importorskip("matplotlib")
    for name in ("slates.png", "dial.png"):
        assert (plots / name).read_bytes().startswith(b"\x89PNG")


def test_what_is_proposed_is_served_as_proposed(tuning, world, connection):
    small_world(connection)
    key = {"X-API-Key": create_key(connection, "app", "tests", NOW)}
    proposed = {name: tuning["proposed"][name] for name in NAMES}

    def answered(dials, **asked):
        worker = Worker(Settings(home=world.folder, **dials), world, "s" * 32, lambda: NOW)
        params = {"user_id": "reader", "n": 3, "radius_km": 50, **asked}
        with TestClient(create_app(worker, clock=lambda: NOW, with_demo=False)) as client:
            return client.get("/v1/feed", params=params, headers=key).json()

    by_setting, by_request = answered(proposed), answered({}, **proposed)
    other = answered({"floor": 0.5, "intensity": 1.0, "points_a_booking": 1.0})
    for body in (by_setting, by_request):
        dials = body["floor"], body["horizon"]["intensity"], body["points_a_booking"]
        assert dials == tuple(proposed.values())
        assert body["items"] == by_setting["items"] != other["items"]
    # The workers have ended, so that all is on record, and can be asked again.
    past = past_from_database(world.conninfo)
    requests = recorded_requests(connection, past, NOW, NOW + timedelta(seconds=1))
    assert [request.query.dials == Dials(**proposed) for request in requests].count(True) == 2


def test_without_bookings_no_weight_of_credit_can_be_told(folder):
    with pytest.raises(InvalidInput, match="too few bookings"):
        CliRunner().invoke(slate_app, ["tune-credit", str(folder)], catch_exceptions=False)


@pytest.mark.parametrize("days", ["0", "-90", "nan"])
def test_a_half_life_that_is_none_is_refused_by_name(folder, days):
    options = ["tune-credit", str(folder), "--half-life-days", days]
    with pytest.raises(InvalidInput, match="half_life_days"):
        CliRunner().invoke(slate_app, options, catch_exceptions=False)


def test_the_help_of_a_half_life_says_its_default():
    told = CliRunner().invoke(slate_app, ["tune-credit", "--help"], env={"COLUMNS": "200"}).stdout
    (line,) = [line for line in told.splitlines() if "--half-life-days" in line]
    assert "[default: 90.0]" in line
    assert "none fades" in line


@pytest.mark.slow
def test_weights_of_credit_are_told_with_intervals(tmp_path):
    simulate_world("demo", 1, date(2026, 11, 23), tmp_path / "frames", lambda what, share: None)
    options = ["tune-credit", str(tmp_path / "frames"), "--json"]
    result = CliRunner().invoke(slate_app, options, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    trials = json.loads(result.stdout)["trials"]
    assert [trial["weight"] for trial in trials] == list(CREDIT_WEIGHTS)
    assert trials[0]["change"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    for trial in trials:
        assert trial["change"]["low"] <= trial["change"]["value"] <= trial["change"]["high"]
        gained = trial["log_loss"]["value"] / trials[0]["log_loss"]["value"] - 1.0
        assert trial["change"]["value"] == pytest.approx(gained)


def test_what_can_teach_nothing_is_told(folder, tmp_path):
    at_once = shutil.copytree(folder, tmp_path / "frames")
    (file,) = at_once.glob("interactions.csv")
    deeds = pd.read_csv(file)
    deeds["at"] = np.where(np.arange(len(deeds)) % 10 < 8, deeds["at"].min(), deeds["at"].max())
    deeds.to_csv(file, index=False)
    arguments = ["slates", str(at_once), "--format", "frames", "--split", "time"]
    with pytest.raises(InvalidInput, match="events: none lies before"):
        CliRunner().invoke(app, arguments, catch_exceptions=False, standalone_mode=False)


def test_a_split_that_the_data_lack_is_told(folder):
    with pytest.raises(InvalidInput, match="--split time"):
        CliRunner().invoke(
            app,
            ["slates", str(folder), "--format", "frames", "--split", "given"],
            catch_exceptions=False,
        )


def test_a_report_tells_the_very_numbers(report, tmp_path):
    (tmp_path / "slates.json").write_text(json.dumps(report))
    document = parsed(str(benchmark(read_benchmark(tmp_path / "slates.json"))))
    names = ("ndcg@5", "horizon_recall@5", "novel_recall@5", "slate_points@5")
    shown, every = document.all("table")
    chosen = [
        row["metrics"]
        for row in report["rows"]
        if row["chosen"] or row["served"] or row["method"] == "horizon_fair"
    ]
    assert numbers(shown) == told([*chosen, report["score_order"]], names)
    assert numbers(every) == told([row["metrics"] for row in report["rows"]], names)
    assert "floor=0.98,m=3 (served)" in shown.text


def test_a_report_of_a_file_of_before_does_not_say_what_is_served(report, tmp_path):
    rows = [{name: row[name] for name in row if name != "served"} for row in report["rows"]]
    (tmp_path / "slates.json").write_text(json.dumps(report | {"rows": rows}))
    document = parsed(str(benchmark(read_benchmark(tmp_path / "slates.json"))))
    shown, _ = document.all("table")
    assert "horizon_floor" in shown.text
    assert "(served)" not in shown.text


def told(rows, names):
    """Return the numbers of some rows as a report tells them, in its order."""
    return [value for metrics in rows for name in names for value in told_of(metrics[name])]


def told_of(figure):
    own = [figure["value"], figure["low"], figure["high"]]
    change = [figure["change"], figure["change_low"], figure["change_high"]]
    is_base = figure["change"] in {None, 0.0} and figure["p"] is None
    return own + ([] if is_base else change) + ([] if figure["p"] is None else [figure["p"]])
