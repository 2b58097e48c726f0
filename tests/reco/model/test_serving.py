"""Which model is served while the champion cannot be, and how it comes back."""

import shutil
from datetime import timedelta

import fsspec
import pytest
from champions import train_champion
from worlds import NOW, book, small_world

from reco.model import serving
from reco.model.address import published
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
    connection.execute(
        "update reco.model_version set address = %s where version = %s",
        (published(newest.folder, STORE), newest.version),
    )
    return former, newest


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def in_use(world, clock):
    return ModelInUse(world.conninfo, world.models, clock)


def test_while_the_store_is_away_the_one_before_is_served(two, store, in_use, clock, monkeypatch):
    former, newest = two
    shutil.rmtree(newest.folder)

    def away(*_, **__):
        raise StoreFailureError

    with monkeypatch.context() as patch:
        patch.setattr(type(store), "get", away)
        assert in_use.newest().version == former.version
        assert in_use.refused == newest.version
    clock.s = 5.0
    assert in_use.newest().version == newest.version
    assert in_use.refused is None


def test_a_copy_that_was_harmed_is_fetched_anew(two, in_use):
    _, newest = two
    (newest.folder / HARMED).write_bytes(b"")
    assert in_use.newest().version == newest.version
    assert (newest.folder / HARMED).read_bytes()


def test_while_it_is_refused_it_alone_is_opened_and_ever_more_seldom(
    two, store, in_use, clock, monkeypatch
):
    former, newest = two
    for files in (fsspec.filesystem("file"), store):
        where = newest.folder if files is not store else f"{STORE}/{newest.version}"
        files.pipe(f"{where}/{HARMED}", b"")
    opened, fetched = [], []
    load_model, get = serving.load_model, type(store).get

    def counted_load(folder, digest):
        opened.append((clock.s, folder.name))
        return load_model(folder, digest)

    def counted_get(*arguments, **options):
        fetched.append(clock.s)
        get(*arguments, **options)

    monkeypatch.setattr(serving, "load_model", counted_load)
    monkeypatch.setattr(type(store), "get", counted_get)
    for look in range(60):
        clock.s = 5.0 * look
        assert in_use.newest().version == former.version
    assert fetched == [0.0]
    at_first = [name for s, name in opened if s == 0.0]
    assert sorted(set(at_first)) == sorted([former.version, newest.version])
    assert [s for s, _ in opened if s > 0.0] == [5.0, 15.0, 35.0, 75.0, 135.0, 195.0, 255.0]
    assert {name for s, name in opened if s > 0.0} == {newest.version}
