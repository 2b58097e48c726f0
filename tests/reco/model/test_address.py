"""Addresses of artifacts: folders as they are, object stores fetched once."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsspec
import numpy as np
import pytest

from reco.errors import ArtifactDamaged, ArtifactNotFetched, ArtifactRefused, Unavailable
from reco.model.address import (
    artifact_exists,
    is_copy,
    local_folder,
    published,
    remove_artifact,
    remove_drafts,
    replace_copy,
)
from reco.model.artifact import ModelFacts, save_artifact


@pytest.fixture
def store():
    memory = fsspec.filesystem("memory")
    memory.pipe("/models/v1/manifest.json", b"{}")
    memory.pipe("/models/v1/items.npy", b"1")
    yield memory
    if memory.exists("/models"):
        memory.rm("/models", recursive=True)


def visible(folder):
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}


def test_a_local_folder_is_used_where_it_is(tmp_path):
    assert local_folder(str(tmp_path), tmp_path / "cache") == tmp_path
    assert not (tmp_path / "cache").exists()


def test_a_store_is_fetched_once(store, tmp_path):
    folder = local_folder("memory://models/v1", tmp_path)
    assert visible(folder) == {"items.npy": b"1", "manifest.json": b"{}"}
    store.pipe("/models/v1/items.npy", b"2")
    assert local_folder("memory://models/v1", tmp_path) == folder
    assert (folder / "items.npy").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("address", "kind", "told"),
    [
        ("memory://models/none", ArtifactDamaged, "its store has nothing there"),
        ("nowhere://x", ArtifactNotFetched, "cannot be fetched"),
    ],
)
def test_what_cannot_be_fetched_is_refused(address, kind, told, store, tmp_path):
    with pytest.raises(kind, match=told):
        local_folder(address, tmp_path)
    assert not list(tmp_path.iterdir())


def test_workers_that_fetch_at_the_same_time_get_the_same_whole_folder(store, tmp_path):
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: local_folder("memory://models/v1", tmp_path), range(16)))
    assert set(folders) == {tmp_path / "v1"}
    assert [path.name for path in tmp_path.iterdir()] == ["v1"]
    assert len(visible(tmp_path / "v1")) == 2


def test_what_a_killed_fetch_left_is_deleted_and_one_under_way_is_not(store, tmp_path, monkeypatch):
    begun = []

    def get(self, path, draft, **options):
        Path(draft).mkdir()
        begun.append(Path(draft).parent)
        later = datetime.now(UTC) + timedelta(minutes=59)
        remove_drafts(tmp_path, later)
        assert begun[0].exists()
        remove_drafts(tmp_path, later + timedelta(minutes=2))
        assert list(tmp_path.iterdir()) == []
        raise OSError("it was as good as killed")

    monkeypatch.setattr(type(store), "get", get)
    with pytest.raises(ArtifactRefused, match="as good as killed"):
        local_folder("memory://models/v1", tmp_path)
    assert len(begun) == 1


@pytest.fixture
def finished(tmp_path):
    folder = tmp_path / "models" / "v2"
    folder.mkdir(parents=True)
    for name in ("items.npy", "manifest.json", "users.npy"):
        (folder / name).write_bytes(name.encode())
    return folder


def test_an_artifact_is_served_from_its_folder_or_from_the_store(store, finished, tmp_path):
    assert published(finished, None) == str(finished)
    address = published(finished, "memory://models/")
    assert address == "memory://models/v2"
    fetched = local_folder(address, tmp_path / "elsewhere")
    assert visible(fetched) == visible(finished)
    assert is_copy(address, tmp_path / "elsewhere")
    assert not is_copy(address, finished.parent)


def test_the_manifest_comes_last_so_that_half_a_copy_is_none(store, finished, monkeypatch):
    copied = []
    put_file = type(store).put_file

    def cut_short(self, local, remote, **options):
        copied.append(remote.rsplit("/", 1)[1])
        if len(copied) == 3:
            raise OSError("the line is dead")
        put_file(self, local, remote, **options)

    monkeypatch.setattr(type(store), "put_file", cut_short)
    with pytest.raises(Unavailable, match="the line is dead"):
        published(finished, "memory://models")
    assert copied == ["items.npy", "users.npy", "manifest.json"]
    assert not store.exists("/models/v2/manifest.json")


def test_what_is_removed_is_gone_in_the_store_and_here_and_twice_does_no_harm(store, tmp_path):
    folder = local_folder("memory://models/v1", tmp_path)
    for _ in range(2):
        remove_artifact("memory://models/v1", tmp_path)
        assert not artifact_exists("memory://models/v1")
        assert not folder.exists()


class StoreFailureError(Exception):
    """As the packages of stores have their own."""


def test_whatever_a_store_raises_is_told_without_a_password(store, finished, tmp_path, monkeypatch):
    def away(*_, **__):
        raise StoreFailureError("ftp://mia:hunter2@files.example does not answer")

    for name in ("get", "put_file", "exists"):
        monkeypatch.setattr(type(store), name, away)
    for expected, asked in (
        (ArtifactRefused, lambda: local_folder("memory://models/v1", tmp_path)),
        (Unavailable, lambda: published(finished, "memory://models")),
        (Unavailable, lambda: remove_artifact("memory://models/v1", tmp_path)),
    ):
        with pytest.raises(expected, match=r"ftp://files\.example does not answer") as told:
            asked()
        assert "hunter2" not in str(told.value)
    assert artifact_exists("memory://models/v1")


def whole(folder):
    if visible(folder)["items.npy"] != b"1":
        raise ArtifactDamaged(str(folder), f"{folder}/items.npy is altered")


def test_a_copy_is_replaced_by_one_that_is_whole_and_by_no_other(store, tmp_path):
    cache = tmp_path / "cache"
    folder = local_folder("memory://models/v1", cache)
    (folder / "items.npy").write_bytes(b"harmed")
    store.pipe("/models/v1/items.npy", b"2")
    for _ in range(2):
        with pytest.raises(ArtifactDamaged) as told:
            replace_copy("memory://models/v1", cache, whole)
        assert told.value.reason == f"{folder}/items.npy is altered"
    assert visible(folder)["items.npy"] == b"harmed"
    # A store in memory gives all who read a file at once the same place in it.
    store.pipe("/models/v1/items.npy", b"1")
    store.get("/models/v1", f"{tmp_path}/v1", recursive=True)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: replace_copy(f"file://{tmp_path}/v1", cache, whole), range(8)))
    assert visible(folder)["items.npy"] == b"1"
    assert is_copy("memory://models/v1", cache)
    assert list(cache.iterdir()) == [folder]


def test_what_another_worker_has_replaced_meanwhile_is_left(store, tmp_path):
    folder = local_folder("memory://models/v1", tmp_path)
    (folder / "items.npy").write_bytes(b"harmed")

    def while_another_does(draft):
        replace_copy("memory://models/v1", tmp_path, whole)
        (folder / "of another").touch()
        whole(draft)

    replace_copy("memory://models/v1", tmp_path, while_another_does)
    assert (folder / "of another").exists()


def test_why_nothing_is_fetched_is_told_in_the_same_words_each_time(store, tmp_path, monkeypatch):
    def full(self, path, draft, **options):
        raise OSError(28, "No space left on device", f"{draft}/items.npy")

    monkeypatch.setattr(type(store), "get", full)
    told = re.escape(f"on device: '{tmp_path}/v1/items.npy'")
    for _ in range(2):
        with pytest.raises(ArtifactRefused, match=told):
            local_folder("memory://models/v1", tmp_path)


def path_of(file):
    return str(Path(f"/proc/self/fd/{file}").readlink())


def test_models_that_are_saved_and_fetched_are_on_disk_before_they_are_used(
    store, tmp_path, monkeypatch
):
    settled = []
    monkeypatch.setattr("os.fsync", lambda file: settled.append(path_of(file)))
    facts = ModelFacts(
        version="v3",
        kind="popularity",
        cutoff=None,
        created_at=datetime.now(UTC),
        parameters={},
        calibration={},
        metrics={},
    )
    save_artifact(tmp_path / "v3", facts, {"items": np.array([b"a"])})
    files = {"", "/items.npy", "/manifest.json"}
    assert set(settled) == {str(tmp_path), *(f"{tmp_path}/v3{name}" for name in files)}
    settled.clear()
    local_folder("memory://models/v1", tmp_path)
    assert {path.rpartition("/whole")[2] for path in settled if "/whole" in path} == files | {
        "/.fetched"
    }
