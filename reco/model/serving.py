"""Which model to serve: the champion, or while it is refused the newest before it that is whole."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from reco.errors import ArtifactDamaged, ArtifactRefused
from reco.model.address import is_copy, local_folder, replace_copy
from reco.model.loaded import LoadedModel, load_model
from reco.model.registry import Champion, ModelVersion, champion, line_of_champions

log = logging.getLogger(__name__)

_SOONEST_S = 5.0
_LATEST_S = 60.0


class ModelInUse:
    """The model that a worker serves, and how it comes to the next.

    Parameters
    ----------
    cache
        Where artifacts of an object store are kept.
    clock_s
        Returns seconds that only grow.
    """

    def __init__(self, conninfo: str, cache: Path, clock_s: Callable[[], float]) -> None:
        self._conninfo = conninfo
        self._cache = cache
        self._clock_s = clock_s
        self._model: LoadedModel | None = None
        self._champion: Champion | None = None
        self._refused: str | None = None
        self._is_damaged = False
        self._pause_s = 0.0
        self._not_before_s = 0.0

    @property
    def refused(self) -> str | None:
        """The version of the champion, where it is refused and another model is served."""
        return self._champion.version if self._champion and self._refused else None

    def newest(self) -> LoadedModel | None:
        """Return the champion; while it is refused, the model in use, or the last one before it.

        What was refused is opened again later: it may have been mended, or its store be back.
        """
        newest = champion(self._conninfo)
        if newest is None or (newest == self._champion and not self._is_to_be_opened_again()):
            return self._model
        is_new = newest != self._champion
        # What its store has no better either is not fetched at each try.
        open_it = opened if self._is_damaged and not is_new else opened_anew
        try:
            self._model = open_it(newest, self._cache)
            self._refused, self._is_damaged = None, False
        except ArtifactRefused as error:
            self._is_damaged = isinstance(error, ArtifactDamaged)
            self._refuse(newest, str(error), is_new=is_new)
        self._champion = newest
        return self._model

    def _is_to_be_opened_again(self) -> bool:
        return self._refused is not None and self._clock_s() >= self._not_before_s

    def _refuse(self, refused: Champion, reason: str, *, is_new: bool) -> None:
        if reason != self._refused:
            log.error("The new champion is refused, the one before it stays: %s", reason)
        self._refused = reason
        # Opening reads all of a model.
        self._pause_s = _SOONEST_S if is_new else min(2 * self._pause_s, _LATEST_S)
        self._not_before_s = self._clock_s() + self._pause_s
        if self._model is None:
            line = line_of_champions(self._conninfo)
            before = (version for version in line if version.version != refused.version)
            self._model, _ = _first_usable(before, self._cache)


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
    return _first_usable(line_of_champions(conninfo), cache)


def _first_usable(
    line: Iterable[ModelVersion], cache: Path
) -> tuple[LoadedModel | None, str | None]:
    reason = None
    for version in line:
        try:
            return opened(version, cache), reason
        except ArtifactRefused as error:
            reason = reason or str(error)
    return None, reason


def opened(version: ModelVersion | Champion, cache: Path) -> LoadedModel:
    """Return a version, verified, or raise `ArtifactRefused`."""
    return load_model(local_folder(version.address, cache), version.digest)


def opened_anew(version: ModelVersion | Champion, cache: Path) -> LoadedModel:
    """Return a version, verified; a copy that was fetched and is damaged is fetched once more.

    Raises
    ------
    ArtifactDamaged
        It is damaged, and was trained here, or what its store has is no better.
    ArtifactRefused
        It is not for this code, or its store does not answer.
    """
    try:
        return opened(version, cache)
    except ArtifactDamaged as damage:
        if not is_copy(version.address, cache):
            raise
        log.warning("It is fetched anew: %s", damage)
        try:
            replace_copy(version.address, cache, lambda folder: load_model(folder, version.digest))
        except ArtifactDamaged as error:
            log.warning("What is fetched is no better: %s", error)
            raise damage from error
        return opened(version, cache)
