"""The offers of a slate, read back, with what was computed for each."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from features.horizon import Value
from reco.catalogue.snapshot import MOST_GENRES
from reco.feed.choosing import Choice, ranks
from reco.feed.likeness import Likeness, likeness_of
from reco.feed.readback import LiveOffer
from reco.feed.scoring import Taste
from reco.feed.state import UserState


@dataclass(frozen=True)
class Pick:
    """A chosen offer, live, with what was computed for it."""

    live: LiveOffer
    distance_m: float | None
    probability: float
    is_scored: bool
    """Whether the model could say; otherwise what is booked around decides."""
    is_liked: bool
    is_of_likeliest: bool
    """Whether the likeliest slate has it, too."""
    is_explored: bool
    """Whether chance put it there, to learn."""
    likeness: Likeness | None
    stated: Value | None
    """What the person says to like, and it is."""
    bookings_near: int
    rank: int
    """By probability alone, from 1; 0 where it is too far down to be known."""


@dataclass(frozen=True)
class Live:
    """A choice that was read back: all of it can be booked."""

    choice: Choice
    picks: Sequence[Pick]
    propensities: Sequence[float]
    """Of each position showing what it shows, given the query (`reco.feed.exploring`)."""


def picks_of(
    taste: Taste, state: UserState, choice: Choice, live: Mapping[int, LiveOffer]
) -> list[Pick]:
    """Return the offers of a choice, in its order; `live` are those read back, by id."""
    chosen = choice.pool.take(choice.widened.chosen)
    candidates, probability = chosen.candidates, chosen.probability
    distance_m = candidates.distance_m
    liked = taste.is_liked(chosen.said).tolist()
    likeness = likeness_of(taste, state, candidates.item, liked)
    is_scored = ~np.isnan(chosen.said)
    is_of_likeliest = np.isin(choice.widened.chosen, choice.likeliest.chosen)
    rank = ranks(choice)
    return [
        Pick(
            live=live[offer],
            distance_m=None if np.isnan(distance_m[at]) else float(distance_m[at]),
            probability=float(probability[at]),
            is_scored=bool(is_scored[at]),
            is_liked=liked[at],
            is_of_likeliest=bool(is_of_likeliest[at]),
            is_explored=at == choice.explored,
            likeness=likeness[at],
            stated=_stated(live[offer], state.liked),
            bookings_near=int(candidates.bookings_near[at]),
            rank=int(rank[at]),
        )
        for at, offer in enumerate(choice.offer_ids)
    ]


def _stated(live: LiveOffer, liked: Set[Value]) -> Value | None:
    """Return the first of the offer's genres, or else its category, if it is said to be liked."""
    values = [("genre", genre) for genre in live.genres[:MOST_GENRES]]
    values.append(("category", live.category))
    return next((value for value in values if value in liked), None)
