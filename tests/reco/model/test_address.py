"""Addresses of artifacts: folders as they are, object stores fetched once."""

import fsspec
import pytest

from reco.errors import ArtifactRefused
from reco.model.address import local_folder


@pytest.fixture
def store():
    memory = fsspec.filesystem("memory")
    memory.pipe("/models/v1/manifest.json", b"{}")
    memory.pipe("/models/v1/items.npy", b"1")
    yield memory
    memory.rm("/models", recursive=True)


def test_a_local_folder_is_used_where_it_is(tmp_path):
    assert local_folder(str(tmp_path), tmp_path / "cache") == tmp_path
    assert not (tmp_path / "cache").exists()


def test_a_store_is_fetched_once(store, tmp_path):
    folder = local_folder("memory://models/v1", tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["items.npy", "manifest.json"]
    store.pipe("/models/v1/items.npy", b"2")
    assert local_folder("memory://models/v1", tmp_path) == folder
    assert (folder / "items.npy").read_bytes() == b"1"


@pytest.mark.parametrize("address", ["memory://models/none", "nowhere://x"])
def test_what_cannot_be_fetched_is_refused(address, store, tmp_path):
    with pytest.raises(ArtifactRefused, match="cannot be fetched"):
        local_folder(address, tmp_path)
    assert not list(tmp_path.iterdir())
