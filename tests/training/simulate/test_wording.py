from itertools import pairwise

import numpy as np
import pytest

from training.simulate.wording import compose, compose_distinct
from training.simulate.words import PATTERNS

TEXTS = {"genre": "Rap", "genre_bas": "rap"}


@pytest.mark.parametrize("wording", PATTERNS)
def test_every_wording_reads_without_holes(wording):
    given = {slot: np.full(40, word, dtype=object) for slot, word in TEXTS.items()}
    texts = compose(np.random.default_rng(0), np.full(40, wording), given)
    for text in texts:
        assert text == text.strip()
        assert "{" not in text
        assert "  " not in text
        assert text[0].isupper() or text[0].isdigit()


@pytest.mark.parametrize("wording", PATTERNS)
def test_articles_are_elided_before_vowels(wording):
    given = {slot: np.full(200, word, dtype=object) for slot, word in TEXTS.items()}
    texts = compose(np.random.default_rng(1), np.full(200, wording), given)
    vowels = tuple("AEIOUÉÈÎÔ")
    for text in texts:
        pairs = pairwise(text.split())
        assert not [b for a, b in pairs if a in {"Le", "La", "de"} and b.startswith(vowels)], text


def test_words_that_are_given_are_used():
    given = {"genre": np.array(["Jazz", "Rock"], dtype=object)}
    texts = compose(np.random.default_rng(0), np.full(2, "description_other"), given)
    assert texts[0].startswith("Jazz")
    assert texts[1].startswith("Rock")


def test_repeats_are_written_anew():
    generator = np.random.default_rng(0)
    wordings = np.full(300, "roman")
    repeats = 300 - len(set(compose(generator, wordings)))
    distinct = compose_distinct(generator, wordings, {})
    assert repeats > 300 - len(set(distinct))
    assert len(set(distinct)) > 295
