"""Where an artifact lies: a local folder, or one of an object store that is fetched once."""

import shutil
import tempfile
from pathlib import Path

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from reco.array_folder import MANIFEST
from reco.errors import ArtifactRefused, Unavailable


def local_folder(address: str, cache: Path) -> Path:
    """Return the folder of the artifact at `address`, on this machine.

    Parameters
    ----------
    address
        A path, or a URL that fsspec understands (`s3://...`, with its package installed).
    cache
        Where folders of an object store are kept: a version never changes, so one fetch does.

    Raises
    ------
    ArtifactRefused
        The address cannot be read.
    """
    try:
        store, path = url_to_fs(address)
        if isinstance(store, LocalFileSystem):
            return Path(path)
        folder = cache / Path(path).name
        if not folder.exists():
            cache.mkdir(parents=True, exist_ok=True)
            # Of its own: several workers of a machine fetch the same model at the same time.
            with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=cache) as draft:
                store.get(path, f"{draft}/whole", recursive=True)
                _move(Path(draft) / "whole", folder)
    except (OSError, ValueError, ImportError) as error:
        raise ArtifactRefused(address, f"it cannot be fetched ({error})") from error
    return folder


def published(folder: Path, store_url: str | None) -> str:
    """Return the address of a finished artifact, after copying it to the store if there is one.

    The manifest is copied last: a copy that was cut short has none, and is refused.

    Raises
    ------
    Unavailable
        The store does not take it.
    """
    if store_url is None:
        return str(folder)
    address = f"{store_url.rstrip('/')}/{folder.name}"
    try:
        store, path = url_to_fs(address)
        store.makedirs(path, exist_ok=True)
        for file in sorted(folder.iterdir(), key=lambda file: (file.name == MANIFEST, file.name)):
            store.put_file(str(file), f"{path}/{file.name}")
    except (OSError, ValueError, ImportError) as error:
        raise Unavailable(f"The model store {store_url} does not take it: {error}") from error
    return address


def artifact_exists(address: str) -> bool:
    """Say whether there is a folder at `address`; if its store does not answer, there may be."""
    try:
        store, path = url_to_fs(address)
        return bool(store.exists(path))
    except (OSError, ValueError, ImportError):
        return True


def remove_artifact(address: str, cache: Path) -> None:
    """Delete the folder at `address`, and what was fetched of it; twice does no harm."""
    store, path = url_to_fs(address)
    if store.exists(path):
        store.rm(path, recursive=True)
    shutil.rmtree(cache / Path(path).name, ignore_errors=True)


def _move(draft: Path, folder: Path) -> None:
    try:
        draft.rename(folder)
    except OSError:
        # Another worker was quicker; what is published under a name never changes.
        if not folder.exists():
            raise
