"""The command evaluate, on a real database and on frames."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import typer
from plain_world import START, plain_world
from typer.testing import CliRunner

from reco.errors import InvalidInput, NotFound
from reco.frames.importing import import_frames
from reco.frames.sources import FolderSource
from reco.settings import Settings
from training.commands.evaluate import evaluate
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
    settings = Settings(home=tmp_path, world=world.name, database_url=world.conninfo)
    app = typer.Typer()
    app.command()(evaluate)

    def invoke(*arguments):
        done = CliRunner().invoke(app, list(arguments), obj=settings, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    return invoke


def runs_of(world, tmp_path):
    return tmp_path / "worlds" / world.name / "evaluations"


def test_models_under_floors_beside_popularity(run, trained, tmp_path):
    world, version = trained
    printed = run(*FEW, "--cutoff", START.isoformat())
    for shown in ("itemknn", "ndcg@8", "horizon_recall@8", "25 people", "reco report latest"):
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


def test_frames_tell_what_the_database_tells(run, frames, tmp_path):
    started = ("--json", "--cutoff", START.isoformat())
    live = json.loads(run(*FEW, *started, "--out", str(tmp_path / "live")))
    told = json.loads(run(*FEW, *started, "--out", str(tmp_path / "told"), "--frames", str(frames)))
    assert (live.pop("run"), told.pop("run")) == ("live", "told")
    assert live == told
    with pytest.raises(InvalidInput, match="holds another evaluation"):
        run(*FEW, *started, "--out", str(tmp_path / "live"), "--frames", str(frames))


def test_a_model_that_has_seen_the_weeks_is_refused(run, trained):
    before = START - timedelta(days=7)
    with pytest.raises(InvalidInput, match="has seen what it would be judged by; begin later, or"
                       f" train with --cutoff {before:%Y-%m-%d}"):  # fmt: skip
        run(*FEW, "--cutoff", before.isoformat())
    assert "week" in run(*FEW, "--versions", "none", "--cutoff", before.isoformat())


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (("--floors", "1,high"), InvalidInput, "'1,high' is no list of numbers"),
        (("--floors", "1.2"), InvalidInput, "not between 0 and 1"),
        (("--versions", "itemknn-1"), NotFound, "itemknn-1"),
        (("--versions", "none,none", "--cutoff", "2026-09-07"), InvalidInput, "named twice"),
        (("--versions", "none"), InvalidInput, "say where the weeks begin"),
        (("--cutoff", "2031-01-01"), InvalidInput, "what is on record on 2026-09"),
        (("--cutoff", "soon"), InvalidInput, "cutoff"),
    ],
)
def test_what_cannot_be_asked(run, arguments, error, told):
    with pytest.raises(error, match=told):
        run(*arguments)
