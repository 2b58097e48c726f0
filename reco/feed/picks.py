"""The offers of a slate, read back, with what was computed for each."""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from features.credit import Budget
from features.horizon import Value
from reco.catalogue.snapshot import known_genres
from reco.feed.affinity import Preferred, preferred_of
from reco.feed.choosing import Choice, ranks
from reco.feed.likeness import Likeness, likeness_of
from reco.feed.readback import LiveOffer
from reco.feed.scoring import Scored, Taste
from reco.feed.situation import Situation
from reco.records import record


@record
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
    preferred: Preferred | None
    """What the person books more of than others do, where that does more for it than `likeness`."""
    stated: Value | None
    """What the person says to like, and it is."""
    bookings_near: int
    """Of the offers of its work that can be booked and are asked for, around and online."""
    booked_online: int
    """So many of these bookings, at most, are of digital offers."""
    is_booked_around: bool
    """Whether any of them may be of venues around."""
    rank: int
    """By probability alone, from 1, what the pages before have shown counted; how many are known to
    be likelier where it is too far down to be known."""
    is_ranked: bool
    """Whether it is known."""

    @property
    def known_rank(self) -> int | None:
        """The rank where it is known."""
        return self.rank if self.is_ranked else None


@dataclass(frozen=True)
class Live:
    """A choice that was read back: all of it can be booked."""

    choice: Choice
    picks: Sequence[Pick]
    propensities: Sequence[float]
    """Of each position showing what it shows, given the query (`reco.feed.exploring`)."""
    budget: Budget
    """What the person can afford."""
    is_cut: bool
    """Whether so much was gone that it was not chosen again: there may be more to show."""


def picks_of(
    taste: Taste, situation: Situation, choice: Choice, live: Mapping[int, LiveOffer]
) -> list[Pick]:
    """Return the offers of a choice, in its order; `live` are those read back, by id."""
    state, shown = situation.state, situation.query.shown_offers.values()
    chosen = choice.pool.take(choice.widened.chosen)
    candidates = chosen.candidates
    liked = taste.is_liked(chosen.said).tolist()
    rows, of_likeliest = choice.widened.chosen.tolist(), set(choice.likeliest.chosen.tolist())
    offers = [live[offer] for offer in candidates.offer_id.tolist()]
    likeness = likeness_of(taste, state, candidates.item, liked)
    preferred: list[Preferred | None] = [None] * len(offers)
    if taste.affinity:
        gained = chosen.worth(taste.affinity.of_items(candidates.item))
        numbering = taste.serving.catalogue.numbering
        preferred = preferred_of(taste.affinity, numbering, gained, state.bookings, offers)
    columns = zip(
        offers,
        (None if math.isnan(away) else away for away in candidates.distance_m.tolist()),
        chosen.probability.tolist(),
        (not math.isnan(said) for said in chosen.said.tolist()),
        liked,
        (row in of_likeliest for row in rows),
        (at == choice.explored for at in range(len(rows))),
        likeness,
        _if_more(taste, preferred, likeness, chosen),
        _stated(offers, state.liked),
        candidates.bookings_near.tolist(),
        *_booked_where(taste, situation, chosen),
        *(column.tolist() for column in ranks(choice, shown)),
        strict=True,
    )
    # In the order of the fields.
    return [Pick(*column) for column in columns]


def _booked_where(
    taste: Taste, situation: Situation, chosen: Scored
) -> tuple[list[int], list[bool]]:
    """Return how many of the bookings are digital at most, and whether any may be around."""
    catalogue, item = taste.serving.catalogue, chosen.candidates.item
    online = catalogue.online_bookings[item]
    at_venues = catalogue.totals.item_bookings[item] - online
    is_around = (at_venues > 0) & (len(situation.around.venue_rows) > 0)
    return online.tolist(), is_around.tolist()


def _if_more(
    taste: Taste,
    preferred: Sequence[Preferred | None],
    likeness: Sequence[Likeness | None],
    chosen: Scored,
) -> list[Preferred | None]:
    """Return what is preferred where an offer gains more by it than by what speaks most for it."""
    kept = list(preferred)
    both = [
        (at, own.gained, like.score_fall)
        for at, (own, like) in enumerate(zip(preferred, likeness, strict=True))
        if own and like
    ]
    if both:
        places, gained, fall = (np.array(column) for column in zip(*both, strict=True))
        some = chosen.take(places)
        with_it, without = taste.scale.log_odds(np.stack([some.said, some.said - fall]))
        for place in places[gained <= some.worth(with_it - without)].tolist():
            kept[place] = None
    return kept


def _stated(offers: Sequence[LiveOffer], liked: Set[Value]) -> list[Value | None]:
    """Return the first of each offer's genres, or else its category, if it is said to be liked."""
    if not liked:
        return [None] * len(offers)
    of_each = (
        [*(("genre", genre) for genre in known_genres(live.genres)), ("category", live.category)]
        for live in offers
    )
    return [next((value for value in values if value in liked), None) for values in of_each]
