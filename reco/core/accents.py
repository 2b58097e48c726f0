"""Letters with accents, which text may have in one piece or in two: here they are in one."""

import unicodedata
from collections.abc import Collection

from reco.errors import InvalidInput


def composed(text: str) -> str:
    """Return `text` with each letter and its accents in one piece (Unicode's NFC).

    >>> composed("e\\u0301te\\u0301") == "\\u00e9t\\u00e9"
    True
    """
    return unicodedata.normalize("NFC", text)


def as_known(name: str, known: Collection[str]) -> str:
    """Return a name as it is known, however its accents are written; composed, where it is not.

    What was stored before names were composed is found still.
    """
    if name in known:
        return name
    wanted = composed(name)
    return next((one for one in known if composed(one) == wanted), wanted)


def require_known(field: str, name: str, known: Collection[str], listed: int | None = None) -> str:
    """Return a name as it is known.

    Raises
    ------
    InvalidInput
        It is not known: tells those that are, so many of them as are `listed`; None: all.
    """
    found = as_known(name, known)
    if found not in known:
        raise InvalidInput(field, f"{found!r} is unknown", sorted(known)[:listed])
    return found
