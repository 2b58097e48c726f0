"""What fitting a model gives."""

from collections.abc import Callable
from dataclasses import dataclass

from reco.model.scorer import Scorer
from training.evaluate import ScoreUsers

Advance = Callable[[], None]
"""Called when one of a fit's steps is done."""


@dataclass(frozen=True)
class Fitted:
    """A scorer, and the same scores for many users of the matrix at once."""

    scorer: Scorer
    score_users: ScoreUsers
