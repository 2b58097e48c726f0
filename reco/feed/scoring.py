"""The probability that this person books each candidate."""

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.horizon import Value
from features.pairs import crowding
from features.prior import LIKED_CATEGORY, LIKED_GENRE, model_share
from reco.catalogue.snapshot import Catalogue
from reco.feed.affinity import Affinity, affinity_of
from reco.feed.candidates import Candidates, Gathered, Sweep
from reco.feed.generation import Generation
from reco.feed.past import history_of
from reco.feed.popular import Popular, popular_around, popular_near
from reco.feed.situation import Situation
from reco.kernel import ordering, selecting
from reco.kernel.liking import liked
from reco.lazily import lazy
from reco.model.calibration import Calibration
from reco.model.history import History
from reco.model.loaded import LoadedModel
from reco.model.popularity import Popularity
from reco.model.scorer import Bounds


@dataclass(frozen=True)
class Scored:
    """Candidates with their probabilities, the likeliest first; arrays of shape (C,)."""

    candidates: Candidates
    log_odds: NDArray[np.float64]
    """Of the person booking the item's best offer."""
    said: NDArray[np.float64]
    """Score by the model, NaN where it cannot say."""

    @property
    def probability(self) -> NDArray[np.float64]:
        """That the person books the item's best offer, from 0 to 1."""
        return np.asarray(1.0 / (1.0 + np.exp(-self.log_odds)))

    def probability_of(self, row: int) -> float:
        """Return the probability of one of them."""
        return float(1.0 / (1.0 + np.exp(-self.log_odds[row])))

    def __len__(self) -> int:
        return len(self.candidates)

    def order(self, catalogue: Catalogue) -> NDArray[np.int64]:
        """Return the rows, the likeliest first, ties by item id."""
        item_id = catalogue.items.item_id[self.candidates.item]
        return np.lexsort((item_id, -self.log_odds))

    def take(self, rows: NDArray[np.integer] | slice) -> "Scored":
        """Return the candidates of `rows`, in that order."""
        columns = {name: column[rows] for name, column in vars(self.candidates).items()}
        return Scored(Candidates(**columns), self.log_odds[rows], self.said[rows])

    def joined(self, other: "Scored") -> "Scored":
        """Return these, then those of `other`."""
        mine, others = vars(self.candidates), vars(other.candidates)
        return Scored(
            Candidates(**{name: np.append(mine[name], others[name]) for name in mine}),
            np.append(self.log_odds, other.log_odds),
            np.append(self.said, other.said),
        )


@dataclass(frozen=True)
class Likeliest:
    """The likeliest of all, and of each of F families."""

    scored: Scored
    """The likeliest first: those of all, then others that are of the likeliest of a family."""
    is_of_each: NDArray[np.bool_]
    """(C,) which are of the likeliest of their family."""
    last_of_each: NDArray[np.float64]
    """(F,) the least log-odds of these; −∞ where a family has fewer than were asked for."""


@dataclass(frozen=True)
class Full:
    """Groups of candidates that have no room left."""

    families: NDArray[np.bool_]
    """By subcategory; empty: none is full."""
    online: bool
    """All that is digital."""


@dataclass(frozen=True)
class Families:
    """Groups of items, F of them, of which some are asked for."""

    of_item: NDArray[np.int16]
    """(I,)"""
    is_asked: NDArray[np.bool_]
    """(F,)"""


NOTHING_FULL = Full(np.empty(0, dtype=bool), online=False)
NO_FAMILIES = Families(np.empty(0, dtype=np.int16), np.zeros(1, dtype=bool))
"""None is asked for."""


@dataclass(frozen=True)
class Taste:
    """What decides the log-odds of items, before any offer of them is looked at."""

    serving: Generation
    history: History
    popular_at_venues: Popular
    popular_online: Popular
    liked: NDArray[np.float32]
    """(I,) what each item of the catalogue gains from stated tastes, and loses by its rarity;
    empty: nothing was said, and no ranker was learned."""
    crowding: float = 0.0
    """What all that is around loses to each other by its number."""
    affinity: Affinity | None = None
    """What items gain by the person's own bookings; None: nothing."""

    @property
    def model(self) -> LoadedModel | None:
        """The model that is asked."""
        return self.serving.model

    @lazy
    def calibration(self) -> Calibration:
        """The model's, of an item among as many as there are around."""
        if self.model is None:
            return _NO_CALIBRATION
        own = self.model.calibration
        return Calibration(own.intercept - self.crowding, own.slope, own.scale)

    @lazy
    def share(self) -> float:
        """How much the model counts where it can say, beside what is popular around.

        In full where a ranker has learned what popularity adds to it (docs/accuracy.md), and where
        it says nothing but what is popular.
        """
        if self.model is None or self.model.kind == Popularity.kind or self.serving.ranker:
            return 1.0
        return model_share(self.history.evidence)

    @lazy
    def scale(self) -> Calibration:
        """The calibration of what the model adds to the log-odds: as much as it counts."""
        scale, share = self.calibration, self.share
        return Calibration(share * scale.intercept, share * scale.slope, scale.scale)

    @lazy
    def margin(self) -> float:
        """Far more than single precision loses of log-odds."""
        most = abs(self.calibration.intercept) + 25.0 * self.calibration.slope
        if ranker := self.serving.ranker:
            most += abs(ranker.facts.popular_intercept) + abs(self.crowding)
            most += float(ranker.rarity.cost[-1]) + 25.0 * ranker.facts.popular_slope
            most += self.affinity.most if self.affinity else 0.0
        return 4e-6 * (1.0 + most)

    def said(self, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the very scores of some items of the catalogue, NaN where the model cannot say."""
        if self.model is None:
            return np.full(len(items), np.nan)
        return self.model.scorer.scores(self.history, self.serving.model_rows[items])

    def log_odds(self, said: NDArray[np.float64], candidates: Candidates) -> NDArray[np.float64]:
        """Return those of booking each candidate's item, before what its offer costs."""
        popular = popular_near(self.popular_at_venues, self.popular_online, candidates)
        blended = (1.0 - self.share) * popular + self.scale.log_odds(said)
        log_odds = np.where(np.isnan(said), popular, blended)
        if len(self.liked):
            log_odds += self.liked[candidates.item]
        if self.affinity:
            log_odds += self.affinity.of_items(candidates.item)
        return log_odds

    def is_liked(self, said: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return for which of these scores fewer than a tenth of the model's items score higher.

        So says the model of this very person, told from a thousand of its items; of nobody, if it
        says the same to everybody.
        """
        model = self.model
        if model is None or not len(self.history) or model.kind == Popularity.kind:
            return np.zeros(len(said), dtype=bool)
        others = model.scorer.scores(self.history, model.sample)
        known = others[~np.isnan(others)]
        if not len(known):
            return np.zeros(len(said), dtype=bool)
        # The last of the first tenth; NaN is not above it.
        place = len(known) - -(-len(known) // 10)
        return np.asarray(said >= np.partition(known, place)[place])


_NO_CALIBRATION = Calibration(0.0, 1.0, 1.0)
NO_BOUNDS = Bounds(np.empty(0, dtype=np.float32), np.empty(0, dtype=np.float32))
"""Of a model that cannot say for any item."""
_NO_HISTORY = History(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32))


def taste_of(serving: Generation, sweep: Sweep, situation: Situation) -> Taste:
    """Return what decides about items for this person, around there."""
    model, state = serving.model, situation.state
    history = history_of(model, state, situation.query.now) if model else _NO_HISTORY
    popular, added = popular_around(sweep), _liked(sweep, state.liked, history)
    if serving.ranker is None:
        return Taste(serving, history, *popular, added)
    of = serving.ranker.facts
    crowd = of.crowding * float(crowding(sum(sweep.offers)))
    at_venues, online = (
        one.learned(of.popular_intercept - crowd, of.popular_slope) for one in popular
    )
    both = serving.frequent + added if len(added) else serving.frequent
    affinity = affinity_of(serving, state.bookings)
    return Taste(serving, history, at_venues, online, both, crowd, affinity)


def _liked(sweep: Sweep, stated: Set[Value], history: History) -> NDArray[np.float32]:
    """Return what stated tastes add to each item: the less, the more the person has done."""
    catalogue, items = sweep.catalogue, sweep.catalogue.items
    if not stated:
        return np.empty(0, dtype=np.float32)
    likes_category = np.zeros(int(items.item_category.max(initial=0)) + 1, dtype=bool)
    for code in range(len(likes_category)):
        likes_category[code] = ("category", catalogue.categories.get(code, "")) in stated
    likes_genre = np.array([False, *(("genre", name) in stated for name in catalogue.genres)])
    fades, added = 1.0 - model_share(history.evidence), sweep.scratch.liked[: len(items)]
    liked(
        items.item_category, items.item_genres, likes_category, likes_genre,
        fades * LIKED_CATEGORY, fades * LIKED_GENRE, added,
    )  # fmt: skip
    return added


@dataclass(frozen=True)
class Scores:
    """What decides the order of what was gathered; arrays of shape (C,).

    Of all only bounds are known; those that may be among the likeliest are scored exactly.
    """

    gathered: Gathered
    taste: Taste
    bounds: Bounds
    """(I,) of the scores by the model; empty: it cannot say for any."""

    def likeliest(self, most: int, full: Full = NOTHING_FULL) -> Scored:
        """Return the `most` likeliest, the likeliest first, ties by item id; all, if fewer.

        Parameters
        ----------
        full
            Groups of candidates that are left out.
        """
        return self._in_order(self._may_be(most, full, NO_FAMILIES, 0), most).scored

    def likeliest_with(self, most: int, families: Families, of_each: int) -> Likeliest:
        """Return the `most` likeliest and the `of_each` likeliest of every family asked for."""
        places = self._may_be(most, NOTHING_FULL, families, of_each)
        return self._in_order(places, most, families, of_each)

    def _in_order(
        self,
        places: NDArray[np.int64],
        most: int,
        families: Families = NO_FAMILIES,
        of_each: int = 0,
    ) -> Likeliest:
        candidates, item_id = self.gathered.at(places), self.gathered.sweep.catalogue.items.item_id
        said = self.taste.said(candidates.item)
        log_odds = self.taste.log_odds(said, candidates) - candidates.cost
        row, is_of_each = np.empty(len(places), dtype=np.int64), np.empty(len(places), dtype=bool)
        last_of_each = np.empty(len(families.is_asked))
        count = ordering.in_order(
            log_odds, candidates.item, item_id, families.of_item, families.is_asked, most, of_each,
            row, is_of_each, last_of_each,
        )  # fmt: skip
        found = Scored(candidates, log_odds, said).take(row[:count])
        return Likeliest(found, is_of_each[:count], last_of_each)

    @lazy
    def _most_log_odds(self) -> NDArray[np.float32]:
        """What each candidate may have at most, right to the margin."""
        gathered, taste, scale = self.gathered, self.taste, self.taste.scale
        scratch, at_venues, online = (
            gathered.sweep.scratch, taste.popular_at_venues, taste.popular_online
        )  # fmt: skip
        most = scratch.log_odds[: len(gathered)]
        selecting.most_log_odds(
            gathered.item, self.bounds.score, self.bounds.slack,
            gathered.offer, gathered.bookings_near, gathered.cost, *gathered.online_rows,
            at_venues.few, at_venues.terms, online.few, online.terms,
            1.0 - taste.share, taste.liked,
            scale.intercept, scale.slope, scale.scale, scratch.said[: len(gathered)], most,
        )  # fmt: skip
        if taste.affinity:
            taste.affinity.add(gathered.item, most)
        return most

    def _may_be(self, most: int, full: Full, families: Families, of_each: int) -> NDArray[np.int64]:
        """Return the places of all that may be among the likeliest, of all or of a family."""
        gathered, scale = self.gathered, self.taste.scale
        sweep, found = gathered.sweep, gathered.sweep.scratch.place
        of_item = sweep.catalogue.items.item_subcategory
        count = selecting.likeliest(
            self._most_log_odds, gathered.item, self.bounds.score, self.bounds.slack,
            of_item, full.families, full.online, gathered.offer, *gathered.online_rows,
            families.of_item, families.is_asked, scale.slope, scale.scale, self.taste.margin,
            most, np.empty(most), np.full((len(families.is_asked), of_each), -np.inf),
            found,
        )  # fmt: skip
        return found[:count].copy()
