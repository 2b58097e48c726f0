"""The policies that a cohort lives under: what is around, ranked and chosen from each its own way.

The feed's own method chooses from as many candidates as a feed does, those of new subcategories
among them; all others from the `_FROM` likeliest alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from features.credit import CREDIT_WEIGHT
from reco.catalogue.numbering import ATTRIBUTES
from reco.errors import InvalidInput
from reco.feed.choosing import Chooser
from reco.feed.dials import FLOOR, INTENSITY
from reco.feed.generation import Generation
from reco.feed.ranking import Ranking, ranking_of
from reco.feed.scoring import Families, Scored
from reco.feed.shortlist import Shortlist
from reco.feed.situation import Situation
from reco.feed.slate import choose, quotas
from reco.feed.widening import Values
from reco.feed.workspace import Scratch
from reco.model.link import STRAIGHT
from training.diversify.candidates import Candidates, Method
from training.diversify.categories import round_robin
from training.diversify.likeness import dpp_attributes
from training.replay.past import Past
from training.replay.values import Attributes

_FROM = 300
"""The likeliest candidates, that all but the feed's own method choose from."""
_VENUE = ATTRIBUTES.index("venue")
"""Left out of likeness, as in `ild`: it is of category, subcategory, genres and kind of venue."""
_POWER = 1.0
"""Of the probability in the DPP's kernel, as validation on real data chose (docs/horizon.md)."""

Rank = Callable[[Generation, Situation, Scratch], Ranking]
"""What is around and who asks -> its ranking, as `reco.feed.ranking.ranking_of`."""
Choose = Callable[[Ranking, Situation], Scored]
"""What is around, ranked, and who asks -> what is shown, in that order."""


@dataclass(frozen=True)
class Policy:
    """A way to choose slates, by the name that reports use."""

    name: str
    needs_model: bool
    choose: Choose
    rank: Rank = ranking_of
    """The feed's own, as far down as the policy looks."""


@dataclass(frozen=True)
class Likeness:
    """What the baselines know of offers: unit vectors, and categories; rows as in the past."""

    attributes: "csr_array[np.float64]"
    category: NDArray[np.int16]

    @classmethod
    def of(cls, past: Past) -> "Likeness":
        """Return that of all offers."""
        numbers = np.delete(
            Attributes(past).numbers(np.arange(len(past.offers.item))), _VENUE, axis=1
        )
        is_known = numbers >= 0
        start = np.append(0, np.cumsum(is_known.sum(axis=1)))
        columns = int(numbers.max(initial=0)) + 1
        marks = csr_array(
            (np.ones(start[-1]), numbers[is_known], start), shape=(len(numbers), columns)
        )
        length = np.sqrt(np.maximum(np.diff(start), 1))
        return cls(csr_array(diags_array(1.0 / length) @ marks), past.items.item_category)

    @property
    def of_categories(self) -> "Likeness":
        """The same for what looks at categories alone, which is spared the rest."""
        return Likeness(csr_array((self.attributes.shape[0], 0)), self.category)


def policy_named(name: str, likeness: Likeness) -> Policy:
    """Return the policy of a name, one of `NAMES`.

    `credit@WEIGHT` is what the feed shows at its own floor, whatever price is beyond a person's
    means costing so much.

    Raises
    ------
    InvalidInput
        There is no such policy, a floor is not between 0 and 1, or a weight is negative.
    """
    check_policy(name)
    kind, _, number = name.partition("@")
    if kind == "credit":
        return Policy(name, True, widening(FLOOR))
    if kind == "horizon":
        return Policy(name, True, widening(float(number)))
    choosers: Mapping[str, Choose] = {
        "nearest": nearest,
        "popular": likeliest,
        "relevance": likeliest,
        "dpp": _by_method(dpp_attributes, _POWER, likeness),
        "round-robin": _by_method(round_robin, 0.0, likeness.of_categories),
    }
    return Policy(name, needs_model(name), choosers[kind], _ranked_likeliest)


def needs_model(name: str) -> bool:
    """Say whether the policy of a name asks a model."""
    return name not in _WITHOUT_MODEL


NAMES = (
    "nearest", "popular", "relevance", "dpp", "round-robin", "horizon@FLOOR", "credit@WEIGHT"
)  # fmt: skip
_WITHOUT_MODEL = {"nearest", "popular"}
_NUMBERED = {"horizon": 1.0, "credit": 100.0}
"""Policies whose name has a number from 0 on, and the most that it may be."""


def credit_weight_of(name: str) -> float:
    """Return the weight of credit that the ranker of a policy is learned beside."""
    kind, _, number = name.partition("@")
    return float(number) if kind == "credit" else CREDIT_WEIGHT


def check_policy(name: str) -> None:
    """Raise `InvalidInput` where `name` is no policy."""
    kind, _, number = name.partition("@")
    try:
        is_known = name in NAMES if kind not in _NUMBERED else 0 <= float(number) <= _NUMBERED[kind]
    except ValueError:
        is_known = False
    if not is_known:
        raise InvalidInput("policy", f"there is no policy {name!r}", NAMES)


def _ranked_likeliest(serving: Generation, situation: Situation, scratch: Scratch) -> Ranking:
    """Rank the `_FROM` likeliest, and nothing for the sake of a horizon."""
    ranking = ranking_of(serving, situation, scratch)
    families = ranking.families
    nothing_new = Families(families.of_item, np.zeros_like(families.is_asked))
    return replace(ranking, families=nothing_new, most=_FROM)


def likeliest(ranking: Ranking, situation: Situation) -> Scored:
    """Show the likeliest: what the feed shows at a floor of 1."""
    n = situation.query.n
    shortlist = Shortlist(ranking, n)
    rows = np.array(shortlist.choose(n), dtype=np.int64)
    return shortlist.scored.take(rows)


def widening(floor: float) -> Choose:
    """Return what shows the slate that the feed shows at a floor."""

    def shown(ranking: Ranking, situation: Situation) -> Scored:
        query = replace(situation.query, floor=floor, intensity=INTENSITY)
        choice = Chooser(ranking, replace(situation, query=query)).choose(frozenset())
        return choice.pool.take(choice.widened.chosen)

    return shown


def nearest(ranking: Ranking, situation: Situation) -> Scored:
    """Show the nearest under the feed's quotas; what is digital is farthest, ties by item."""
    candidates = ranking.sweep.everything().everything()
    order = np.lexsort((candidates.item, candidates.distance_m))
    limits = quotas(ranking.sweep.catalogue, candidates, situation.query.n)
    rows = np.array(choose(order, limits, situation.query.n), dtype=np.int64)
    unknown = np.full(len(candidates), np.nan)
    return Scored(candidates, unknown, unknown, STRAIGHT).take(rows)


def _by_method(method: Method, parameter: float, likeness: Likeness) -> Choose:
    """Return what shows the choice of a method under the feed's quotas, the likeliest first.

    It chooses among the likeliest, of which there are as many more as the quotas need.
    """

    def shown(ranking: Ranking, situation: Situation) -> Scored:
        n = situation.query.n
        shortlist = Shortlist(ranking, n)
        shortlist.choose(n)
        some, catalogue = shortlist.scored, ranking.sweep.catalogue
        limits = quotas(catalogue, some.candidates, n)
        category = catalogue.items.item_category[some.candidates.item]
        nothing = np.empty(0)
        candidates = Candidates(
            probability=some.probability,
            # What neither a DPP of attributes nor a rotation looks at.
            values=Values(np.zeros(1, np.int64), np.empty(0, np.int32), nothing, np.empty(0, int)),
            latent=np.empty((len(some), 0)),
            attributes=likeness.attributes[some.candidates.offer_id - 1],
            categories=(category[:, np.newaxis] == np.arange(category.max(initial=0) + 1)).astype(
                np.float64
            ),
            tastes=nothing,
            is_large=np.zeros(len(some), dtype=bool),
            seed=0,
            quotas=limits,
        )
        wanted = method(candidates, parameter, n)
        is_other = np.ones(len(some), dtype=bool)
        is_other[wanted] = False
        # Where its choice leaves no room for n, the likeliest others fill the slate.
        order = np.append(wanted, np.flatnonzero(is_other))
        return some.take(np.sort(choose(order, limits, n)))

    return shown
