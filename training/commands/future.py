"""What commands do about the future: a border in it is refused."""

from datetime import datetime

from reco.errors import InvalidInput


def refuse_future(cutoff: datetime | None, now: datetime) -> None:
    """Raise InvalidInput where the `cutoff` of a command lies after `now`."""
    if cutoff and cutoff > now:
        raise InvalidInput("cutoff", f"{cutoff} lies in the future")
