"""One exception tree and its status table.

Code below the API raises what went wrong; `status_of` says once which HTTP status that is, and the
command line prints the same message and exits with code 2 (what the caller can mend) or 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class RecoError(Exception):
    """Anything that this project raises on purpose."""


class InvalidInput(RecoError):
    """A value that the caller can mend.

    Parameters
    ----------
    field
        The name of the parameter or column, as the caller wrote it.
    reason
        What is wrong with the value.
    accepted
        The values that are accepted, where they can be listed.
    """

    def __init__(self, field: str, reason: str, accepted: Sequence[str] = ()) -> None:
        self.field = field
        self.reason = reason
        self.accepted = tuple(accepted)
        listed = f" Accepted: {', '.join(self.accepted)}." if self.accepted else ""
        super().__init__(f"{field}: {reason}.{listed}")


class CursorExpired(InvalidInput):
    """A cursor that was good and is over: the first page is to be asked again."""


class NotFound(RecoError):
    """What was asked for by its id does not exist."""

    def __init__(self, what: str, identifier: str) -> None:
        self.what = what
        self.identifier = identifier
        super().__init__(f"There is no {what} {identifier!r}.")


class Unauthorized(RecoError):
    """No key or token, or one that is wrong, revoked or expired."""


class Forbidden(RecoError):
    """A good key or token that does not open this resource."""


class RuleBroken(RecoError):
    """A rule of the programme that forbids what was asked; nothing was done.

    Parameters
    ----------
    rule
        Its name, for programs.
    message
        Which rule and by how much, for people.
    by
        By how much, for programs: numbers with their unit in the name, times as ISO 8601.
    """

    def __init__(self, rule: str, message: str, **by: int | str) -> None:
        self.rule = rule
        self.by = by
        super().__init__(message)


class Unavailable(RecoError):
    """A part that the request needs does not answer now."""

    def __init__(self, message: str, retry_after_s: int = 2) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class TooMany(RecoError):
    """More than may be sent for now; nothing was done."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class ArtifactRefused(RecoError):
    """A model or catalogue folder that does not match its manifest, or not this code."""

    def __init__(self, address: str, reason: str) -> None:
        self.address = address
        self.reason = reason
        super().__init__(f"{address} is refused: {reason}.")


class ArtifactDamaged(ArtifactRefused):
    """A folder that is not what was saved: it is gone, files are missing, or they differ."""


class ArtifactNotFetched(ArtifactRefused):
    """Its store does not answer: that says nothing of whether it is whole."""


class SetupError(RecoError):
    """Something on the machine is missing; the message says what to run."""


@dataclass(frozen=True)
class BadRow:
    """One bad row of an interchange file; `line` counts from 1, the header is line 1."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, column {self.column}: {self.reason}"


class FramesRefused(RecoError):
    """Interchange files that cannot be taken; nothing was written.

    Parameters
    ----------
    rows
        The first bad rows (20 at most).
    total
        How many there are in all.
    """

    def __init__(self, rows: Sequence[BadRow], total: int) -> None:
        self.rows = tuple(rows)
        self.total = total
        more = f"\n... and {total - len(rows)} more" if total > len(rows) else ""
        listed = "\n".join(str(row) for row in rows)
        noun = "bad row" if total == 1 else "bad rows"
        super().__init__(f"{total} {noun}; nothing was imported.\n{listed}{more}")


STATUS: tuple[tuple[type[RecoError], int], ...] = (
    (CursorExpired, 410),
    (InvalidInput, 422),
    (FramesRefused, 422),
    (NotFound, 404),
    (Unauthorized, 401),
    (Forbidden, 403),
    (RuleBroken, 409),
    (TooMany, 429),
    (Unavailable, 503),
)


def status_of(error: RecoError) -> int:
    """Return the HTTP status of `error` (500 where the table says nothing)."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)
