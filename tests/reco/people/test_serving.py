"""Once somebody is erased, nothing that is served or trained knows them."""

import shutil
from dataclasses import replace
from datetime import UTC, timedelta

import fsspec
import pytest
from champions import show_to_half, train_champion
from traces import LATER, LOU
from worlds import GRENOBLE, NOW

from reco.core.accounts import Person, register
from reco.errors import RuleBroken, Unavailable
from reco.experiments.records import stop
from reco.feed.query import feed_query
from reco.frames.exporting import export_frames
from reco.model.address import artifact_exists, published
from reco.model.artifact import read_artifact
from reco.model.registry import Act, champion, events, force, give_up, publication
from reco.people.accounts import read_accounts
from reco.people.erase import erase_person
from reco.people.export import export_person
from reco.people.models import stored_models, unknown_copies
from reco.people.prune import prune_models
from reco.settings import Settings
from reco.worker import Worker
from training.extract import events_from_database
from training.fits import PARAMETERS
from training.run import train_model
from training.saving import save_model

QUERY = feed_query(now=NOW, default_radius_m=5e4, lon=GRENOBLE[0], lat=GRENOBLE[1], radius_km=50.0)
KINDS = ("als", "itemknn")
ACT = Act(LATER, "mia", "an erasure")


def train(world, kind="itemknn", hours=0, frames=None):
    now = NOW + timedelta(hours=hours)
    return train_champion(world, kind, now=now, frames=frames)


def shown(worker, user):
    """Return all that a feed says, but for the names of slate and page."""
    answer = worker.feed(replace(QUERY, user_id=user))
    return replace(answer, slate_id="", next_cursor=None)


def folders_with(world, user):
    """Return the model folders in which any file has the bytes of an id."""
    return {
        path.parent.name
        for path in world.models.rglob("*")
        if path.is_file() and user.encode() in path.read_bytes()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_running_worker_forgets_at_once(crowded, connection, kind):
    train(crowded, kind)
    settings = Settings(home=crowded.folder)
    secret = "a secret of at least thirty-two bytes"
    with Worker(settings, crowded, secret, lambda: NOW) as worker:
        stranger = shown(worker, "nobody-we-know")
        assert len(worker.serving.model.user_history(LOU)) > 0
        before = shown(worker, LOU)
        assert before != stranger
        assert before.horizon.points > stranger.horizon.points
        erase_person(crowded, LOU, LATER)
        # The model that is served still has the id; nothing of it is used.
        assert len(worker.serving.model.user_history(LOU)) > 0
        assert shown(worker, LOU) == stranger
        register(connection, Person(LOU, None, None, None), (), LATER, UTC)
        assert shown(worker, LOU) == shown(worker, "nowhere")


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_model_holds_nothing_of_them_and_proves_it(crowded, kind):
    first = train(crowded, kind)
    assert folders_with(crowded, LOU) == {first.version}
    people = read_artifact(first.folder).facts.people
    assert (people.accounts, people.erased, people.erased_until) == (6, 0, None)
    erase_person(crowded, LOU, LATER)
    second = train(crowded, kind, hours=1)
    assert folders_with(crowded, LOU) == {first.version}
    people = read_artifact(second.folder).facts.people
    assert (people.accounts, people.erased, people.erased_until) == (5, 1, LATER)
    assert (people.left_out, people.vectors_without_account) == (0, 0)
    assert folders_with(crowded, "erased:") == set()


def test_what_they_did_is_not_learnt_from(crowded):
    before = events_from_database(crowded.conninfo)
    erase_person(crowded, LOU, LATER)
    after = events_from_database(crowded.conninfo)
    lou = before.users.tolist().index(LOU.encode())
    assert after.users.tolist() == [user for user in before.users.tolist() if user != LOU.encode()]
    assert len(after) == len(before.take(before.user != lou)) < len(before)


def test_who_is_erased_while_a_model_is_fitted_is_left_out_of_it(crowded, connection):
    events = events_from_database(crowded.conninfo)
    trained = train_model(
        events, PARAMETERS["itemknn"](), split="time", cutoff=None, progress=lambda *_: None
    )
    erase_person(crowded, LOU, LATER)
    # Even one who is back by now is not whom the events were about.
    register(connection, Person(LOU, None, None, None), (), LATER, UTC)
    with publication(crowded.conninfo) as publishing:
        accounts = read_accounts(publishing, NOW)
        saved = save_model(trained, models=crowded.models, now=NOW, accounts=accounts)
    assert saved.people.left_out == 1
    assert saved.people.vectors_without_account == 0
    assert folders_with(crowded, LOU) == set()


def test_an_export_of_frames_has_nobody_who_is_erased(crowded, tmp_path):
    def silent(*_):
        pass

    before = export_frames(crowded, tmp_path / "before", "csv", silent)
    erase_person(crowded, LOU, LATER)
    after = export_frames(crowded, tmp_path / "after", "csv", silent)
    lost = {name: before[name] - after.get(name, 0) for name in before if before[name]}
    assert {name: rows for name, rows in lost.items() if rows} == {
        "users": 1,
        "bookings": 5,
        "interactions": 2,
    }
    written = b"".join(path.read_bytes() for path in (tmp_path / "after").iterdir())
    assert LOU.encode() not in written
    assert b"erased:" not in written
    # Frames of before know the person; the model that is made of them keeps nothing of it.
    summary = train(crowded, frames=tmp_path / "before")
    assert summary.people.left_out == 1
    assert folders_with(crowded, LOU) == set()


def test_an_export_tells_what_the_models_hold(crowded, connection):
    summary = train(crowded)
    (held,) = export_person(crowded, LOU, NOW)["models"]
    assert (held["version"], held["state"]) == (summary.version, "champion")
    assert {entry["item_id"] for entry in held["history"]} >= {"novel", "manga", "film"}
    erase_person(crowded, LOU, LATER)
    register(connection, Person(LOU, None, None, None), (), LATER, UTC)
    assert export_person(crowded, LOU, LATER)["models"] == []


def test_models_that_hold_somebody_erased_are_removed_when_they_are_not_served(crowded):
    old, champion = train(crowded, hours=0), train(crowded, "als", hours=1)
    assert prune_models(crowded, ACT).kept == 2
    erase_person(crowded, LOU, LATER)
    pruned = prune_models(crowded, ACT)
    assert [stored.version for stored in pruned.removed] == [old.version]
    assert pruned.served.version == champion.version
    assert pruned.kept == 1
    newest = train(crowded, hours=2)
    assert [stored.version for stored in prune_models(crowded, ACT).removed] == [champion.version]
    assert prune_models(crowded, ACT) == replace(pruned, removed=(), kept=1, served=None)
    assert [stored.version for stored in stored_models(crowded)] == [newest.version]
    assert folders_with(crowded, LOU) == set()


def test_a_model_that_is_removed_is_given_up_on_record_and_cannot_be_promoted(crowded):
    old, served = train(crowded, hours=0), train(crowded, "als", hours=1)
    erase_person(crowded, LOU, LATER)
    prune_models(crowded, ACT)
    (told,) = [event for event in events(crowded.conninfo) if event.action == "pruned"]
    assert (told.version, told.at, told.actor) == (old.version, ACT.at, ACT.actor)
    with publication(crowded.conninfo) as connection, pytest.raises(RuleBroken, match="pruned"):
        force(connection, old.version, ACT)
    assert champion(crowded.conninfo).version == served.version


def test_a_folder_that_a_killed_run_left_is_removed_by_the_next(crowded, monkeypatch):
    old = train(crowded, hours=0)
    train(crowded, "als", hours=1)
    erase_person(crowded, LOU, LATER)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("reco.people.prune.remove_artifacts", killed)
        with pytest.raises(KeyboardInterrupt):
            prune_models(crowded, ACT)
    assert old.folder.exists()
    (removed,) = prune_models(crowded, ACT).removed
    assert (removed.version, removed.state) == (old.version, "pruned")
    assert not old.folder.exists()


def test_a_copy_of_what_was_removed_elsewhere_is_found_and_removed_here(crowded, connection):
    old = train(crowded, hours=0)
    train(crowded, "popularity", hours=1)
    erase_person(crowded, LOU, LATER)
    with publication(crowded.conninfo) as deciding:
        give_up(deciding, old.version, ACT)
    # Whoever gave it up has deleted it from the store, and knows nothing of this machine.
    connection.execute(
        "update reco.model_version set address = %s where version = %s",
        (f"memory://models/{old.version}", old.version),
    )
    (copy,) = [stored for stored in stored_models(crowded) if stored.state == "pruned"]
    assert copy.knows(LOU)
    assert [stored.version for stored in prune_models(crowded, ACT).removed] == [old.version]
    assert not old.folder.exists()


def test_what_a_running_experiment_shows_stays_until_it_is_stopped(crowded):
    shown, _ = train(crowded, hours=0), train(crowded, "als", hours=1)
    show_to_half(crowded, shown.version, ACT)
    erase_person(crowded, LOU, LATER)
    pruned = prune_models(crowded, ACT)
    assert [stored.version for stored in pruned.shown] == [shown.version]
    # The champion, too.
    assert pruned.kept == 2
    assert shown.folder.exists()
    stop(crowded.conninfo, "wider", ACT)
    assert [stored.version for stored in prune_models(crowded, ACT).removed] == [shown.version]


def test_a_model_that_was_never_registered_is_found_too(crowded):
    summary = train(crowded)
    stray = crowded.models / "stray"
    summary.folder.rename(stray)
    (found,) = stored_models(crowded)
    assert (found.version, found.state, found.knows(LOU)) == ("stray", "unregistered", True)
    (stray / "users.npy").write_bytes(b"")
    (found,) = stored_models(crowded)
    assert "users.npy" in found.refused
    assert not found.knows(LOU)
    assert prune_models(crowded, ACT).unread == (found,)
    assert stray.exists()


@pytest.fixture
def store(crowded):
    """An object store that no other test sees."""
    url = f"memory://{crowded.conninfo.rsplit('/')[-1].split('?')[0]}"
    files = fsspec.filesystem("memory")
    yield url
    if files.exists(url):
        files.rm(url, recursive=True)


def test_what_a_killed_training_copied_to_the_store_is_removed_with_its_folder(
    crowded, store, monkeypatch
):
    summary = train(crowded)
    stray = crowded.models / "stray"
    shutil.copytree(summary.folder, stray)
    address = published(stray, store)
    erase_person(crowded, LOU, LATER)
    memory = type(fsspec.filesystem("memory"))

    def dead(*_, **__):
        raise OSError("the line is dead")

    with monkeypatch.context() as patch:
        patch.setattr(memory, "rm", dead)
        (failed,) = prune_models(crowded, ACT, store).failed
        assert "the line is dead" in failed
    # What tells of the copy is still there.
    assert stray.exists()
    (removed,) = prune_models(crowded, ACT, store).removed
    assert (removed.version, removed.address) == ("stray", address)
    assert not artifact_exists(address)
    assert not stray.exists()


def test_what_the_store_has_of_no_version_is_named(crowded, store):
    summary = train(crowded)
    for name in (summary.version, "of-another-machine"):
        published(summary.folder.rename(crowded.models / name), store)
        (crowded.models / name).rename(summary.folder)
    assert unknown_copies(crowded, store) == [f"{store}/of-another-machine"]
    assert unknown_copies(crowded, f"{store}/nothing") == []
    with pytest.raises(Unavailable, match="nowhere"):
        unknown_copies(crowded, "nowhere://x")
