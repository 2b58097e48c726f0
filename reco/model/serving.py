"""Which model to serve: the champion, or while it is refused the newest before it that is whole."""

from pathlib import Path

from reco.errors import ArtifactRefused
from reco.model.address import local_folder
from reco.model.loaded import LoadedModel, load_model
from reco.model.registry import ModelVersion, line_of_champions


def usable_model(conninfo: str, cache: Path) -> tuple[LoadedModel | None, str | None]:
    """Return the model to serve, and why the champion is not it.

    Parameters
    ----------
    cache
        Where artifacts of an object store are kept.

    Returns
    -------
    The champion and None; or the nearest champion before it, or None where none is whole, and the
    reason. Without a champion, None and None.
    """
    reason = None
    for version in line_of_champions(conninfo):
        try:
            return opened(version, cache), reason
        except ArtifactRefused as error:
            reason = reason or str(error)
    return None, reason


def opened(version: ModelVersion, cache: Path) -> LoadedModel:
    """Return a version, verified, or raise `ArtifactRefused`."""
    return load_model(local_folder(version.address, cache), version.digest)
