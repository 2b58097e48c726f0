"""A world: one database and its artifacts, so that a demo and a country never mix."""

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from reco.errors import InvalidInput
from reco.settings import Settings

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class World:
    """Where everything of one world is kept.

    `conninfo` is what libpq takes (a URL, or `host=... dbname=...`), `folder` holds models,
    catalogue and frames.
    """

    name: str
    folder: Path
    conninfo: str
    read_conninfo: str | None = None
    """Of a streaming replica; None: there is none."""

    @property
    def models(self) -> Path:
        """Folder of the model artifacts."""
        return self.folder / "models"

    @property
    def catalogue(self) -> Path:
        """Folder of the catalogue snapshots."""
        return self.folder / "catalogue"

    @property
    def evaluations(self) -> Path:
        """Folder of the evaluations."""
        return self.folder / "evaluations"

    @property
    def frames(self) -> Path:
        """Folder of the world's simulated frames."""
        return self.folder / "frames"


def checked_world_name(name: str) -> str:
    """Return `name` if it may name a world, else raise `InvalidInput`."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "world", f"{name!r} is no name: a letter, then letters, digits or _, 40 at most"
        )
    return name


def open_world(settings: Settings, private_conninfo: str) -> World:
    """Return the world that `settings` name.

    Parameters
    ----------
    private_conninfo
        URL of this world's database in the private cluster, used where no `database_url` is set.

    Raises
    ------
    InvalidInput
        The name is none, or what is set is no URL of a database.
    """
    name = checked_world_name(settings.world)
    url, read_url = settings.database_url, settings.database_read_url
    conninfo = _checked("RECO_DATABASE_URL", url, name) if url else private_conninfo
    read_conninfo = _checked("RECO_DATABASE_READ_URL", read_url, name) if read_url else None
    return World(name, settings.home / "worlds" / name, conninfo, read_conninfo)


def _checked(variable: str, url: str, name: str) -> str:
    """Return the URL of a world's database; what cannot be read of it is not told, for secrecy."""
    conninfo = url.replace("{world}", name)
    try:
        conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        raise InvalidInput(
            variable,
            "it is no URL as PostgreSQL takes it: postgresql://user:password@host:5432/database,"
            " with % and what else is special written as %25 and so on",
        ) from None
    return conninfo
