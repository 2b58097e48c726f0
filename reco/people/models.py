"""The model folders of a world, and whom they hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from features.interactions import encoded_ids, vocabulary_rows
from reco.errors import ArtifactRefused
from reco.model.address import is_left, local_folder
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
    model: LoadedModel | None
    """None: it cannot be read, so that nobody knows whom it holds."""
    refused: str | None
    """Why it cannot be read."""

    def knows(self, user_id: str) -> bool:
        """Say whether its vocabulary has that id."""
        if self.model is None:
            return False
        return bool(vocabulary_rows(self.model.users, encoded_ids([user_id]))[0] >= 0)


def stored_models(world: World) -> Iterator[StoredModel]:
    """Yield every model of a world that its store or this machine has, the newest version first.

    Folders that are not registered come last.
    """
    known = set()
    for row in versions(world.conninfo):
        known.add(Path(row.address).name)
        if is_left(row.address, world.models):
            yield _stored(row.version, row.state, row.address, world.models)
    for folder in sorted(world.models.iterdir()) if world.models.is_dir() else ():
        if folder.is_dir() and folder.name not in known:
            yield _stored(folder.name, UNREGISTERED, str(folder), world.models)


def _stored(version: str, state: str, address: str, cache: Path) -> StoredModel:
    try:
        model = load_model(local_folder(address, cache))
    except ArtifactRefused as error:
        return StoredModel(version, state, address, None, str(error))
    return StoredModel(version, state, address, model, None)
