"""The key that signs user tokens and cursors: set by the operator, or made once and kept."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from reco.errors import InvalidInput
from reco.settings import Settings

_MIN_CHARACTERS = 32


def signing_secret(settings: Settings) -> str:
    """Return `RECO_SECRET`, or else the secret of `settings.home`, made at the first call.

    Raises
    ------
    InvalidInput
        `RECO_SECRET` is shorter than 32 characters.
    """
    if settings.secret is None:
        return _kept(settings.home / "secret")
    if len(settings.secret) < _MIN_CHARACTERS:
        raise InvalidInput("RECO_SECRET", f"it is shorter than {_MIN_CHARACTERS} characters")
    return settings.secret


def _kept(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Readable by its owner alone from the start, and complete before it has its name.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret.") as draft:
            draft.write(secrets.token_hex(32))
            draft.flush()
            # Of several processes that make it at once one wins, and all read the same.
            with contextlib.suppress(FileExistsError):
                os.link(draft.name, path)
    return path.read_text()
