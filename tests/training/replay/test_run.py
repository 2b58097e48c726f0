"""A run on disk: it goes on, it is the same however it is shared, and it says what it holds."""

import csv
import json
import math
import shutil
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from plain_world import START, apart_m, plain_world

from reco.errors import InvalidInput
from training.replay import outcome
from training.replay import run as running
from training.replay.evaluation import Evaluation
from training.replay.folder import run_named
from training.replay.outcome import evaluate
from training.replay.plan import Plan
from training.replay.reading import past_from_folder
from training.replay.slates import System
from training.replay.summary import summary_from, summary_of
from training.replay.week import Week

PLAN = Plan(
    (System("likeliest", None, 1.0), System("wide", None, 0.5, 30.0)),
    START, 2, n=8, radius_m=5e4, users=30, everybody=False,
)  # fmt: skip
ABOUT = {"world": "plain", "source": "rows"}


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    return past_from_folder(plain_world(1).write(tmp_path_factory.mktemp("plain") / "frames"))


@pytest.fixture(autouse=True, scope="module")
def small_pieces():
    """Several parts a week, as with many people."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "_PIECE", 12)
        yield


def run_in(past, folder, *, plan=PLAN, workers=1, progress=lambda *_: None, key=b"a key"):
    return evaluate(
        Evaluation(past, plan, key), folder, workers=workers, progress=progress, about=ABOUT
    )


@pytest.fixture(scope="module")
def whole(past, small_pieces, tmp_path_factory):
    """A run that nobody disturbed, and its summary."""
    return run_in(past, tmp_path_factory.mktemp("runs") / "whole")


def written(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "people").iterdir()}


def figures(folder):
    return (folder / "summary.json").read_bytes(), (folder / "figures.csv").read_bytes()


def test_only_what_is_missing_is_made_again(past, tmp_path):
    run_in(past, tmp_path / "run")
    before, told = written(tmp_path / "run"), figures(tmp_path / "run")
    assert len(before) == 2 * math.ceil(len(Evaluation(past, PLAN, b"k").users) / 12) > 4
    lost = sorted(before)[1]
    (tmp_path / "run" / "people" / lost).unlink()
    (tmp_path / "run" / "summary.json").unlink()
    run_in(past, tmp_path / "run")
    after = written(tmp_path / "run")
    assert {name for name, when in after.items() if when != before.get(name)} == {lost}
    assert figures(tmp_path / "run") == told


def test_a_run_that_was_stopped_goes_on(past, whole, tmp_path):

    def stop(what, share):
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_in(past, tmp_path / "run", progress=stop)
    begun = written(tmp_path / "run")
    assert 0 < len(begun) < len(written(whole[0].path))
    with pytest.raises(InvalidInput, match="not finished; the same `reco evaluate` goes on"):
        run_named(tmp_path, "run").summary()
    run_in(past, tmp_path / "run")
    assert begun.items() <= written(tmp_path / "run").items()
    assert figures(tmp_path / "run") == figures(whole[0].path)


# Python 3.12 warns of any fork where there are threads, be they of the test's own runner.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_two_processes_find_what_one_finds(past, whole, tmp_path):
    alone, _ = whole
    shared, _ = run_in(past, tmp_path / "two", workers=2)
    parts = [{path.name: path.read_bytes() for path in run.people.iterdir()}
             for run in (alone, shared)]  # fmt: skip
    assert parts[0] == parts[1]
    assert figures(shared.path) == figures(alone.path)


def test_a_folder_of_another_plan_is_not_mixed_with(past, tmp_path):
    run_in(past, tmp_path / "run")
    told = figures(tmp_path / "run")
    for plan in (replace(PLAN, seed=1), replace(PLAN, systems=PLAN.systems[:1])):
        with pytest.raises(InvalidInput, match="another evaluation"):
            run_in(past, tmp_path / "run", plan=plan)
    assert figures(tmp_path / "run") == told
    assert PLAN.name != replace(PLAN, seed=1).name


def test_where_nobody_did_anything_there_is_nothing_to_judge(past, tmp_path):
    early = replace(PLAN, start=START - timedelta(days=4_000))
    with pytest.raises(InvalidInput, match="nobody booked anything in the weeks from 2015"):
        run_in(past, tmp_path / "run", plan=early)
    late = replace(PLAN, start=START + timedelta(days=400))
    with pytest.raises(InvalidInput, match=r"they end on 2027-10-.*on record on 2026-09"):
        run_in(past, tmp_path / "run", plan=late)
    assert not (tmp_path / "run").exists()


def test_everybody_or_a_sample_of_those_who_booked(past):
    def users_of(**change):
        return Evaluation(past, replace(PLAN, **change), b"k").users.tolist()

    later = {number for number, name in enumerate(past.people.names) if name == "someone38"}
    there = sorted(set(range(len(past.people))) - later)
    assert users_of(everybody=True, users=None) == there
    some, all_of_them = users_of(users=5), users_of(users=None)
    assert len(some) == 5
    assert set(some) < set(all_of_them) < set(range(len(past.people)))
    assert users_of(users=5, seed=1) != some


def test_a_place_is_as_dense_as_venues_lie_within_10_km(past):
    evaluation, world = Evaluation(past, PLAN, b"k"), plain_world(1)
    people = [world.users[past.people.names[user]] for user in evaluation.users.tolist()]
    near = [sum(apart_m(home, venue) <= 10_000 for venue in world.venues.values())
            for home in people]  # fmt: skip
    assert len(set(near)) > 3
    assert evaluation.venues_near.tolist() == near


def test_nothing_that_is_written_names_a_person(past, whole, tmp_path):
    kept, _ = whole
    tables = [pq.read_table(path) for path in kept.path.rglob("*.parquet")]
    text = "".join(str(table.to_pydict()) for table in tables)
    text += "".join(path.read_text() for path in kept.path.iterdir() if path.is_file()
                    and path.suffix in {".json", ".csv"})  # fmt: skip
    assert len(text) > 10_000
    assert "someone" not in text
    rows = kept.rows().to_pylist()
    assert all(row["lon"] == round(row["lon"], 1) for row in rows)
    other, _ = run_in(past, tmp_path / "other", key=b"another key")
    assert not {row["user"] for row in rows} & {row["user"] for row in other.rows().to_pylist()}


def test_all_files_tell_the_same(whole):
    kept, summary = whole
    assert summary_from(json.loads((kept.path / "summary.json").read_text())) == summary
    with kept.csv.open(newline="") as file:
        header, *cells = csv.reader(file)
    assert len(set(header)) == len(header)
    rows = [row for row in (dict(zip(header, line, strict=True)) for line in cells)
            if row["segment"] == row["group"] == "all"]  # fmt: skip
    told = {(row["system"], row["metric"]): row for row in rows}
    assert len(told) == len(rows) == sum(len(one.metrics) for one in summary.systems)
    table = kept.rows().to_pandas()
    for one in summary.systems:
        mine = table[table["system"] == one.system]
        for metric, figure in one.metrics.items():
            for name, value in vars(figure).items():
                assert told[one.system, metric][name] == ("" if value is None else str(value))
            if metric in mine.columns and figure.value is not None:
                by_person = mine.groupby("user")[metric].mean()
                assert figure.value == pytest.approx(np.nanmean(by_person), rel=1e-5)


def test_a_summary_is_of_all_rows_but_of_no_more_columns_than_it_needs(
    past, whole, tmp_path, monkeypatch
):
    kept, summary = whole
    shutil.copytree(kept.path, tmp_path / "run")
    (tmp_path / "run" / "summary.json").unlink()
    read = []

    def told_before(rows, *_):
        read.append(rows)
        return summary

    monkeypatch.setattr(outcome, "summary_of", told_before)
    run_in(past, tmp_path / "run")
    everything, (rows,) = kept.rows(), read
    assert set(everything.column_names) - set(rows.column_names) == {
        *("offers", "gains", "ranks", "pooled_distances_m", "lon", "lat"),
        *("bookings", "booked_later", "radius_m"),
    }
    names = [system.name for system in PLAN.systems]
    assert summary_of(everything, names, PLAN.n, PLAN.seed) == summary


def test_pandas_reads_a_run_as_it_is_summed_up(whole):
    kept, summary = whole
    name = "slate_points@8"
    by_system = pd.read_parquet(kept.people).groupby("system")[name].mean()
    expected = {told.system: told.metrics[name].value for told in summary.systems}
    assert by_system.to_dict() == pytest.approx(expected, rel=1e-5)


def test_the_first_week_is_made_once(past, tmp_path, monkeypatch):
    made = []
    original = Week.of.__func__

    def counted(cls, evaluation, at):
        made.append(at)
        return original(cls, evaluation, at)

    monkeypatch.setattr(Week, "of", classmethod(counted))
    folder, _ = run_in(past, tmp_path / "counted")
    assert made == PLAN.moments
    assert len(folder.examples()) == 6
    (folder.path / "examples.json").unlink()
    (folder.path / "summary.json").unlink()
    again, _ = run_in(past, folder.path)
    assert made == [*PLAN.moments, PLAN.start]
    assert len(again.examples()) == 6
