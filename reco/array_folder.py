"""Arrays on disk: a folder of `.npy` files and a manifest, verified before anything is used.

Model artifacts and catalogue snapshots are such folders. The arrays are memory-mapped, so that
processes share their pages; nothing is ever unpickled.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from reco.errors import ArtifactDamaged, ArtifactRefused

MANIFEST = "manifest.json"

Layout = Mapping[str, tuple[str, tuple[str, ...]]]
"""Array name to its dtype (`S` is bytes of any width) and the names of its dimensions."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PIECE_BYTES = 1 << 20


class Frozen(BaseModel):
    """A record of a manifest: no field more, none less."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Facts = TypeVar("Facts", bound=Frozen)


class _ArraySpec(Frozen):
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    sha256: str


class _Manifest(Frozen, Generic[Facts]):
    schema_version: int
    facts: Facts
    arrays: dict[str, _ArraySpec]


@dataclass(frozen=True)
class ArrayFolder(Generic[Facts]):
    """A verified folder; the arrays are memory-mapped and read-only."""

    folder: Path
    digest: str
    """SHA-256 of the manifest, which holds that of every array."""
    facts: Facts
    arrays: Mapping[str, NDArray[Any]]


def write_arrays(
    folder: Path, facts: Frozen, arrays: Mapping[str, NDArray[Any]], *, schema_version: int
) -> str:
    """Write `arrays` and what is known of them to `folder`, and return its digest.

    The folder appears when all of it is written, or not at all; `settle` makes it outlast a power
    cut.

    Raises
    ------
    FileExistsError
        The folder exists: what was published under a name is never changed.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists; a version is written once.")
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        specs = {name: _saved(draft, name, array) for name, array in arrays.items()}
        manifest = {
            "schema_version": schema_version,
            "facts": facts.model_dump(mode="json"),
            "arrays": {name: spec.model_dump(mode="json") for name, spec in specs.items()},
        }
        text = json.dumps(manifest, indent=1).encode()
        (draft / MANIFEST).write_bytes(text)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return hashlib.sha256(text).hexdigest()


def settle(folder: Path) -> None:
    """Wait until the disk has a folder: a power cut leaves none of its files short or empty."""
    for path in (*folder.iterdir(), folder, folder.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def drafts(parent: Path) -> list[Path]:
    """Return what writes below `parent` are making, or have left where they were killed."""
    return sorted(parent.glob(".*.draft"))


def read_arrays(
    folder: Path, kind: type[Facts], *, schema_version: int, digest: str | None = None
) -> ArrayFolder[Facts]:
    """Return what is in `folder`.

    Parameters
    ----------
    kind
        The record that the manifest's facts must fit.
    schema_version
        The newest that the caller understands.
    digest
        That of the folder, where it is known: a manifest that is another is not read.

    Raises
    ------
    ArtifactDamaged
        A file is missing, truncated or altered.
    ArtifactRefused
        It cannot be read now, an array is not of the stated dtype or shape, or the folder is of a
        newer schema.
    """
    text = _read_manifest(folder)
    found = hashlib.sha256(text).hexdigest()
    if digest not in {None, found}:
        raise ArtifactDamaged(str(folder), "its manifest is not the one that was registered")
    manifest = _parsed(folder, text, kind, schema_version)
    try:
        arrays = {name: _verified(folder, name, spec) for name, spec in manifest.arrays.items()}
    except OSError as error:
        raise ArtifactRefused(str(folder), f"it cannot be read ({error})") from error
    return ArrayFolder(folder, found, manifest.facts, arrays)


def check_layout(folder: Path, arrays: Mapping[str, NDArray[Any]], layout: Layout) -> None:
    """Raise `ArtifactRefused` unless `arrays` are those of `layout`, with agreeing dimensions."""
    sizes: dict[str, int] = {}
    for name, (dtype, dimensions) in layout.items():
        if name not in arrays:
            raise ArtifactRefused(str(folder), f"the array {name} is missing")
        array = arrays[name]
        fits = array.dtype.kind == "S" if dtype == "S" else array.dtype == np.dtype(dtype)
        if not fits or array.ndim != len(dimensions):
            raise ArtifactRefused(
                str(folder),
                f"the array {name} is {array.dtype}{list(array.shape)}, "
                f"not {dtype}[{', '.join(dimensions)}]",
            )
        for dimension, size in zip(dimensions, array.shape, strict=True):
            if sizes.setdefault(dimension, size) != size:
                raise ArtifactRefused(
                    str(folder),
                    f"the array {name} has {size} {dimension}, another has {sizes[dimension]}",
                )


def _saved(folder: Path, name: str, array: NDArray[Any]) -> _ArraySpec:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name an array.")
    path = folder / f"{name}.npy"
    np.save(path, np.ascontiguousarray(array), allow_pickle=False)
    return _ArraySpec(
        dtype=array.dtype.str,
        shape=array.shape,
        bytes=path.stat().st_size,
        sha256=_sha256(path),
    )


def _read_manifest(folder: Path) -> bytes:
    try:
        return (folder / MANIFEST).read_bytes()
    except FileNotFoundError as error:
        raise ArtifactDamaged(str(folder), f"{MANIFEST} is missing") from error
    except OSError as error:
        raise ArtifactRefused(
            str(folder), f"{MANIFEST} cannot be read ({error.strerror})"
        ) from error


def _parsed(folder: Path, text: bytes, kind: type[Facts], newest: int) -> _Manifest[Facts]:
    try:
        content = json.loads(text)
        schema_version = int(content["schema_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactRefused(str(folder), f"{MANIFEST} is truncated or no manifest") from error
    if schema_version > newest:
        raise ArtifactRefused(
            str(folder), f"it has schema version {schema_version}, this code reads up to {newest}"
        )
    try:
        return _Manifest[kind].model_validate_json(text)  # type: ignore[valid-type]
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ArtifactRefused(str(folder), f"{MANIFEST}, {field}: {first['msg']}") from error


def _verified(folder: Path, name: str, spec: _ArraySpec) -> NDArray[Any]:
    def damaged(reason: str) -> ArtifactDamaged:
        return ArtifactDamaged(str(folder), f"{name}.npy {reason}")

    if not _NAME.fullmatch(name):
        raise ArtifactRefused(str(folder), f"{name!r} cannot name an array")
    path = folder / f"{name}.npy"
    if not path.is_file():
        raise damaged("is missing")
    if (size := path.stat().st_size) != spec.bytes:
        raise damaged(f"has {size} bytes, not {spec.bytes}: truncated or altered")
    if _sha256(path) != spec.sha256:
        raise damaged("is altered: its SHA-256 is not the manifest's")
    try:
        array: NDArray[Any] = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except ValueError as error:
        raise ArtifactRefused(str(folder), f"{name}.npy is no array") from error
    if array.dtype.str != spec.dtype or array.shape != spec.shape:
        raise ArtifactRefused(
            str(folder),
            f"{name}.npy is {array.dtype.str}{list(array.shape)}, "
            f"not {spec.dtype}{list(spec.shape)}",
        )
    return array


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()
