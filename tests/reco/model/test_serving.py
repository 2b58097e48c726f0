"""Which model is served while the champion cannot be, and how it comes back."""

import shutil
from contextlib import contextmanager
from datetime import timedelta

import fsspec
import pytest
from champions import fetch_from, train_champion
from worlds import NOW, book, small_world

from reco.array_folder import MANIFEST
from reco.model import artifact, serving
from reco.model.serving import ModelInUse

STORE = "memory://of-these-tests"
HARMED = "popularity.npy"


class StoreFailureError(Exception):
    """As the packages of stores have their own."""


class Clock:
    """Seconds that a test lets go by."""

    s = 0.0

    def __call__(self):
        return self.s


@pytest.fixture
def store():
    memory = fsspec.filesystem("memory")
    yield memory
    if memory.exists(STORE):
        memory.rm(STORE, recursive=True)


@pytest.fixture
def two(world, connection, store):
    """The champion before, on this disk, and the champion, in a store and fetched from it."""
    small_world(connection)
    for stock in ("manga-shop", "novel-shop", "film-tonight"):
        book(connection, "free", stock, NOW - timedelta(days=2))
    former = train_champion(world, "popularity", now=NOW)
    newest = train_champion(world, "popularity", now=NOW + timedelta(days=1))
    fetch_from(STORE, world, newest.folder)
    return former, newest


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def in_use(world, clock):
    return ModelInUse(world.conninfo, world.models, clock)


@pytest.fixture
def fetches(store, clock, monkeypatch):
    """When a model was fetched, or asked for."""
    asked, get = [], type(store).get

    def counted(*arguments, **options):
        asked.append(clock.s)
        get(*arguments, **options)

    monkeypatch.setattr(type(store), "get", counted)
    return asked


@contextmanager
def away(store, clock):
    """A store that answers nothing, and when it was asked."""
    asked = []

    def fails(*_, **__):
        asked.append(clock.s)
        raise StoreFailureError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store), "get", fails)
        yield asked


def harm(path):
    path.write_bytes(b"")


def alter(path):
    path.write_bytes(path.read_bytes().replace(b"facts", b"fakts"))


@pytest.mark.parametrize("is_harmed", [False, True], ids=["no copy", "a harmed copy"])
def test_while_the_store_is_away_the_one_before_is_served(two, store, in_use, clock, is_harmed):
    former, newest = two
    if is_harmed:
        harm(newest.folder / HARMED)
    else:
        shutil.rmtree(newest.folder)
    with away(store, clock) as asked:
        assert in_use.newest().version == former.version
        assert in_use.refused == newest.version
        assert asked == [0.0]
    assert newest.folder.exists() == is_harmed
    clock.s = 5.0
    assert in_use.newest().version == newest.version
    assert in_use.refused is None


def test_a_copy_that_was_harmed_is_fetched_anew(world, two, clock, fetches):
    _, newest = two
    for count, (name, change) in enumerate(
        ((HARMED, harm), (HARMED, lambda path: path.unlink()), (MANIFEST, alter)), start=1
    ):
        whole = (newest.folder / name).read_bytes()
        change(newest.folder / name)
        in_use = ModelInUse(world.conninfo, world.models, clock)
        assert in_use.newest().version == newest.version
        assert fetches == [0.0] * count
        assert (newest.folder / name).read_bytes() == whole


def test_what_was_trained_here_is_never_replaced(two, in_use, clock, fetches):
    former, newest = two
    (newest.folder / ".fetched").unlink()
    harm(newest.folder / HARMED)
    for clock.s in (0.0, 5.0):
        assert in_use.newest().version == former.version
    assert fetches == []
    assert (newest.folder / HARMED).read_bytes() == b""


def test_what_is_not_for_this_code_is_not_fetched_anew(two, in_use, clock, fetches, monkeypatch):
    _, newest = two
    with monkeypatch.context() as older:
        older.setattr(artifact, "SCHEMA_VERSION", 0)
        for clock.s in (0.0, 5.0):
            assert in_use.newest() is None
            assert in_use.refused == newest.version
    assert fetches == []
    clock.s = 60.0
    assert in_use.newest().version == newest.version


def test_while_it_is_refused_it_alone_is_opened_and_ever_more_seldom(
    two, store, in_use, clock, fetches, monkeypatch
):
    former, newest = two
    harm(newest.folder / HARMED)
    store.pipe(f"{STORE}/{newest.version}/{HARMED}", b"")
    opened, load_model = [], serving.load_model

    def counted(folder, digest):
        opened.append((clock.s, folder.name))
        return load_model(folder, digest)

    monkeypatch.setattr(serving, "load_model", counted)
    for look in range(60):
        clock.s = 5.0 * look
        assert in_use.newest().version == former.version
    assert fetches == [0.0]
    at_first = [name for s, name in opened if s == 0.0]
    # The copy, what is fetched in its place, and the one before.
    assert at_first == [newest.version, "whole", former.version]
    assert [s for s, _ in opened if s > 0.0] == [5.0, 15.0, 35.0, 75.0, 135.0, 195.0, 255.0]
    assert {name for s, name in opened if s > 0.0} == {newest.version}
