"""A person's horizon, and what a slate would add to it."""

from collections.abc import Set

import numpy as np

from features.horizon import POINTS, Value, points, unmet_after
from reco.feed.answer import Addition, HorizonShown
from reco.feed.picks import Live
from reco.feed.query import FeedQuery


def horizon_shown(live: Live, gain: float, met: Set[Value], query: FeedQuery) -> HorizonShown:
    """Return the horizon of who has met `met`, and what the slate is expected to add.

    Parameters
    ----------
    gain
        Expected of the slate shown once.
    """
    by_attribute = {
        attribute: tuple(sorted(value for of, value in met if of == attribute))
        for attribute in POINTS
    }
    widened = live.choice.widened
    return HorizonShown(
        points=points([met]),
        categories=by_attribute["category"],
        met=by_attribute,
        additions=_additions(live, met, query),
        gain=gain,
        intensity=query.intensity,
        gain_at_intensity=widened.gain,
        bound=widened.bound,
    )


def _additions(live: Live, met: Set[Value], query: FeedQuery) -> tuple[Addition, ...]:
    """Return the new values of the slate; their points times chances sum to the gain."""
    probability = np.array([pick.probability for pick in live.picks])
    chance = -np.expm1(query.intensity * np.log1p(-probability))
    missed = unmet_after([pick.live.values for pick in live.picks], chance.tolist())
    names = {pick.live.venue_id: pick.live.venue_name for pick in live.picks}
    found = [
        Addition(
            attribute=attribute,
            value=value,
            name=names.get(value) if attribute == "venue" else None,
            points=POINTS[attribute],
            chance=query.unmet.get((attribute, value), 1.0) * (1.0 - still),
        )
        for (attribute, value), still in missed.items()
        if (attribute, value) not in met
    ]
    found.sort(key=lambda new: (-new.points * new.chance, new.attribute, new.value))
    return tuple(found)
