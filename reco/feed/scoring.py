"""The probability that this person books each candidate."""

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.horizon import Value
from features.pairs import crowding
from features.prior import LIKED_CATEGORY, LIKED_GENRE, model_share
from reco.catalogue.numbering import ATTRIBUTES
from reco.catalogue.snapshot import Catalogue
from reco.feed.affinity import Affinity, affinity_of
from reco.feed.candidates import Candidates, Gathered, Sweep
from reco.feed.generation import Generation
from reco.feed.past import history_of
from reco.feed.popular import Popular, popular_around
from reco.feed.situation import Situation
from reco.kernel.kinds import add_liked
from reco.kernel.likelihood import log_odds_of
from reco.kernel.ordering import in_order
from reco.lazily import lazy
from reco.model.calibration import Calibration
from reco.model.history import History
from reco.model.link import Link
from reco.model.loaded import LoadedModel
from reco.model.popularity import Popularity


@dataclass(frozen=True)
class Scored:
    """Candidates with their probabilities, the likeliest first; arrays of shape (C,)."""

    candidates: Candidates
    log_odds: NDArray[np.float64]
    """The sum of all that speaks for the person booking the item's best offer; see `link`."""
    said: NDArray[np.float64]
    """Score by the model, NaN where it cannot say."""
    link: Link
    """What the sum means."""

    @property
    def probability(self) -> NDArray[np.float64]:
        """That the person books the item's best offer, from 0 to 1."""
        return self.link.probability(self.log_odds)

    def probability_of(self, row: int) -> float:
        """Return the probability of one of them."""
        return float(self.link.probability(self.log_odds[[row]])[0])

    def worth(self, gained: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of a booking that candidates have by so much of their sums (C,)."""
        meant = self.link.log_odds
        return meant(self.log_odds) - meant(self.log_odds - gained)

    def __len__(self) -> int:
        return len(self.candidates)

    def order(self, catalogue: Catalogue) -> NDArray[np.int64]:
        """Return the rows, the likeliest first, ties by item id."""
        item_id = catalogue.items.item_id[self.candidates.item]
        return np.lexsort((item_id, -self.log_odds))

    def take(self, rows: NDArray[np.integer] | slice) -> "Scored":
        """Return the candidates of `rows`, in that order."""
        columns = {name: column[rows] for name, column in vars(self.candidates).items()}
        return Scored(Candidates(**columns), self.log_odds[rows], self.said[rows], self.link)

    def joined(self, other: "Scored") -> "Scored":
        """Return these, then those of `other`."""
        mine, others = vars(self.candidates), vars(other.candidates)
        return Scored(
            Candidates(**{name: np.append(mine[name], others[name]) for name in mine}),
            np.append(self.log_odds, other.log_odds),
            np.append(self.said, other.said),
            self.link,
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
    """By family (`Items.family`); empty: none is full."""
    online: bool
    """All that is digital."""

    def leaves(
        self, family: NDArray[np.integer], is_online: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Return which candidates (C,), of these families, have room."""
        is_out = is_online & self.online
        return ~(is_out | self.families[family]) if len(self.families) else ~is_out


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
    of_kind: NDArray[np.float64]
    """(K,) what each kind of item (`Items.numbered_kinds`) gains from stated tastes and the
    person's own bookings; empty: nothing."""
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
            most += float(np.abs(self.of_kind).max(initial=0.0))
        return 4e-6 * (1.0 + most)

    def said(self, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the very scores of some items of the catalogue, NaN where the model cannot say."""
        if self.model is None:
            return np.full(len(items), np.nan)
        return self.model.scorer.scores(self.history, self.serving.model_rows[items])

    @property
    def of_item(self) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float64]]:
        """What items gain by themselves and by their kind, as compiled passes take it."""
        if not len(self.of_kind):
            return self.serving.frequent, _NO_KINDS, self.of_kind
        kind, _ = self.serving.catalogue.items.numbered_kinds
        return self.serving.frequent, kind, self.of_kind

    def log_odds(self, said: NDArray[np.float64], gathered: Gathered) -> NDArray[np.float64]:
        """Return those of booking each candidate, which has these scores."""
        at_venues, online, scale = self.popular_at_venues, self.popular_online, self.scale
        log_odds = np.empty(len(gathered))
        log_odds_of(
            gathered.item, gathered.offer, gathered.bookings_near, gathered.cost, said,
            *gathered.online_rows, at_venues.few, at_venues.terms, online.few, online.terms,
            1.0 - self.share, scale.intercept, scale.slope, scale.scale, *self.of_item, log_odds,
        )  # fmt: skip
        return log_odds

    def is_liked(self, said: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return for which of these scores fewer than a tenth of the model's items score higher.

        So says the model of this very person, told from a thousand of its items; of nobody, if all
        that it knows is what is popular.
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
_NOTHING = np.empty(0)
_NO_KINDS = np.empty(0, dtype=np.int32)
_NO_HISTORY = History(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32))


def taste_of(
    serving: Generation, sweep: Sweep, situation: Situation, history: History | None = None
) -> Taste:
    """Return what decides about items for this person, around there.

    Parameters
    ----------
    history
        Of this person, as the model takes it, where it is known already.
    """
    model, state = serving.model, situation.state
    if history is None:
        history = history_of(model, state, situation.query.now) if model else _NO_HISTORY
    if serving.ranker is None:
        of_kind = _of_kind(sweep, state.liked, history, None)
        return Taste(serving, history, *popular_around(sweep), of_kind)
    of = serving.ranker.facts
    crowd = of.crowding * float(crowding(sum(sweep.offers)))
    popular = popular_around(sweep, of.popular_intercept - crowd, of.popular_slope)
    affinity = affinity_of(serving, state.bookings)
    of_kind = _of_kind(sweep, state.liked, history, affinity)
    return Taste(serving, history, *popular, of_kind, crowd, affinity)


def _of_kind(
    sweep: Sweep, stated: Set[Value], history: History, affinity: Affinity | None
) -> NDArray[np.float64]:
    """Return what kinds of items gain: by stated tastes the less, the more the person has done."""
    if not stated and not affinity:
        return _NOTHING
    items, numbering = sweep.catalogue.items, sweep.catalogue.numbering
    _, first = items.numbered_kinds
    gain = np.zeros(len(first))
    if affinity:
        affinity.add(first, gain)
    if stated:
        named, fades = numbering.numbers(stated), 1.0 - model_share(history.evidence)
        is_liked = np.zeros(int(numbering.first[-1]) + 1, dtype=bool)
        # What nobody offers is unknown: it stands last.
        is_liked[named] = True
        likes_category, likes_genre = (
            is_liked[slice(*numbering.first[ATTRIBUTES.index(kind) :][:2])]
            for kind in ("category", "genre")
        )
        add_liked(
            first, items.item_category, items.item_genres, likes_category, likes_genre,
            fades * LIKED_CATEGORY, fades * LIKED_GENRE, gain,
        )  # fmt: skip
    return gain


@dataclass(frozen=True)
class Scores:
    """Decides the order of what was gathered."""

    gathered: Gathered
    taste: Taste

    def likeliest(self, most: int, full: Full = NOTHING_FULL) -> Scored:
        """Return the `most` likeliest, the likeliest first, ties by item id; all, if fewer.

        Parameters
        ----------
        full
            Groups of candidates that are left out.
        """
        return Scores(self._with_room(full), self.taste).likeliest_with(most, NO_FAMILIES, 0).scored

    def likeliest_with(self, most: int, families: Families, of_each: int) -> Likeliest:
        """Return the `most` likeliest and the `of_each` likeliest of every family asked for."""
        gathered, item_id = self.gathered, self.gathered.sweep.catalogue.items.item_id
        said = self.taste.said(gathered.item)
        log_odds = self.taste.log_odds(said, gathered)
        row, is_of_each = np.empty(len(said), dtype=np.int64), np.empty(len(said), dtype=bool)
        last_of_each = np.empty(len(families.is_asked))
        count = in_order(
            log_odds, gathered.item, item_id, families.of_item, families.is_asked, most, of_each,
            row, is_of_each, last_of_each,
        )  # fmt: skip
        row = row[:count]
        link = self.taste.serving.link
        found = Scored(gathered.at(row), log_odds[row], said[row], link)
        return Likeliest(found, is_of_each[:count], last_of_each)

    def _with_room(self, full: Full) -> Gathered:
        gathered = self.gathered
        if not len(full.families) and not full.online:
            return gathered
        family = gathered.sweep.catalogue.items.family[gathered.item]
        return gathered.take(np.flatnonzero(full.leaves(family, gathered.is_online)))
