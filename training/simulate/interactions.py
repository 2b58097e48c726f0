"""The frame `interactions`: what people did besides booking."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from reco.frames.tables import frame_table
from training.simulate.bookings import Bookings
from training.simulate.calendar import timestamps
from training.simulate.identifiers import identifiers
from training.simulate.outcomes import BOOKING, CLICK, OUTCOMES, Outcomes

_BLOCK = 1_000_000


def interaction_frames(
    outcomes: Outcomes, bookings: Bookings, users: int, offers: int
) -> Iterator[pa.Table]:
    """Yield pieces of the frame, in order of time.

    A wish that was not granted is a click: the person came as far as that.
    """
    kind = np.where(outcomes.outcome == BOOKING, CLICK, outcomes.outcome)
    kept = np.ones(len(outcomes), dtype=bool)
    kept[bookings.row] = False
    rows = np.flatnonzero(kept)
    user_ids = identifiers("u", np.arange(users))
    offer_ids = identifiers("o", np.arange(offers))
    kinds = pa.array(OUTCOMES)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        columns = {
            "user_id": user_ids.take(pa.array(outcomes.user[block])),
            "offer_id": offer_ids.take(pa.array(outcomes.offer[block])),
            "kind": kinds.take(pa.array(kind[block])),
            "at": timestamps(outcomes.at_s[block]),
        }
        yield frame_table("interactions", columns)
