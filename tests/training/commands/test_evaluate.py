"""The command evaluate, on a real database and on frames."""

import json
import shlex
from datetime import UTC, datetime, timedelta

import pytest
import typer
from plain_world import START, plain_world
from typer.testing import CliRunner

from reco.errors import InvalidInput, NotFound, RuleBroken, Unavailable
from reco.feed.dials import NAMES
from reco.frames.importing import import_frames
from reco.frames.sources import FolderSource
from reco.model.registry import Act, give_up, publication
from reco.settings import Settings
from training.commands.evaluate import evaluate
from training.commands.report import _folder
from training.commands.train import train_world
from training.replay.folder import run_named

FEW = ("--users", "25", "--n", "8", "--workers", "1", "--floors", "1,0.9")


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    return plain_world(2).write(tmp_path_factory.mktemp("plain") / "frames")


@pytest.fixture(scope="module")
def trained(new_world, frames):
    """A world with a champion that has seen nothing from the first week on."""
    world = new_world()
    import_frames(world, FolderSource(frames), lambda *_: None)
    now = datetime(2026, 9, 8, tzinfo=UTC)
    return world, train_world(world, "itemknn", split="time", cutoff=START, now=now).version


@pytest.fixture
def run(trained, tmp_path):
    """A function that runs the command and returns what it printed."""
    world, _ = trained
    app = typer.Typer()
    app.command()(evaluate)

    def invoke(*arguments, **dials):
        known = {"home": tmp_path, "world": world.name, "database_url": world.conninfo}
        settings = Settings(**{**known, **dials})
        done = CliRunner().invoke(app, list(arguments), obj=settings, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    return invoke


def runs_of(world, tmp_path):
    return tmp_path / "worlds" / world.name / "evaluations"


def test_models_under_floors_beside_popularity(run, trained, tmp_path):
    world, version = trained
    printed = run(*FEW, "--cutoff", START.isoformat())
    for shown in ("itemknn", "ndcg@8", "horizon_recall@8", "25 people"):
        assert shown in printed.replace("\n", " "), shown
    kept = run_named(runs_of(world, tmp_path), "latest")
    manifest, summary = kept.manifest(), kept.summary()
    names = [f"{version}@1", f"{version}@0.9", "none"]
    assert [one["name"] for one in manifest["systems"]] == names
    assert [one["system"] for one in summary["systems"]] == names
    assert (manifest["source"], manifest["people"], summary["people"]) == ("database", 25, 25)
    assert manifest["systems"][0]["trained_until"] == START.isoformat()
    kept_by_floor = [one["metrics"]["relevance_kept@8"]["value"] for one in summary["systems"]]
    assert kept_by_floor[0] == 1.0
    assert 0.9 <= kept_by_floor[1] < 1.0


def test_the_report_that_is_told_is_that_of_the_run(run, trained, tmp_path):
    few = ("--users", "5", "--n", "8", "--workers", "1", "--weeks", "1", "--versions", "none",
           "--cutoff", START.isoformat())  # fmt: skip
    elsewhere = tmp_path / "a folder whose name is long" / ("x" * 100)
    printed = run(*few, "--out", str(elsewhere))
    run(*few, "--seed", "1")
    assert printed.splitlines()[-1] == f"`reco report '{elsewhere}'` draws it."
    assert f"All processes together held {told_mb(elsewhere)} MB at most." in printed.splitlines()
    again = run(*few, "--out", str(elsewhere))
    command = again.splitlines()[-1].split("`")[1]
    told = _folder(runs_of(trained[0], tmp_path), shlex.split(command)[-1])
    assert told.path == elsewhere
    assert run_named(runs_of(trained[0], tmp_path), "latest").manifest()["seed"] == 1


def told_mb(folder):
    """Return what the memory of a run, as it is kept, is printed as; at least some."""
    most_mb = json.loads((folder / "memory.json").read_text())["most_mb"]
    assert most_mb > 50
    return f"{most_mb:,.0f}"


def asked(run, trained, tmp_path, *arguments, **dials):
    """Run on few people, and return the manifest."""
    run("--users", "5", "--n", "8", "--workers", "1", "--weeks", "1",
        "--cutoff", START.isoformat(), *arguments, **dials)  # fmt: skip
    return run_named(runs_of(trained[0], tmp_path), "latest").manifest()


def test_what_is_served_is_on_record_and_comes_first(run, trained, tmp_path):
    _, version = trained
    manifest = asked(run, trained, tmp_path, "--versions", f"none,{version}")
    names = [one["name"] for one in manifest["systems"]]
    assert names == [f"{version}@0.98", "none", f"{version}@1"]
    served = manifest["served"]
    assert served["settings"]["neighbours"] > 0
    assert served == {
        "version": version, "kind": "itemknn", "trained_until": START.isoformat(),
        "floor": 0.98, "intensity": 3.0, "points_a_booking": 0.0, "settings": served["settings"],
        "of_what_is_shown": False,
    }  # fmt: skip
    assert manifest["systems"][0] == served | {"name": names[0]}


def test_what_is_served_is_as_the_service_is_set(run, trained, tmp_path):
    _, version = trained
    dials = {"points_a_booking": 180.0, "intensity": 5.0}
    manifest = asked(run, trained, tmp_path, **dials)
    names = [one["name"] for one in manifest["systems"]]
    assert names == [f"{version}@price=180", f"{version}@1", "none"]
    assert {name: manifest["served"][name] for name in dials} == dials
    assert manifest["served"]["floor"] == 0.0
    assert {one["intensity"] for one in manifest["systems"]} == {5.0}


def test_models_are_shown_by_other_dials_too(run, trained, tmp_path):
    _, version = trained
    told = ("--dials", "floor=.5,intensity=9", "--dials", "points_a_booking=60")
    manifest = asked(run, trained, tmp_path, "--versions", version, *told)
    names = [one["name"].removeprefix(version) for one in manifest["systems"]]
    assert names == ["@0.98", "@1", "@0.5,intensity=9", "@price=60"]
    dials = [[one[name] for name in NAMES] for one in manifest["systems"]]
    assert dials == [[0.98, 3.0, 0.0], [1.0, 3.0, 0.0], [0.5, 9.0, 0.0], [0.0, 3.0, 60.0]]


def test_a_run_goes_on_whatever_is_served_by_then(run, trained, tmp_path):
    first = asked(run, trained, tmp_path, "--floors", "0.9,0.8")
    again = asked(run, trained, tmp_path, "--floors", "0.9,0.8", floor=0.5)
    assert first == again
    assert again["served"]["floor"] == 0.98


def test_frames_tell_what_the_database_tells(run, frames, tmp_path):
    started = ("--json", "--cutoff", START.isoformat())
    live = json.loads(run(*FEW, *started, "--out", str(tmp_path / "live")))
    told = json.loads(run(*FEW, *started, "--out", str(tmp_path / "told"), "--frames", str(frames)))
    assert (live.pop("run"), told.pop("run")) == ("live", "told")
    assert live == told
    with pytest.raises(InvalidInput, match="holds another evaluation"):
        run(*FEW, *started, "--out", str(tmp_path / "live"), "--frames", str(frames))


def test_frames_and_models_in_folders_need_no_database(run, trained, frames, tmp_path):
    world, version = trained
    few = ("--users", "5", "--n", "8", "--workers", "1", "--weeks", "1", "--floors", "1",
           "--frames", str(frames))  # fmt: skip
    nowhere = {"database_url": "postgresql://nobody@localhost:1/nowhere"}
    run(*few, "--versions", f"none,{world.models / version}", **nowhere)
    kept = run_named(runs_of(world, tmp_path), "latest")
    manifest, summary = kept.manifest(), kept.summary()
    assert (manifest["served"], manifest["start"]) == (None, START.isoformat())
    assert [one["system"] for one in summary["systems"]] == ["none", f"{version}@1"]
    assert [one["version"] for one in manifest["systems"]] == [None, version]
    assert summary["people"] == 5
    with pytest.raises(Unavailable, match="does not answer"):
        run(*few, "--versions", f"none,{version}", **nowhere)


def test_a_model_that_has_seen_the_weeks_is_refused(run, trained):
    before = START - timedelta(days=7)
    with pytest.raises(InvalidInput, match="has seen what it would be judged by; begin later, or"
                       f" train with --cutoff {before:%Y-%m-%d}"):  # fmt: skip
        run(*FEW, "--cutoff", before.isoformat())
    assert "week" in run(*FEW, "--versions", "none", "--cutoff", before.isoformat())


def test_a_model_that_is_pruned_is_told_as_such(run, trained):
    world, _ = trained
    now = datetime(2026, 9, 9, tzinfo=UTC)
    pruned = train_world(world, "popularity", split="time", cutoff=START, now=now).version
    with publication(world.conninfo) as connection:
        give_up(connection, pruned, Act(now, "a test"))
    with pytest.raises(RuleBroken, match=rf"{pruned} is pruned.*`reco models list`"):
        run(*FEW, "--versions", f"{pruned},none")


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (("--floors", "1,high"), InvalidInput, "'1,high' is no list of numbers"),
        (("--dials", "height=3"), InvalidInput, "'height' is unknown"),
        (("--floors", "1.2"), InvalidInput, "not between 0 and 1"),
        (("--versions", "itemknn-1"), NotFound, "itemknn-1"),
        (("--versions", "none,none", "--cutoff", "2026-09-07"), InvalidInput, "named twice"),
        (("--versions", "none"), InvalidInput, "say where the weeks begin"),
        (("--cutoff", "2031-01-01"), InvalidInput, "what is on record on 2026-09"),
        (("--cutoff", "soon"), InvalidInput, "cutoff"),
        (("--users", "5", "--all-users"), InvalidInput, "--users and --all-users: leave one"),
    ],
)
def test_what_cannot_be_asked(run, arguments, error, told):
    with pytest.raises(error, match=told):
        run(*arguments)
