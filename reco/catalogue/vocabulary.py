"""Names as small numbers: code k names entry k − 1 of a vocabulary, 0 is unknown."""

from collections.abc import Iterable, Mapping

import numpy as np

MOST_NAMES = int(np.iinfo(np.int16).max)
"""Names after so many are unknown."""


def extended(vocabulary: tuple[str, ...], names: Iterable[str | None]) -> tuple[str, ...]:
    """Return `vocabulary`, then those of `names` that it lacks, sorted: codes stay what they are.

    >>> extended(("rock",), ["rock", "jazz", None, ""])
    ('rock', 'jazz')
    """
    later = sorted({name for name in names if name} - set(vocabulary))
    return (*vocabulary, *later)[:MOST_NAMES]


def codes_by_name(vocabulary: tuple[str, ...]) -> Mapping[str, int]:
    """Return the code of each name.

    >>> codes_by_name(("rock", "jazz"))
    {'rock': 1, 'jazz': 2}
    """
    return {name: code for code, name in enumerate(vocabulary, start=1)}
