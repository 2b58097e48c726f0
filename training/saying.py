"""Whether a fit says anything at all: settings may leave it without a neighbour or a factor."""

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from features.interactions import interaction_matrix
from reco.errors import InvalidInput
from training.fits import Parameters, stated
from training.tune import Rehearsed

_MOST_USERS = 1_000
_PIECE = 50
"""Users whose scores are looked at together: where a fit says something, those of the first."""


def require_saying(fitted: Rehearsed, asked: Parameters) -> None:
    """Raise `InvalidInput` where every score is unknown or zero, and its data had told something.

    Where nobody did anything with two items, no model of people can say a thing, and that is no
    fault of settings: popularity stands in.

    Parameters
    ----------
    asked
        The settings that were asked for, of which those that are not the defaults are named.
    """
    users = _looked_at(fitted)
    pieces = (users[first : first + _PIECE] for first in range(0, len(users), _PIECE))
    if any(np.nan_to_num(fitted.fitted.score_users(piece)).any() for piece in pieces):
        return
    if not np.any(np.diff(interaction_matrix(fitted.part.past).indptr) > 1):
        return
    usual = asdict(type(asked)())
    named = [name for name, value in asdict(asked).items() if value != usual[name]]
    look = f"; look at {' and '.join(named)}" if named else ""
    settings = stated(fitted.parameters)
    raise InvalidInput("config", f"{asked.kind} says nothing of anything by {settings}{look}")


def _looked_at(fitted: Rehearsed) -> NDArray[np.int32]:
    """Return users with a history, of all lengths alike, the longest first."""
    lengths = np.diff(fitted.matrix.indptr)
    longest = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    if len(longest) > _MOST_USERS:
        longest = longest[np.linspace(0, len(longest) - 1, _MOST_USERS).astype(np.int64)]
    return longest.astype(np.int32)
