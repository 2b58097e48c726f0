"""Where an artifact lies: a local folder, or one of an object store that is fetched once."""

import errno
import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from reco.array_folder import MANIFEST, drafts, settle
from reco.errors import (
    ArtifactDamaged,
    ArtifactNotFetched,
    ArtifactRefused,
    RecoError,
    Unavailable,
)

log = logging.getLogger(__name__)

_FETCHED = ".fetched.draft"
_COPY = ".fetched"
"""A file of each folder that was fetched: without it, it was trained here, and is the original."""
_LONGEST_FETCH = timedelta(hours=1)
_SECRET = re.compile(r"(?<=://)[^/\s]*@")
"""Of a URL: the name and the password before the host."""
_DRAFT = re.compile(rf"\.([^/\s]+)\.\w+{re.escape(_FETCHED)}(/whole)?")
"""Of a path: the folder of a fetch, whose name is by chance; group 1 is what it fetches."""


def without_password(address: str) -> str:
    """Return an address, or a text that names some, as it may be read by others: no password.

    >>> without_password("ftp://mia:hunter2@files.example/models/v1 does not answer")
    'ftp://files.example/models/v1 does not answer'
    """
    return _SECRET.sub("", address)


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
    ArtifactDamaged
        Its store has nothing there.
    ArtifactNotFetched
        Its store does not answer.
    """
    try:
        with _store_of(address) as (store, path):
            if isinstance(store, LocalFileSystem):
                return Path(path)
            folder = cache / Path(path).name
            if not folder.exists():
                with _draft_of(folder) as draft:
                    _move(_fetched(address, store, path, draft), folder)
            return folder
    except Unavailable as error:
        raise _not_fetched(address, error) from error


def is_copy(address: str, cache: Path) -> bool:
    """Say whether what this machine has of `address` was fetched; else it was trained here."""
    return (cache / Path(address).name / _COPY).exists()


def replace_copy(address: str, cache: Path, check: Callable[[Path], object]) -> None:
    """Fetch the artifact at `address` once more, in the place of the copy that is here.

    Parameters
    ----------
    check
        Raises `ArtifactRefused` unless the folder that it is given is whole; the copy stays then.

    Raises
    ------
    ArtifactRefused
        It cannot be fetched (`ArtifactNotFetched`), or `check` refuses it.
    """
    folder = cache / Path(address).name
    try:
        with _store_of(address) as (store, path), _draft_of(folder) as draft:
            before = _inode(folder)
            whole = _fetched(address, store, path, draft)
            try:
                check(whole)
            except ArtifactRefused as error:
                where, reason = without_password(address), _without_drafts(error.reason)
                raise type(error)(where, reason) from error
            # Where another worker was quicker, all map what it put there.
            if _inode(folder) == before:
                with suppress(FileNotFoundError):
                    folder.rename(draft / "replaced")
            _move(whole, folder)
    except Unavailable as error:
        raise _not_fetched(address, error) from error


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
    files = sorted(folder.iterdir(), key=lambda file: (file.name == MANIFEST, file.name))
    try:
        with _store_of(address) as (store, path):
            store.makedirs(path, exist_ok=True)
            for file in files:
                store.put_file(str(file), f"{path}/{file.name}")
    except Unavailable as error:
        where = without_password(store_url)
        raise Unavailable(f"The model store {where} does not take it: {error}") from error
    return address


def artifact_exists(address: str) -> bool:
    """Say whether there is a folder at `address`; if its store does not answer, there may be."""
    try:
        with _store_of(address) as (store, path):
            return bool(store.exists(path))
    except Unavailable:
        return True


def names_in(store_url: str) -> list[str]:
    """Return the names of the artifacts in a store.

    Raises
    ------
    Unavailable
        It does not answer.
    """
    with _store_of(store_url) as (store, path):
        found = store.ls(path, detail=False) if store.exists(path) else []
        return sorted(Path(one).name for one in found)


def is_left(address: str, cache: Path) -> bool:
    """Say whether there is, or may be, a folder at `address`, or a copy of it on this machine."""
    return bool(_copies([address], cache)) or artifact_exists(address)


def remove_artifact(address: str, cache: Path) -> None:
    """Delete the folder at `address`, and what was fetched of it; twice does no harm.

    Raises
    ------
    Unavailable
        Its store does not answer, or does not delete it.
    """
    # The store first: of what was never registered, the copy here is all that tells of it.
    with _store_of(address) as (store, path):
        if store.exists(path):
            store.rm(path, recursive=True)
    remove_copies([address], cache)


def remove_artifacts(addresses: Iterable[str], cache: Path) -> dict[str, str]:
    """Delete what lies at each of `addresses`; return those that could not be, and why in words.

    A store that is gone keeps nothing from the others.
    """
    failed = {}
    for address in addresses:
        try:
            remove_artifact(address, cache)
        except (OSError, Unavailable) as error:
            failed[address] = f"{without_password(address)} cannot be deleted: {error}"
    return failed


def require_removed(failed: Sequence[str]) -> None:
    """Raise `Unavailable` where something could not be deleted."""
    if failed:
        raise Unavailable("; ".join(failed) + "; all else is done. Run this again.")


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
    for draft in drafts(cache):
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
        except (OSError, Unavailable) as error:
            log.warning(
                "%s is of no model version, may hold people, and is not deleted (%s): "
                "delete it by hand.",
                without_password(address),
                error,
            )
        raise


@contextmanager
def _store_of(address: str) -> Iterator[tuple[Any, str]]:
    """Lend the store of `address`, and the path in it.

    Raises
    ------
    Unavailable
        Whatever else was raised meanwhile: each kind of store has exceptions of its own.
    """
    try:
        yield url_to_fs(address)
    except RecoError:
        raise
    except Exception as error:
        told = _without_drafts(without_password(f"{type(error).__name__}: {error}"))
        raise Unavailable(told) from error


@contextmanager
def _draft_of(folder: Path) -> Iterator[Path]:
    """Lend a folder of its own beside `folder`: several workers fetch a model at the same time."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{folder.name}.", suffix=_FETCHED, dir=folder.parent
    ) as draft:
        yield Path(draft)


def _fetched(address: str, store: Any, path: str, draft: Path) -> Path:
    """Fetch the folder at `address` into `draft`, and return it: on disk, marked as a copy."""
    if not store.exists(path):
        raise ArtifactDamaged(without_password(address), "its store has nothing there")
    whole = draft / "whole"
    store.get(path, str(whole), recursive=True)
    (whole / _COPY).touch()
    settle(whole)
    return whole


def _not_fetched(address: str, error: Unavailable) -> ArtifactNotFetched:
    return ArtifactNotFetched(without_password(address), f"it cannot be fetched ({error})")


def _without_drafts(text: str) -> str:
    """Return a text that names one folder in the same words at each try."""
    return _DRAFT.sub(r"\1", text)


def _inode(folder: Path) -> int | None:
    try:
        return folder.stat().st_ino
    except FileNotFoundError:
        return None


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
    except OSError as error:
        # Another worker was quicker; what is published under a name never changes.
        if folder.exists():
            return
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
        # There was one, and just then a third worker has taken it away.
        _move(draft, folder)
