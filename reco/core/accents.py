"""Letters with accents, which text may have in one piece or in two: here they are in one."""

import unicodedata
from collections.abc import Collection


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
