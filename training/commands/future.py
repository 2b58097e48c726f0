"""What commands do about the future: no border lies in it, and what is dated in it is left out."""

from datetime import datetime

from features.interactions import Events
from reco.console import warn
from reco.errors import InvalidInput
from training.split import known_at


def refuse_future(cutoff: datetime | None, now: datetime) -> None:
    """Raise InvalidInput where the `cutoff` of a command lies after `now`."""
    if cutoff and cutoff > now:
        raise InvalidInput("cutoff", f"{cutoff} lies in the future")


def without_future(told: Events, now: datetime) -> Events:
    """Return the events that `known_at` leaves, and say on standard error how many it does not.

    Raises
    ------
    InvalidInput
        There are events, and all of them lie in the future.
    """
    events = known_at(told, now)
    if len(events) < len(told):
        left_out = f"{len(told) - len(events):,} of {len(told):,}"
        warn(f"{left_out} events are dated in the future, and left out.")
    return events
