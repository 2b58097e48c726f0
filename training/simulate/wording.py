"""French titles, names and descriptions, put together from words; invented, seeded, readable.

A wording is a list of patterns; a pattern's `{slots}` are filled from the lists of `words.py`.
"""

from collections.abc import Mapping
from string import Formatter

import numpy as np
from numpy.typing import NDArray

from training.simulate.words import PATTERNS, WORDS

Texts = NDArray[np.object_]
_ATTEMPTS = 5


def compose(
    generator: np.random.Generator,
    wordings: NDArray[np.str_],
    given: Mapping[str, Texts] | None = None,
) -> Texts:
    """Write one text a row.

    Parameters
    ----------
    wordings
        (N,) keys of `PATTERNS`.
    given
        Slots that are known, (N,) each.

    Returns
    -------
    (N,) strings.
    """
    texts = np.empty(len(wordings), dtype=object)
    for wording in np.unique(wordings):
        rows = np.flatnonzero(wordings == wording)
        patterns = PATTERNS[str(wording)]
        chosen = generator.integers(len(patterns), size=len(rows))
        for number, pattern in enumerate(patterns):
            mine = rows[chosen == number]
            texts[mine] = _filled(generator, pattern, mine, given or {})
    return texts


def compose_distinct(
    generator: np.random.Generator,
    wordings: NDArray[np.str_],
    given: Mapping[str, Texts],
) -> Texts:
    """Write one text a row as `compose` does, and anew, a few times, those that repeat another."""
    texts = compose(generator, wordings, given)
    for _ in range(_ATTEMPTS):
        _, first = np.unique(texts.astype(np.str_), return_index=True)
        again = np.setdiff1d(np.arange(len(texts)), first)
        slots = {slot: words[again] for slot, words in given.items()}
        texts[again] = compose(generator, wordings[again], slots)
    return texts


def _filled(
    generator: np.random.Generator,
    pattern: str,
    rows: NDArray[np.int64],
    given: Mapping[str, Texts],
) -> Texts:
    text = np.full(len(rows), "", dtype=object)
    for literal, slot, _, _ in Formatter().parse(pattern):
        text = text + literal
        if slot is None:
            continue
        if slot in given:
            text = text + given[slot][rows]
        else:
            words = np.array(WORDS[slot], dtype=object)
            text = text + words[generator.integers(len(words), size=len(rows))]
    return text
