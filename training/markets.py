"""The market of a folder of frames, and that of a world, at a cutoff."""

from datetime import datetime
from pathlib import Path

from features.interactions import Events
from reco.db.session import transaction
from reco.frames.exporting import read_told_bookings, read_world_frames
from reco.frames.sources import FolderSource, read_frames
from reco.people.accounts import read_accounts
from training.market import Market, market_of

_FRAMES = ("items", "venues", "offers", "stocks", "users", "bookings", "taxonomy")


def market_of_folder(folder: Path, events: Events, cutoff: datetime | None = None) -> Market:
    """Return the market that a folder of frames tells of; see `market_of`."""
    return market_of(read_frames(FolderSource(folder)), events, cutoff)


def market_of_world(conninfo: str, events: Events, cutoff: datetime | None = None) -> Market:
    """Return the market of a migrated database; see `market_of`.

    Who has joined only after the cutoff is not among its people.

    Raises
    ------
    Unavailable
        The database does not answer.
    """
    frames = {
        **read_world_frames(conninfo, _FRAMES),
        # Of so many interactions nothing else is needed.
        "interactions": read_told_bookings(conninfo),
    }
    if cutoff is None:
        return market_of(frames, events)
    with transaction(conninfo, read_only=True) as connection:
        joined = read_accounts(connection, cutoff)
    return market_of(frames, events, cutoff, people=len(joined.ids))
