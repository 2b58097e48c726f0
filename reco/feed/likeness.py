"""Which item of a person's history speaks most for each offer shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.feed.scoring import Taste
from reco.feed.state import UserState
from reco.model.leaving_out import falls

MOST_ASKED = 32
"""Items of the history that are looked at, those that weigh most."""


@dataclass(frozen=True)
class Likeness:
    """The item of the history without which an offer's score would fall farthest."""

    item_id: str
    title: str | None
    score_fall: float
    """By so much, on the model's own scale (`reco.model.leaving_out`)."""


def likeness_of(
    taste: Taste, state: UserState, items: NDArray[np.int32], is_liked: Sequence[bool]
) -> list[Likeness | None]:
    """Return for each of `items` (n,), rows of the catalogue, what speaks most for it.

    None: it is not liked, or would be liked no less without any one item of the history.
    """
    found: list[Likeness | None] = [None] * len(items)
    liked, history = np.flatnonzero(is_liked), taste.history
    if taste.model is None or not len(liked) or not len(history):
        return found
    places = np.argsort(-history.weights, kind="stable")[:MOST_ASKED]
    rows = taste.serving.model_rows[items[liked]]
    fall = falls(taste.model.scorer, history, places, rows)
    # Where the model cannot say, nothing is greater than not known.
    fall = np.where(np.isnan(fall), -np.inf, fall)
    titles = {booking.item: booking.title for booking in state.bookings}
    titles |= {past.item: past.title for past in state.interactions}
    ids = taste.model.items[history.rows[places]].tolist()
    columns = liked.tolist(), fall.argmax(axis=0).tolist(), fall.max(axis=0).tolist()
    for at, best, most in zip(*columns, strict=True):
        if most > 0.0:
            item_id = ids[best].decode()
            found[at] = Likeness(item_id, titles.get(item_id), most)
    return found
