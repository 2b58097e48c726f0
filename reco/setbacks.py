"""What the machine or the database refuses a command: told in a line, not as an accident."""

import errno

from reco.errors import InvalidInput

_MENDED_BY = {
    "25006": "It takes no writes: RECO_DATABASE_URL must name the primary, one that is not set "
    "to read only.",
    "42501": "The role of RECO_DATABASE_URL lacks a right: its owner can grant it.",
    "53100": "Its disk is full: make room there.",
    "57P01": "It is shutting down: try again once it runs.",
}
"""By SQLSTATE: what no code can help, and who can."""
_FILES_MENDED_BY = {
    errno.EACCES: "Give this user the right to it, or set RECO_HOME to a folder of its own.",
    errno.EPERM: "Give this user the right to it, or set RECO_HOME to a folder of its own.",
    errno.ENOTDIR: "A file is in the way: move it, or set RECO_HOME to a folder.",
    errno.EEXIST: "A file is in the way: move it, or set RECO_HOME to a folder.",
    errno.EROFS: "Set RECO_HOME to a folder that can be written.",
    errno.ENOSPC: "The disk is full: make room, or set RECO_HOME to a folder of another one.",
    errno.EDQUOT: "The disk's quota is used up: make room, or set RECO_HOME to another folder.",
}


def setback_of(error: BaseException) -> str | None:
    """Return what was refused and what mends it; None: `error` is of another kind."""
    if isinstance(error, OSError):
        mended_by = _FILES_MENDED_BY.get(error.errno or 0)
        return f"{error}. {mended_by}" if mended_by else None
    # SQLAlchemy's errors keep the driver's.
    refused = getattr(error, "orig", None) or error
    mended_by = _MENDED_BY.get(getattr(refused, "sqlstate", None) or "")
    return f"The database refuses: {refused}. {mended_by}" if mended_by else None


def require_utf8(words: list[str]) -> None:
    """Raise `InvalidInput` where a word of the command line is not UTF-8: nothing has such a name.

    >>> require_utf8(["reco", "feed", "--user", chr(0xDCFF)])
    Traceback (most recent call last):
    ...
    reco.errors.InvalidInput: argument 3: '\\udcff' is not UTF-8.
    """
    for place, word in enumerate(words):
        try:
            word.encode()
        except UnicodeEncodeError:
            raise InvalidInput(f"argument {place}", f"{word!a} is not UTF-8") from None
