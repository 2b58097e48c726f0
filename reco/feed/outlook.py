"""A person's horizon, and what a slate would add to it."""

from collections.abc import Set

import numpy as np

from features.horizon import POINTS, Value, points, unmet_after
from reco.feed.answer import Addition, HorizonShown
from reco.feed.picks import Live
from reco.feed.query import FeedQuery
from reco.feed.rating import chance_within


def horizon_shown(live: Live, gain: float, met: Set[Value], query: FeedQuery) -> HorizonShown:
    """Return the horizon of who has met `met`, and what the slate is expected to add.

    Parameters
    ----------
    gain
        Expected of the slate shown once.
    """
    by_attribute = _by_attribute(met)
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


def _by_attribute(met: Set[Value]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {attribute: [] for attribute in POINTS}
    for attribute, value in sorted(met):
        found[attribute].append(value)
    return {attribute: tuple(values) for attribute, values in found.items()}


def _additions(live: Live, met: Set[Value], query: FeedQuery) -> tuple[Addition, ...]:
    """Return the new values of the slate; their points times chances sum to the gain."""
    probability = np.array([pick.probability for pick in live.picks])
    chance = chance_within(probability, query.intensity)
    missed = unmet_after([pick.live.values - met for pick in live.picks], chance.tolist())
    names = {pick.live.venue_id: pick.live.venue_name for pick in live.picks}
    chances = {
        value: query.unmet.get(value, 1.0) * (1.0 - still) for value, still in missed.items()
    }
    likely_first = sorted((-POINTS[new[0]] * chance, new) for new, chance in chances.items())
    return tuple(
        Addition(
            attribute=new[0],
            value=new[1],
            name=names.get(new[1]) if new[0] == "venue" else None,
            points=POINTS[new[0]],
            chance=chances[new],
        )
        for _, new in likely_first
    )
