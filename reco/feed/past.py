"""What a person did, as the model takes it."""

from datetime import datetime

import numpy as np

from features.interactions import EVENT_KINDS, encoded_ids, event_weights
from reco.db.arrays import micros
from reco.feed.state import Booked, Interacted, UserState
from reco.model.history import History
from reco.model.loaded import LoadedModel

_BOOKING = EVENT_KINDS.index("booking")
_NO_TIME_US = int(np.datetime64("NaT").view(np.int64))


def history_of(model: LoadedModel, state: UserState, now: datetime) -> History:
    """Return what `state` holds of the items that the model knows, weighted as in training."""
    past: tuple[Booked | Interacted, ...] = (*state.bookings, *state.interactions)
    kinds = [_BOOKING] * len(state.bookings)
    kinds += [EVENT_KINDS.index(interacted.kind) for interacted in state.interactions]
    at_us = [_NO_TIME_US if one.at is None else micros(one.at) for one in past]
    now_us = micros(now)
    rows = model.item_rows(encoded_ids([one.item for one in past]))
    weights = event_weights(
        np.array(kinds, dtype=np.int8),
        # What a clock that runs ahead has recorded is no older than the request.
        np.minimum(np.array(at_us, dtype=np.int64), now_us).view("datetime64[us]"),
        as_of=np.datetime64(now_us, "us"),
        half_life_days=model.half_life_days,
    )
    return History.of(rows, weights)
