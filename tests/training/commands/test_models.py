"""The commands `reco models ...`, on a real database."""

import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import fsspec
import numpy as np
import psycopg
import pytest
from champions import train_champion
from rich.console import Console
from tastes import two_tastes
from typer.testing import CliRunner
from worlds import NOW, book, small_world

from reco.errors import (
    ArtifactNotFetched,
    ArtifactRefused,
    InvalidInput,
    NotFound,
    RuleBroken,
    Unavailable,
)
from reco.feed.query import feed_query
from reco.frames.importing import import_frames
from reco.frames.sources import FolderSource
from reco.model.registry import (
    Act,
    champion,
    events,
    force,
    give_up,
    publication,
    refuse,
    versions,
)
from reco.people.models import stored_models
from reco.settings import Settings
from reco.worker import Worker
from training.booked import booked_in_database, booked_in_frames
from training.commands.models import app
from training.commands.train import _publish, train_world
from training.criteria import Criterion
from training.fits import PARAMETERS
from training.gate import Floors, Verdict
from training.intervals import Estimate
from training.registry import compare_versions, promote_behind_gate
from training.run import train_model
from training.saving import save_model

START = datetime(2025, 5, 1, tzinfo=UTC)
LENIENT = Floors(ndcg_loss=0.99, horizon_loss=1.0, cold_loss=0.99)


@pytest.fixture
def world(world):
    """The fresh world, with its folder where the settings have it."""
    return replace(world, folder=world.folder / "worlds" / world.name)


@pytest.fixture
def settings(world):
    home = world.folder.parents[1]
    return Settings(home=home, world=world.name, database_url=world.conninfo)


@pytest.fixture
def invoke(settings, world):
    """A function that runs `reco models ...` and returns what it printed, in one line."""

    def run(*arguments):
        done = CliRunner().invoke(app, list(arguments), obj=settings)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return " ".join(done.stdout.split())

    return run


@pytest.fixture(scope="module")
def trained():
    """A model of each kind, trained once."""
    return {
        kind: train_model(
            two_tastes(), PARAMETERS[kind](), split="time", cutoff=None, progress=lambda *_: None
        )
        for kind in ("popularity", "itemknn")
    }


@pytest.fixture
def published(world, trained):
    """A function that publishes a model of a kind under a new name, and returns its summary."""

    def publish(kind, now):
        with publication(world.conninfo) as connection:
            summary = save_model(trained[kind], models=world.models, now=now)
            _publish(connection, summary, str(summary.folder), Act(now, "a test"))
        return summary

    return publish


@pytest.fixture
def served(world, published):
    """A function that publishes a model and serves it past the gate; returns its name."""

    def serve(kind, now):
        version = published(kind, now).version
        if champion(world.conninfo).version != version:
            with publication(world.conninfo) as connection:
                force(connection, version, Act(now, "a test", "it is to be served"))
        return version

    return serve


@pytest.fixture
def three(served):
    """Names of three versions: popularity, item-kNN, and that once more, which is served."""
    kinds = ("popularity", "itemknn", "itemknn")
    return [served(kind, START + timedelta(days=day)) for day, kind in enumerate(kinds)]


def state_of(world):
    return {row.version: row.state for row in versions(world.conninfo)}


def folder_of(world, version):
    return world.models / version


def test_the_list_tells_states_and_figures(invoke, three):
    told = invoke("list")
    for version in three:
        assert version in told
    assert told.count("retired") == 2
    assert told.count("champion") == 1
    assert told.index(three[2]) < told.index(three[0])
    assert told.count("rehearsal") == 3
    assert invoke("list", "--newest") == three[2]


def test_a_version_is_shown_with_its_manifest_and_its_past(invoke, three, world):
    told = invoke("show", three[1])
    for expected in ("retired", "numpy", "implicit", "neighbours 200", "ndcg@10, rehearsal"):
        assert expected in told
    for expected in ("published as a candidate", "forced", "a test", "it is to be served"):
        assert expected in told
    assert f"{three[2]}: forced" in told
    (folder_of(world, three[1]) / "items.npy").unlink()
    assert "items.npy is missing" in invoke("show", three[1])
    with pytest.raises(NotFound, match="model version 'none'"):
        invoke("show", "none")


def test_a_comparison_changes_nothing(invoke, three, world, folder):
    before = state_of(world), len(events(world.conninfo))
    told = invoke("compare", three[0], "--frames", str(folder))
    assert "REFUSED" in told
    assert f"Compared with {three[2]}" in told
    told = invoke("compare", three[1], three[2], "--frames", str(folder))
    assert "REFUSED" not in told
    assert f"Compared with {three[2]}" in told
    with pytest.raises(InvalidInput, match="is the champion; name what"):
        invoke("compare", three[2])
    with pytest.raises(InvalidInput, match="cannot be compared with itself"):
        invoke("compare", three[0], three[0])
    assert before == (state_of(world), len(events(world.conninfo)))


def test_the_gate_refuses_with_the_reason_and_a_force_is_on_record(invoke, three, world, folder):
    with pytest.raises(RuleBroken, match=r"refused\. ndcg@20: .* interval .* limit") as refusal:
        invoke("promote", three[0], "--frames", str(folder), "--by", "mia")
    assert refusal.value.rule == "gate"
    assert champion(world.conninfo).version == three[2]
    lenient = ["--max-ndcg-loss", "0.99", "--max-cold-loss", "0.99", "--max-horizon-loss", "1"]
    invoke("promote", three[0], "--frames", str(folder), *lenient)
    assert champion(world.conninfo).version == three[0]
    with pytest.raises(InvalidInput, match="needs a reason"):
        invoke("promote", three[1], "--force", "")
    began = datetime.now(UTC)
    invoke("promote", three[1], "--force", "the other one hangs", "--by", "mia")
    last = events(world.conninfo)[-1]
    assert (last.version, last.action) == (three[1], "forced")
    assert (last.actor, last.reason) == ("mia", "the other one hangs")
    assert began <= last.at <= datetime.now(UTC)
    told = invoke("show", three[0])
    assert f"gate breached over {three[2]}: ndcg@20 -" in told
    assert f"gate passed over {three[2]}: ndcg@20 -" in told


def test_what_no_worker_could_serve_is_not_promoted_by_force(invoke, three, world):
    (folder_of(world, three[1]) / "items.npy").unlink()
    with pytest.raises(ArtifactRefused, match=r"items\.npy"):
        invoke("promote", three[1], "--force", "the other one hangs")
    assert champion(world.conninfo).version == three[2]


def test_the_record_of_a_refusal_says_what_failed(invoke, published, world, monkeypatch):
    monkeypatch.setattr("training.commands.models.console", Console(width=400))
    version, level = published("popularity", START).version, Estimate(0.0, -0.01, 0.01)
    criteria = (
        Criterion("ndcg@20", 12, None, None, None, 0.0, passed=False),
        Criterion("horizon_recall@20", 50, level, level, level, -0.1, passed=True),
        Criterion("ndcg@20, cold users", 3, None, None, None, 0.0, passed=True),
        Criterion("ranker", 0, None, None, None, 0.0, passed=False, lacks="it has none"),
        Criterion("median ms", 50, level, level, level, -0.1, passed=False),
    )
    evidence = Verdict(version, "another", "a test", criteria).as_evidence()
    with publication(world.conninfo) as connection:
        refuse(connection, version, Act(NOW, "mia"), evidence)
    assert (
        "gate breached over another: ndcg@20 too few to judge (REFUSED); "
        "horizon_recall@20 -0.0100 .. +0.0100; ranker it has none (REFUSED); "
        "median ms -0.0100 .. +0.0100 (REFUSED)"
    ) in invoke("show", version)


def test_the_champion_is_not_promoted_again(invoke, three):
    with pytest.raises(InvalidInput, match="served already"):
        invoke("promote", three[2])


def test_a_champion_that_changed_meanwhile_stops_a_promotion(
    three, served, published, world, folder, monkeypatch
):
    def slow_judge(*arguments, **options):
        found = judge(*arguments, **options)
        served("itemknn", START + timedelta(days=9))
        return found

    judge = sys.modules["training.registry"].judge
    monkeypatch.setattr("training.registry.judge", slow_judge)
    last = published("itemknn", NOW)
    with pytest.raises(RuleBroken, match="by now"):
        promote_behind_gate(
            world, last.version, Act(NOW, "mia"), floors=LENIENT, users=100, frames=folder
        )
    assert state_of(world)[last.version] == "candidate"


def test_what_is_dated_in_the_future_is_not_judged_on(three, world, folder, monkeypatch):
    seen, judge = [], sys.modules["training.registry"].judge

    def watched(events, *arguments, **options):
        seen.append(events.at.max())
        return judge(events, *arguments, **options)

    monkeypatch.setattr("training.registry.judge", watched)
    now = datetime(2025, 3, 1, tzinfo=UTC)
    compare_versions(world, *three[:2], now=now, floors=LENIENT, users=100, frames=folder)
    assert seen[0] < np.datetime64("2025-03-01") < two_tastes().at.max()


def test_a_broken_champion_is_not_what_a_candidate_is_compared_with(
    invoke, three, published, world, folder
):
    (folder_of(world, three[2]) / "items.npy").unlink()
    newest = published("itemknn", NOW)
    told = invoke("promote", newest.version, "--frames", str(folder))
    assert f"Compared with {three[1]}" in told
    assert champion(world.conninfo).version == newest.version
    (folder_of(world, newest.version) / "manifest.json").unlink()
    with pytest.raises(ArtifactRefused, match=r"manifest\.json"):
        invoke("compare", newest.version, three[0])


@pytest.fixture
def stored(world, connection):
    """A function that puts a version's artifact into a store, or says that it lies in one."""
    memory = fsspec.filesystem("memory")

    def move(version, *, store="memory", is_there=True):
        if is_there:
            memory.put(str(folder_of(world, version)), f"/models/{version}", recursive=True)
        shutil.rmtree(folder_of(world, version))
        connection.execute(
            "update reco.model_version set address = %s || '://models/' || version"
            " where version = %s",
            (store, version),
        )

    yield move
    if memory.exists("/models"):
        memory.rm("/models", recursive=True)


def test_a_champion_whose_copy_here_is_damaged_is_what_a_candidate_is_compared_with(
    invoke, three, published, world, folder, stored
):
    stored(three[2])
    newest = published("itemknn", NOW)
    assert f"Compared with {three[2]}" in invoke("promote", newest.version, "--frames", str(folder))
    with (folder_of(world, three[2]) / "items.npy").open("ab") as file:
        file.write(b"more")
    told = invoke("compare", three[1], three[2], "--frames", str(folder))
    assert three[2] in told
    assert f"{three[2]} is served again" in invoke("rollback")


def test_what_cannot_be_fetched_is_neither_replaced_nor_passed_over(
    invoke, three, published, world, folder, stored
):
    stored(three[1], store="nowhere", is_there=False)
    with pytest.raises(ArtifactNotFetched, match=three[1]):
        invoke("rollback")
    assert champion(world.conninfo).version == three[2]
    stored(three[2], store="nowhere", is_there=False)
    newest = published("itemknn", NOW)
    with pytest.raises(ArtifactNotFetched, match=three[2]):
        invoke("promote", newest.version, "--frames", str(folder))
    assert champion(world.conninfo).version == three[2]


def test_what_its_store_does_not_have_is_passed_over(
    invoke, three, published, world, folder, stored
):
    for version in three[1:]:
        stored(version, is_there=False)
    newest = published("itemknn", NOW)
    told = invoke("promote", newest.version, "--frames", str(folder))
    assert f"Compared with {three[0]}" in told
    told = invoke("rollback")
    assert "its store has nothing there" in told
    assert champion(world.conninfo).version == three[0]


def test_a_store_that_is_gone_keeps_nothing_else_from_being_deleted(
    invoke, three, served, world, connection
):
    served("popularity", NOW)
    connection.execute(
        "update reco.model_version set address = 'nowhere://models/' || version where version = %s",
        (three[0],),
    )
    with pytest.raises(Unavailable, match=f"nowhere://models/{three[0]} cannot be deleted"):
        invoke("prune", "--keep", "0")
    assert state_of(world)[three[0]] == state_of(world)[three[1]] == "pruned"
    assert not folder_of(world, three[1]).exists()
    for asked in (("promote", three[1]), ("compare", three[1]), ("compare", three[2], three[1])):
        with pytest.raises(RuleBroken, match=f"{three[1]} is pruned"):
            invoke(*asked)


def test_without_a_database_nothing_is_published():
    with pytest.raises(Unavailable, match="nothing changed"), publication("port=1 host=127.0.0.1"):
        pytest.fail("there is no database")


def test_a_roll_back_is_one_command_and_passes_over_what_is_gone(invoke, three, world):
    told = invoke("rollback", "--reason", "it shows opera alone", "--by", "mia")
    assert f"{three[1]} is served again, not {three[2]}." in told
    last = events(world.conninfo)[-1]
    assert (last.action, last.reason, last.actor) == ("rolled back", "it shows opera alone", "mia")
    invoke("promote", three[2], "--force", "it is mended")
    (folder_of(world, three[1]) / "items.npy").unlink()
    told = invoke("rollback")
    assert "Passed over" in told
    assert champion(world.conninfo).version == three[0]
    with pytest.raises(RuleBroken, match="no champion to go back to"):
        invoke("rollback")


def test_pruning_keeps_the_champion_the_one_before_and_the_newest(invoke, three, published, world):
    waiting = published("popularity", NOW)
    (world.models / ".half.draft").mkdir()
    told = invoke("prune", "--keep", "1")
    assert f"Pruned {three[0]}" in told
    assert {path.name for path in world.models.iterdir()} == {three[1], three[2], waiting.version}
    assert state_of(world)[three[0]] == "pruned"
    with pytest.raises(RuleBroken, match="is pruned"):
        invoke("promote", three[0], "--force", "I miss it")
    assert "pruned: 0, kept: 3; artifacts deleted: 0" in invoke("prune", "--keep", "1")
    assert "pruned: 1, kept: 2" in invoke("prune", "--keep", "0")
    assert not waiting.folder.exists()


def test_the_newest_that_is_told_is_not_pruned(invoke, three, published, world):
    waiting = published("popularity", NOW).version
    assert invoke("list", "--newest") == waiting
    with publication(world.conninfo) as connection:
        give_up(connection, waiting, Act(NOW, "mia"))
    assert invoke("list", "--newest") == three[2]
    assert "pruned" in invoke("list")


def test_what_a_killed_run_left_is_deleted_by_the_next(invoke, three, world):
    with publication(world.conninfo) as connection:
        give_up(connection, three[0], Act(NOW, "mia"))
    (folder_of(world, three[0]) / "items.npy").unlink()
    assert "artifacts deleted: 1" in invoke("prune")
    assert not folder_of(world, three[0]).exists()
    assert state_of(world)[three[2]] == "champion"


def test_a_copy_of_what_was_pruned_elsewhere_is_deleted_here(invoke, three, world, connection):
    with publication(world.conninfo) as deciding:
        give_up(deciding, three[0], Act(NOW, "mia"))
    connection.execute(
        "update reco.model_version set address = 'memory://models/' || version where version = %s",
        (three[0],),
    )
    assert "artifacts deleted: 1" in invoke("prune")
    assert not folder_of(world, three[0]).exists()
    assert "artifacts deleted: 0" in invoke("prune")


def killed(work):
    """Run `work` in a process of its own that ends without any clean-up."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_a_training_that_is_killed_publishes_nothing_and_stops_nobody(
    invoke, world, trained, published, monkeypatch
):
    def half_saved():
        saved = []

        def save(*arguments, **options):
            saved.append(arguments)
            if len(saved) == 3:
                os._exit(9)
            numpy_save(*arguments, **options)

        numpy_save = np.save
        monkeypatch.setattr("reco.array_folder.np.save", save)
        saved_whole()

    def saved_whole():
        with publication(world.conninfo):
            save_model(trained["itemknn"], models=world.models, now=START)

    killed(half_saved)
    (draft,) = world.models.iterdir()
    assert draft.name.endswith(".draft")
    killed(saved_whole)
    assert champion(world.conninfo) is None
    first = published("popularity", NOW)
    assert champion(world.conninfo).version == first.version
    invoke("prune")
    assert not draft.exists()
    assert first.folder.exists()
    found = {stored.version: stored.state for stored in stored_models(world)}
    assert found.pop(first.version) == "champion"
    # It was whole: `reco users prune-models` looks after whom it holds.
    assert list(found.values()) == ["unregistered"]


def test_bookings_come_alike_from_the_database_and_from_frames(world, folder):
    import_frames(world, FolderSource(folder), lambda *_: None)
    users = ["u0000", "u0007", "nobody"]

    def key(booked):
        return (booked.user_id, booked.at, booked.item_id)

    found = sorted(booked_in_database(world.conninfo, users), key=key)
    same = sorted(booked_in_frames(folder, users), key=key)
    assert len(found) == 24
    assert [(key(one), one.values) for one in found] == [(key(one), one.values) for one in same]
    assert ("category", "BOOK") in found[0].values
    assert ("venue", "v") in found[0].values


def test_workers_take_a_promotion_without_dropping_a_request(world, connection, invoke):
    small_world(connection)
    for day, user in enumerate(("free", "late", "broke", "villager")):
        book(connection, user, "manga-shop", NOW - timedelta(days=2 + day))
        book(connection, user, "novel-shop", NOW - timedelta(days=3 + day))
    first = train_champion(world, "popularity", now=NOW).version
    second = train_world(
        world, "popularity", split="time", cutoff=None, now=NOW + timedelta(hours=1)
    ).version
    query = feed_query(now=NOW, default_radius_m=5e4, user_id="reader")
    turns, seen, failed, stop = [], [], [], threading.Event()
    secret = "a secret of at least thirty-two bytes"
    with Worker(Settings(home=world.folder), world, secret, lambda: NOW) as worker:

        def ask():
            while not stop.is_set():
                turn = len(turns)
                try:
                    answer = worker.feed(query)
                    seen.append((turn, answer.model_version, len(answer.items)))
                except Exception as error:
                    failed.append(error)

        asking = [threading.Thread(target=ask) for _ in range(2)]
        for thread in asking:
            thread.start()
        for arguments in (["promote", second, "--force", "to be taken"], ["rollback"]):
            invoke(*arguments)
            worker.refresh()
            turns.append(arguments)
            while sum(turn == len(turns) for turn, *_ in seen) < 6 and not failed:
                stop.wait(0.01)
        stop.set()
        for thread in asking:
            thread.join()
    assert not failed
    # Whoever asked before the rollback may be answered long after it.
    assert {version for _, version, _ in seen} == {first, second}
    assert {version for turn, version, _ in seen if turn == len(turns)} == {first}
    assert len({items for *_, items in seen}) == 1


@pytest.mark.slow
def test_two_trainings_at_once_do_not_harm_each_other(settings, world, folder):
    environment = os.environ | {
        "RECO_HOME": str(settings.home),
        "RECO_WORLD": world.name,
        "RECO_DATABASE_URL": world.conninfo,
    }
    command = [sys.executable, "-c", "from reco.cli import main; main()", "train", "--frames"]
    running = [
        subprocess.Popen(
            [*command, str(folder), "--model", kind],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for kind in ("popularity", "itemknn")
    ]
    said = [process.communicate(timeout=200)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    known = versions(world.conninfo)
    assert {row.kind for row in known} == {"popularity", "itemknn"}
    served = champion(world.conninfo)
    assert [row.state for row in known].count("champion") == 1
    told = [event for event in events(world.conninfo) if event.version == served.version]
    assert told[-1].action == "promoted"
    with psycopg.connect(world.conninfo) as connection:
        assert connection.execute("select count(*) from reco.model_version").fetchone() == (2,)
    assert sum("first model of this world" in " ".join(one.split()) for one in said) == 1
