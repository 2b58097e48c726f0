"""The gate: a candidate takes the champion's place only where it is shown not to be worse.

Each criterion has a floor: how much worse than the champion a candidate may be. The whole 95 %
interval of the paired difference must lie above it (a test of non-inferiority), so that a model
about which too little is known is refused too. Where fewer people than a criterion needs can judge
it (in small worlds: the horizon, newcomers, time), it does not speak, and the table says so.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.horizon import Value, value_table
from features.interactions import Events, vocabulary_rows
from reco.db.arrays import micros
from reco.model.history import History
from training.beyond import Found, as_matrix, horizon_recall
from training.booked import BookedOffer
from training.criteria import (
    Criterion,
    age_criteria,
    latency_criterion,
    mean_criterion,
    ranker_criteria,
)
from training.evaluate import rank_items
from training.latency import Clock, Requests, paired_latencies_ms
from training.metrics import hits, ndcg
from training.split import aware
from training.trial import (
    Contender,
    Trial,
    history_in,
    history_matrix,
    scores_of,
    trial_of,
)

K = 20
"""Length of the lists that are judged."""

_TIMED_REQUESTS = 200
_TIMED_ITEMS = 20_000

Values = frozenset[Value]
ReadBooked = Callable[[Sequence[str]], list[BookedOffer]]
"""External user ids -> their bookings, the cancelled ones among them."""


@dataclass(frozen=True)
class Floors:
    """How much worse a candidate may be, as a share of the champion's own figure."""

    ndcg_loss: float = 0.05
    horizon_loss: float = 0.05
    cold_loss: float = 0.10
    slowdown: float = 0.25
    """Of the median time to score a request; `LATENCY_ALLOWANCE_MS` is always granted."""


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a candidate."""

    candidate: str
    champion: str
    judged_on: str
    """What the figures mean, in words."""
    criteria: tuple[Criterion, ...]

    @property
    def passed(self) -> bool:
        """Whether no floor is breached."""
        return all(criterion.passed for criterion in self.criteria)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is refused; empty where it passed."""
        return tuple(criterion.told for criterion in self.criteria if not criterion.passed)

    def as_evidence(self) -> dict[str, Any]:
        """Return the verdict as the registry keeps it."""
        return asdict(self) | {"passed": self.passed}


def judge(
    events: Events,
    candidate: Contender,
    champion: Contender,
    *,
    floors: Floors,
    users: int,
    read_booked: ReadBooked,
    clock: Clock,
) -> Verdict:
    """Compare a candidate with the champion.

    Parameters
    ----------
    users
        How many people are drawn, seeded, and how many cold ones beside them.
    read_booked
        Lends the bookings of the people drawn, for the horizon.
    clock
        Times the requests.

    Raises
    ------
    InvalidInput, ArtifactRefused
        As `trial_of` and `scores_of`.
    """
    trial = trial_of(events, candidate, champion, users=users)
    lists = _lists(trial, candidate, champion)
    figures = np.column_stack([_ndcg(trial, ranked) for ranked in lists])
    drawn = trial.is_in_sample
    horizon = _horizon(trial, lists, read_booked)
    return Verdict(
        candidate.model.version,
        champion.model.version,
        trial.told,
        (
            mean_criterion(f"ndcg@{K}", figures[drawn], floors.ndcg_loss, is_needed=True),
            mean_criterion(f"horizon_recall@{K}", horizon, floors.horizon_loss),
            mean_criterion(f"ndcg@{K}, cold users", figures[trial.is_cold], floors.cold_loss),
            latency_criterion(_timed(trial, candidate, champion, clock), floors.slowdown),
            *ranker_criteria(candidate.facts, champion.facts),
            *(age_criteria(candidate.facts, champion.facts) if trial.is_refit else ()),
        ),
    )


def _lists(trial: Trial, *contenders: Contender) -> list[NDArray[np.int32]]:
    """Return what each would show; the same recipe is fitted once."""
    found: dict[str, NDArray[np.int32]] = {}
    for contender in contenders:
        if (name := _name(trial, contender)) not in found:
            scores = scores_of(trial, contender)
            found[name] = rank_items(scores, trial.task, trial.fallback, K)
    return [found[_name(trial, contender)] for contender in contenders]


def _name(trial: Trial, contender: Contender) -> str:
    facts = contender.facts
    return f"{facts.kind} {sorted(facts.parameters.items())}" if trial.is_refit else facts.version


def _ndcg(trial: Trial, ranked: NDArray[np.int32]) -> NDArray[np.float64]:
    relevant = np.diff(trial.task.targets.indptr).astype(np.int64)
    return ndcg(hits(ranked, trial.task.targets), relevant, K)


def _horizon(
    trial: Trial, lists: Sequence[NDArray[np.int32]], read_booked: ReadBooked
) -> NDArray[np.float64]:
    """Return horizon_recall@K (METRICS, 3) of each list, for the people drawn who widened theirs.

    A hit is by item; its values are those of the offers that were really booked.
    """
    drawn = np.flatnonzero(trial.is_in_sample)
    met, later = _met_and_later(trial, drawn, read_booked)
    table = value_table([*(values for _, _, values in later), *met])
    met_values = as_matrix(table.take(np.arange(len(later), len(later) + len(met))))
    found = Found(
        np.array([place for place, _, _ in later], dtype=np.int64),
        np.array([item for _, item, _ in later], dtype=np.int64),
        np.arange(len(later)),
    )
    figures = np.column_stack(
        [horizon_recall(ranked[drawn], found, table, met_values) for ranked in lists]
    )
    return figures[~np.isnan(figures).any(axis=1)]


def _met_and_later(
    trial: Trial, drawn: NDArray[np.integer], read_booked: ReadBooked
) -> tuple[list[Values], list[tuple[int, int, Values]]]:
    """Return the values that each of `drawn` had met, and those of the targets they booked.

    A target is the place in `drawn`, the row of the item, and the values of the offer.
    """
    people, items = trial.part.past.users, trial.part.past.items
    names = [people[user].decode() for user in trial.task.users[drawn]]
    cutoff = aware(trial.part.cutoff)
    by_user: dict[str, list[BookedOffer]] = {name: [] for name in names}
    for booked in read_booked(names):
        if booked.stands(cutoff):
            by_user[booked.user_id].append(booked)
    met: list[Values] = []
    later: list[tuple[int, int, Values]] = []
    for place, name in enumerate(names):
        rows = trial.task.targets[[drawn[place]]].indices
        targets = {items[row].decode(): int(row) for row in rows}
        past = [offer.values for offer in by_user[name] if not _is_later(trial, offer, targets)]
        met.append(frozenset().union(*past))
        later += [
            (place, targets[offer.item_id], offer.values)
            for offer in by_user[name]
            if _is_later(trial, offer, targets) and offer.item_id in targets
        ]
    return met, later


def _is_later(trial: Trial, offer: BookedOffer, targets: Collection[str]) -> bool:
    if trial.part.cutoff is None:
        # Without a part `valid` the future was drawn by chance: no row says that it is in it.
        held_out = "valid" if trial.is_refit else "test"
        return offer.split == held_out or offer.item_id in targets
    return offer.at is not None and micros(offer.at) >= int(trial.part.cutoff.astype(np.int64))


def _timed(
    trial: Trial, candidate: Contender, champion: Contender, clock: Clock
) -> NDArray[np.float64]:
    """Time the models themselves, never the recipes: they are what is served."""
    past = trial.part.past
    count = min(_TIMED_ITEMS, len(past.items))
    items = np.sort(np.random.default_rng(0).permutation(len(past.items))[:count])
    people = trial.task.users[trial.is_in_sample][:_TIMED_REQUESTS]
    asked = [_requests(trial, contender, people, items) for contender in (candidate, champion)]
    return paired_latencies_ms(asked[0], asked[1], clock)


def _requests(
    trial: Trial, contender: Contender, people: NDArray[np.int32], items: NDArray[np.integer]
) -> Requests:
    rows = vocabulary_rows(contender.model.items, trial.part.past.items)
    history = history_in(history_matrix(trial.part, contender.model), rows)
    histories: tuple[History, ...] = tuple(history(user) for user in people)
    return Requests(contender.model, histories, rows[items])
