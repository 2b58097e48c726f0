"""Bookings that are told as interactions: of an offer, at no stock and for no price."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.interactions import BOOKING, EVENT_KINDS
from reco.db.arrays import NEVER_US
from training.columns import rows_in, times_us


def told_bookings(
    interactions: pa.Table, users: pa.Array, offers: pa.ChunkedArray
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return when each booking was made that a frame of interactions tells, and of which offer.

    Parameters
    ----------
    users, offers
        Ids that are known; what is told of others is left out. An offer's row is its place here.

    Returns
    -------
    (N,) microseconds since 1970, `NEVER_US` where unknown; and (N,) rows.
    """
    table = interactions.filter(pc.equal(interactions["kind"], EVENT_KINDS[BOOKING]))
    user, offer = rows_in(table["user_id"], users, -1), rows_in(table["offer_id"], offers, -1)
    told = np.stack([user, times_us(table["at"], NEVER_US), offer], axis=1)
    # What is there twice is kept once, as by a database.
    kept = np.unique(told[(user >= 0) & (offer >= 0)], axis=0)
    return kept[:, 1], kept[:, 2]
