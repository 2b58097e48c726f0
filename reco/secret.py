"""The key of user tokens, cursors and pseudonyms: by what the operator set, or what was kept."""

import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from reco.errors import InvalidInput, SetupError
from reco.settings import Settings

_MIN_CHARACTERS = 32


def signing_secret(settings: Settings) -> str:
    """Return the key of `settings.world`: what is signed for one world is nothing in another.

    It comes from `RECO_SECRET`, or else from the secret of `settings.home`, made at the first call.

    Raises
    ------
    InvalidInput
        `RECO_SECRET` is shorter than 32 characters.
    SetupError
        What was kept is.
    """
    secret = settings.secret
    if secret is None:
        secret = _kept(settings.home / "secret")
    elif len(secret) < _MIN_CHARACTERS:
        raise InvalidInput("RECO_SECRET", f"it is shorter than {_MIN_CHARACTERS} characters")
    # Worlds of one home have one secret, and people of the same ids and numbers.
    return hmac.new(secret.encode(), settings.world.encode(), hashlib.sha256).hexdigest()


def _kept(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Readable by its owner alone from the start, and complete before it has its name.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret.") as draft:
            draft.write(secrets.token_hex(32))
            draft.flush()
            os.fsync(draft.fileno())
            # Of several processes that make it at once one wins, and all read the same.
            with contextlib.suppress(FileExistsError):
                os.link(draft.name, path)
    secret = path.read_text()
    if len(secret) < _MIN_CHARACTERS:
        raise SetupError(
            f"{path} holds fewer than {_MIN_CHARACTERS} characters: delete it, and another one is"
            " made; tokens and cursors of before end then"
        )
    return secret
