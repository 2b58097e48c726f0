"""Which schema a database has and which this code needs, told without loading what migrates."""

from pathlib import Path
from typing import Any

import psycopg

from reco.errors import SetupError

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


def head_revision() -> str:
    """Return the newest revision: the number that its file's name begins with."""
    return max(_revisions())


def read_revision(connection: psycopg.Connection[Any]) -> str | None:
    """Return the revision of the database's schema, None where it has none."""
    found = connection.execute("select to_regclass('reco.alembic_version')").fetchone()
    if found is None or found[0] is None:
        return None
    row = connection.execute("select version_num from reco.alembic_version").fetchone()
    return str(row[0]) if row else None


def check_revision(revision: str | None, world: str) -> None:
    """Raise `SetupError`, which says what to do, unless a world's schema is this code's.

    Parameters
    ----------
    revision
        Of its schema; None: it has none.
    """
    if revision is None:
        raise SetupError(
            f"There is no world {world!r} yet: run `reco demo`, or `reco import ... --world "
            f"{world}`."
        )
    refuse_newer(revision, world)
    if revision != head_revision():
        raise SetupError(
            f"The world {world!r} has schema {revision}, this code needs {head_revision()}: "
            f"run `reco db migrate --world {world}`."
        )


def refuse_newer(revision: str | None, world: str) -> None:
    """Raise `SetupError` where newer code has migrated a world's schema."""
    if revision is not None and revision not in _revisions():
        raise SetupError(
            f"The world {world!r} has schema {revision}, which is newer than this code "
            f"({head_revision()}): upgrade this code."
        )


def _revisions() -> set[str]:
    return {path.name.split("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py")}
