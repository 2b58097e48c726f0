"""Where an artifact lies: a local folder, or one of an object store that is fetched once."""

import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from reco.array_folder import MANIFEST
from reco.errors import ArtifactRefused, Unavailable

log = logging.getLogger(__name__)

_FETCHED = ".fetched.draft"
_LONGEST_FETCH = timedelta(hours=1)


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
            with tempfile.TemporaryDirectory(
                prefix=f".{folder.name}.", suffix=_FETCHED, dir=cache
            ) as draft:
                store.get(path, f"{draft}/whole", recursive=True)
                _move(Path(draft) / "whole", folder)
    except (OSError, ValueError, ImportError) as error:
        raise ArtifactRefused(address, f"it cannot be fetched ({error})") from error
    return folder


def address_of(folder: Path, store_url: str | None) -> str:
    """Return where the artifact of a local folder is served from: the store, if there is one."""
    return str(folder) if store_url is None else f"{store_url.rstrip('/')}/{folder.name}"


def published(folder: Path, store_url: str | None) -> str:
    """Return `address_of` a finished artifact, after copying it to the store if there is one.

    The manifest is copied last: a copy that was cut short has none, and is refused.

    Raises
    ------
    Unavailable
        The store does not take it.
    """
    address = address_of(folder, store_url)
    if store_url is None:
        return address
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


def is_left(address: str, cache: Path) -> bool:
    """Say whether there is, or may be, a folder at `address`, or a copy of it on this machine."""
    return bool(_copies([address], cache)) or artifact_exists(address)


def remove_artifact(address: str, cache: Path) -> None:
    """Delete the folder at `address`, and what was fetched of it; twice does no harm."""
    remove_copies([address], cache)
    store, path = url_to_fs(address)
    if store.exists(path):
        store.rm(path, recursive=True)


def remove_copies(addresses: Iterable[str], cache: Path) -> None:
    """Delete what this machine has of the artifacts at `addresses`; what is being fetched, too.

    Each machine that served or read a model has a copy of its own: whoever deletes what lies in
    the store reaches none but that of the machine it runs on.
    """
    for folder in _copies(addresses, cache):
        # Several workers of a machine delete the same copy at the same time.
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)


def remove_drafts(cache: Path, now: datetime) -> None:
    """Delete what a training or a fetch that was killed has left; nobody may be saving meanwhile.

    Others may be fetching: a fetch that began within the last hour stays.
    """
    for draft in cache.glob(".*.draft"):
        if not (draft.name.endswith(_FETCHED) and _is_young(draft, now)):
            shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def removed_unless_kept(folder: Path, address: str) -> Iterator[None]:
    """Take an artifact away again that could not be registered: nobody would know whom it holds.

    Parameters
    ----------
    folder
        Where it was saved.
    address
        Where it, or a part of it, may have been copied to. What the store does not delete is told.
    """
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        try:
            remove_artifact(address, folder.parent)
        except (OSError, ValueError, ImportError) as error:
            log.warning(
                "%s is of no model version, may hold people, and is not deleted (%s): "
                "delete it by hand.",
                address,
                error,
            )
        raise


def _copies(addresses: Iterable[str], cache: Path) -> list[Path]:
    names = {Path(address).name for address in addresses}
    if not names or not cache.is_dir():
        return []
    return [folder for folder in cache.iterdir() if _version_of(folder.name) in names]


def _version_of(name: str) -> str:
    """Return whose folder has that name: the version's own, or a draft of a fetch of it."""
    if not name.endswith(_FETCHED):
        return name
    return name.removeprefix(".").removesuffix(_FETCHED).rpartition(".")[0]


def _is_young(draft: Path, now: datetime) -> bool:
    try:
        began = datetime.fromtimestamp(draft.stat().st_mtime, UTC)
    except FileNotFoundError:
        return False
    return now - began < _LONGEST_FETCH


def _move(draft: Path, folder: Path) -> None:
    try:
        draft.rename(folder)
    except OSError:
        # Another worker was quicker; what is published under a name never changes.
        if not folder.exists():
            raise
