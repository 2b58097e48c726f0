"""The commands `reco users ...`."""

import json
import stat
from datetime import UTC, datetime

import pytest
from champions import show_to_half, train_champion
from traces import LOU
from typer.testing import CliRunner

from reco.db.ready import opened_world
from reco.errors import InvalidInput, NotFound
from reco.experiments.records import stop
from reco.model.registry import Act, events
from reco.people.commands import app
from reco.settings import Settings


@pytest.fixture
def settings(inhabited):
    return Settings(home=inhabited.folder, world=inhabited.name, database_url=inhabited.conninfo)


@pytest.fixture
def run(settings):
    """A function that runs a command and returns what became of it."""

    def invoke(*arguments, answer=None):
        return CliRunner().invoke(app, arguments, input=answer, obj=settings)

    return invoke


def test_an_export_is_one_json_document_to_print_or_to_keep(run, tmp_path):
    printed = run("export", LOU)
    assert printed.exit_code == 0
    document = json.loads(printed.stdout)
    assert document["profile"]["birth_date"] == "2008-02-29"
    assert document["deposits"][0]["granted_at"].endswith("Z")
    kept = run("export", LOU, "-o", str(tmp_path / "lou.json"))
    assert kept.exit_code == 0
    assert kept.stdout == ""
    written = json.loads((tmp_path / "lou.json").read_text())
    assert written | {"exported_at": ""} == document | {"exported_at": ""}


def test_an_export_is_for_its_owner_alone_and_goes_where_there_is_a_folder(run, tmp_path):
    path = tmp_path / "lou.json"
    path.touch(mode=0o644)
    for _ in "an old file", "a new one":
        assert run("export", LOU, "-o", str(path)).exit_code == 0
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.unlink()
    nowhere = run("export", LOU, "-o", str(tmp_path / "none" / "lou.json")).exception
    assert isinstance(nowhere, InvalidInput)
    assert "there is no folder" in str(nowhere)
    assert "cannot be written" in str(run("export", LOU, "-o", str(tmp_path)).exception)


def test_an_erasure_asks_first(run):
    refused = run("erase", LOU, answer="n\n")
    assert refused.exit_code == 1
    assert run("export", LOU).exit_code == 0
    done = run("erase", LOU, answer="y\n")
    assert done.exit_code == 0
    assert isinstance(run("export", LOU).exception, NotFound)


def test_an_erasure_says_what_went_what_stayed_and_that_no_model_holds_them(run):
    done = run("erase", LOU, "--yes")
    assert done.exit_code == 0
    for said in ("interactions: 2", "slates: 1", "bookings: 5", "deposits: 1", "No model holds"):
        assert said in done.stdout
    again = run("erase", LOU, "--yes")
    assert isinstance(again.exception, NotFound)


def test_models_that_still_hold_somebody_are_named_then_removed(run, settings, crowded):
    assert crowded.name == settings.world
    world = opened_world(settings)

    def train(hour):
        now = datetime(2026, 11, 24, hour, tzinfo=UTC)
        return train_champion(world, "itemknn", now=now)

    first = train(1)
    told = run("erase", LOU, "--yes").stdout
    assert f"Still holds them: {first.version} (champion)" in told
    assert "reco users prune-models" in told
    too_early = run("prune-models").stdout
    assert f"{first.version} is served and holds somebody without an account" in too_early
    assert "Models removed: 0, kept: 1." in too_early
    train(2)
    act = Act(datetime(2026, 11, 24, 3, tzinfo=UTC), "mia", "a test")
    show_to_half(world, first.version, act)
    shown = " ".join(run("prune-models").stdout.split())
    assert f"{first.version} is shown by the running experiment and holds somebody" in shown
    stop(world.conninfo, "wider", act)
    pruned = run("prune-models", "--by", "lena").stdout
    assert f"Removed {first.version} (retired)" in pruned
    assert "Models removed: 1, kept: 1." in pruned
    assert not first.folder.exists()
    (given_up,) = [event for event in events(world.conninfo) if event.action == "pruned"]
    assert (given_up.version, given_up.actor) == (first.version, "lena")
    assert "Models removed: 0, kept: 1." in run("prune-models").stdout


def test_what_the_model_store_has_of_no_version_is_named(settings, tmp_path):
    (tmp_path / "of-another-machine").mkdir()

    def told(store, *arguments):
        with_store = settings.model_copy(update={"model_store": store})
        done = CliRunner().invoke(app, arguments, obj=with_store)
        return " ".join(done.stdout.split())

    named = f"of no version of this world: {tmp_path}/of-another-machine."
    assert named.replace(" ", "") in told(str(tmp_path), "prune-models").replace(" ", "")
    assert "What else the model store has is not known" in told(
        "nowhere://x", "erase", LOU, "--yes"
    )
