"""The criteria of the gate: by how much each is missed or kept, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from reco.model.artifact import ModelFacts
from training.intervals import Estimate, mean_intervals
from training.latency import median_intervals
from training.trial import LEAST_USERS

LATENCY_ALLOWANCE_MS = 0.5
"""What nobody notices: a candidate may be so much slower whatever the share says."""

OLDER_BY = timedelta(days=1)
"""How much earlier than the champion's a candidate's knowledge may end, where recipes are judged:
an event that was cancelled or erased since moves the end a little."""


@dataclass(frozen=True)
class Criterion:
    """One criterion: the candidate's figure, the champion's, and their paired difference.

    Without a difference it is no comparison: the candidate's own figure is held to the limit.
    """

    name: str
    count: int
    """People, or requests, that it is over."""
    candidate: Estimate | None
    """None: there are too few to judge."""
    champion: Estimate | None
    difference: Estimate | None
    limit: float
    """Where the interval of the difference, or of the candidate's own figure, may end at worst."""
    passed: bool
    lacks: str = ""
    """What is missing or known, where figures alone do not say why it passed or not."""

    @property
    def told(self) -> str:
        """The outcome in one sentence."""
        if self.lacks:
            return f"{self.name}: {self.lacks}"
        judged = self.difference or self.candidate
        if judged is None:
            return f"{self.name}: {self.count} to judge by, fewer than {LEAST_USERS}"
        what = "the difference" if self.difference else "the candidate's figure"
        return (
            f"{self.name}: {what} of {judged.value:+.4f} has the interval "
            f"{judged.low:+.4f} .. {judged.high:+.4f}, its limit is {self.limit:+.4f}"
        )


def mean_criterion(
    name: str, figures: NDArray[np.float64], loss: float, *, is_needed: bool = False
) -> Criterion:
    """Judge means: the interval of candidate - champion ends above a share of the champion's."""
    if len(figures) < LEAST_USERS:
        return Criterion(name, len(figures), None, None, None, 0.0, not is_needed)
    columns = np.column_stack([figures, figures[:, 0] - figures[:, 1]])
    candidate, champion, difference = mean_intervals(columns)
    limit = -loss * champion.value
    passed = difference.low >= limit
    return Criterion(name, len(figures), candidate, champion, difference, limit, passed)


def ranker_criteria(candidate: ModelFacts, champion: ModelFacts) -> Iterator[Criterion]:
    """Judge the ranker by what its training measured; of two models without one nothing is said.

    The two are not compared: each was measured on visits of its own. What a champion has, its
    successor has, too: without a ranker it would be served with the costs by hand, and
    probabilities of the score alone.
    """
    if candidate.ranker is None and champion.ranker is None:
        return
    found, others = _loss_a_visit(candidate), _loss_a_visit(champion)
    people = candidate.metrics["probability"].get("people", 0) if found else 0
    passed, lacks = _ranker_outcome(found, replaces_unproven=_is_unproven(champion))
    name = "log-loss a visit of the ranker, less the base rate's"
    yield Criterion(name, people, found, others, None, 0.0, passed, lacks)


def _ranker_outcome(found: Estimate | None, *, replaces_unproven: bool) -> tuple[bool, str]:
    """Return whether a candidate's ranker passes, and what is missing.

    It is to be shown to be better than the base rate. Where the champion's is not either, it needs
    only not be shown to be worse: no successor could be served else.
    """
    if found is None:
        return False, "the candidate has none that was measured"
    if found.high <= 0.0:
        return True, ""
    is_open = found.low <= 0.0 and replaces_unproven
    return is_open, "neither is proven" if is_open else ""


def _is_unproven(facts: ModelFacts) -> bool:
    """Whether a ranker was measured, and not shown to be better than the base rate.

    Where a manifest names no people its interval was over visits, and too narrow to show it.
    """
    loss = _loss_a_visit(facts)
    return loss is not None and (loss.high > 0.0 or "people" not in facts.metrics["probability"])


def age_criteria(candidate: ModelFacts, champion: ModelFacts) -> Iterator[Criterion]:
    """Judge until when a candidate has seen; of undated events nothing is said.

    Where recipes stand for models: they are fitted on one and the same past, so that it does not
    show what the arrays that would be served lack of the champion's last months.
    """
    if candidate.cutoff is None or champion.cutoff is None:
        return
    passed = candidate.cutoff >= champion.cutoff - OLDER_BY
    told = f"{_minute(candidate.cutoff)}, the champion until {_minute(champion.cutoff)}"
    yield Criterion("trained until", 0, None, None, None, 0.0, passed, told)


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _loss_a_visit(facts: ModelFacts) -> Estimate | None:
    if facts.ranker is None or "probability" not in facts.metrics:
        return None
    return Estimate(**facts.metrics["probability"]["loss_a_visit"])


def latency_criterion(times_ms: NDArray[np.float64], slowdown: float) -> Criterion:
    """Judge medians of two models' times (n, 2): the interval ends below a share more."""
    name = "median ms to score a request"
    if len(times_ms) < LEAST_USERS:
        return Criterion(name, len(times_ms), None, None, None, 0.0, passed=True)
    candidate, champion, difference = median_intervals(times_ms)
    limit = max(slowdown * champion.value, LATENCY_ALLOWANCE_MS)
    passed = difference.high <= limit
    return Criterion(name, len(times_ms), candidate, champion, difference, limit, passed)
