"""What an item is about, as a sparse vector: the words of its text, in French, and its attributes.

Words are hashed into a fixed number of buckets (Weinberger et al. 2009, "Feature hashing"), so that
a work of which no model has heard has a vector in the moment when it is published.
"""

import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

BUCKETS = 4096
_ATTRIBUTE = 3.0
"""An attribute counts so many words: it is never there by chance."""
_MOST_CHARACTERS = 4_000
"""Of a description; what it is about it says in the beginning."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_STOPPED = """
au aussi aux avec ce ces cette comme dans de des du elle elles en entre est et ete etre eu fait il
ils je la le les leur leurs lui ma mais me mes mon ne nos notre nous on ou par pas plus pour qu que
qui sa sans se ses si son sont sous sur ta tes toi ton tous tout toute toutes tu un une vos votre
vous
"""
_STOP_WORDS = frozenset(_STOPPED.split())


@dataclass(frozen=True)
class ItemContent:
    """What is known of an item before anybody met it; None: not known."""

    category: str
    subcategory: str | None = None
    genres: tuple[str, ...] = ()
    title: str | None = None
    description: str | None = None
    price_cents: int | None = None
    """Of its cheapest stock."""
    venue: str | None = None
    """Where it is, where that is one venue."""


def content_terms(content: ItemContent) -> dict[str, float]:
    """Return each word and attribute of an item with its weight.

    Words are without accents and in lower case, so that none equals an attribute.

    >>> content_terms(ItemContent("LIVRE", title="L'Étoile du Nord", price_cents=850))
    {'etoile': 1.0, 'nord': 1.0, 'category=LIVRE': 3.0, 'price=3': 3.0}
    """
    text = f"{content.title or ''} {(content.description or '')[:_MOST_CHARACTERS]}"
    terms = dict.fromkeys((word for word in _words(text) if word not in _STOP_WORDS), 1.0)
    attributes = [f"category={content.category}"]
    attributes += [f"subcategory={content.subcategory}"] if content.subcategory else []
    attributes += [f"genre={genre}" for genre in content.genres]
    attributes += [f"genre={content.subcategory}/{genre}" for genre in content.genres]
    if content.price_cents is not None:
        # Powers of two: what costs 8 EUR is another thing than what costs 16.
        attributes.append(f"price={int(np.log2(max(1, content.price_cents // 100)))}")
    attributes += [f"venue={content.venue}"] if content.venue else []
    return terms | dict.fromkeys(attributes, _ATTRIBUTE)


def content_matrix(contents: Sequence[ItemContent]) -> "csr_array[np.float64]":
    """Return the (n, BUCKETS) sums of the weights of each item's terms, by bucket."""
    start, bucket, weight = [0], list[int](), list[float]()
    for content in contents:
        terms = content_terms(content)
        bucket += [zlib.crc32(term.encode()) % BUCKETS for term in terms]
        weight += terms.values()
        start.append(len(bucket))
    columns = np.array(bucket, dtype=np.int32), np.array(start, dtype=np.int32)
    matrix = csr_array((np.array(weight, dtype=np.float64), *columns), (len(contents), BUCKETS))
    matrix.sum_duplicates()
    return matrix


def weighted(
    matrix: "csr_array[np.float64]", rarity: NDArray[np.floating]
) -> "csr_array[np.float64]":
    """Return TF-IDF: the columns times `rarity` (BUCKETS,), each row to length 1.

    A row without any term stays empty.
    """
    scaled = matrix.multiply(rarity[np.newaxis, :]).tocsr()
    length = np.sqrt(np.asarray(scaled.multiply(scaled).sum(axis=1)).ravel())
    over = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    return csr_array(scaled.multiply(over[:, np.newaxis]))


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.lower())
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))
