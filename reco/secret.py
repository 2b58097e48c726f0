"""The key that signs user tokens and cursors: set by the operator, or made once and kept."""

import os
import secrets
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
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".secret.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    try:
        # Of two processes that make it at once, one wins and both read the same.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()
