"""The model folders of a world, and whom they hold."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from features.interactions import encoded_ids, vocabulary_rows
from reco.errors import ArtifactRefused
from reco.model.address import address_of, is_left, local_folder, names_in
from reco.model.loaded import LoadedModel, load_model
from reco.model.registry import versions
from reco.world import World

UNREGISTERED = "unregistered"
"""State of a folder beside the registered ones: a publication that failed, or its draft."""


@dataclass(frozen=True)
class StoredModel:
    """A model folder that is there."""

    version: str
    state: str
    """candidate, champion, retired, pruned or unregistered."""
    address: str
    """Where it is served from; of one that is not registered, where it was to be copied to."""
    model: LoadedModel | None
    """None: it cannot be read, so that nobody knows whom it holds."""
    refused: str | None
    """Why it cannot be read."""

    def knows(self, user_id: str) -> bool:
        """Say whether its vocabulary has that id."""
        if self.model is None:
            return False
        return bool(vocabulary_rows(self.model.users, encoded_ids([user_id]))[0] >= 0)


def stored_models(world: World, store_url: str | None = None) -> Iterator[StoredModel]:
    """Yield every model of a world that its store or this machine has, the newest version first.

    Folders that are not registered come last.

    Parameters
    ----------
    store_url
        Where models are copied to: a training that was killed may have left a copy of a folder that
        is not registered.
    """
    known = set()
    for row in versions(world.conninfo):
        known.add(Path(row.address).name)
        if is_left(row.address, world.models):
            yield _stored(row.version, row.state, row.address, world.models)
    for folder in sorted(world.models.iterdir()) if world.models.is_dir() else ():
        if folder.is_dir() and folder.name not in known:
            here = _stored(folder.name, UNREGISTERED, str(folder), world.models)
            yield replace(here, address=address_of(folder, store_url))


def unknown_copies(world: World, store_url: str) -> list[str]:
    """Return the addresses in a store that no version of this world has, nor a folder here.

    They are of a training that was killed on another machine, of one that is publishing right now,
    or of another world with the same store.

    Raises
    ------
    Unavailable
        The store does not answer.
    """
    names = names_in(store_url)
    known = {Path(row.address).name for row in versions(world.conninfo)}
    folders = [world.models / name for name in names if name not in known]
    return [address_of(folder, store_url) for folder in folders if not folder.exists()]


def _stored(version: str, state: str, address: str, cache: Path) -> StoredModel:
    try:
        model = load_model(local_folder(address, cache))
    except ArtifactRefused as error:
        return StoredModel(version, state, address, None, str(error))
    return StoredModel(version, state, address, model, None)
