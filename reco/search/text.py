"""What a text matches: full text in French, and similar titles where that finds little."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from reco.db.arrays import fetch_arrays

MAX_ITEMS = 20_000
"""Items that a text may match; of more the rest is not looked at, and the answer says so."""
MAX_VENUES = 50_000
"""All of a country, so that what is near is among those that match."""
MAX_SIMILAR = 200
FEW = 5
"""Where fewer items match as typed, similar titles are taken too."""

_FULL = 1_000_000
"""Ranks of what matches as typed lie above it, those of similar titles below."""

_ITEMS = """
select item_id, {full} + 1 + (ts_rank(document, query) * 1e6)::int4
from (
  select t.item_id, t.document, asked.query
  from (select {query} as query) asked
  join reco.item_text t on t.document @@ asked.query
  limit %(most)s
) matched
"""
_VENUES = """
select venue_id from reco.venue_text where document @@ {query} and not ({excludes})
limit %(most)s
"""
# A title may be of nothing but words that no document keeps.
_VERY_TITLE = """
select item_id, {full} + 1 from reco.item_text where folded = reco.folded(%(text)s) limit %(most)s
"""
# As names are written.
_QUERY = "websearch_to_tsquery('reco.french', reco.named(%(text)s))"
# A venue's name does not tell what is excluded of its works. A dash excludes in some places and
# joins in others: the parser knows.
_EXCLUDES = f"select {_QUERY}::text ~ '!'"
_PARTS = {"full": _FULL, "query": _QUERY, "excludes": _EXCLUDES}
# Words that every other title has would make all of these candidates.
_SIMILAR = """
select item_id, greatest(1, similarity * 1e6)::int4 from reco.items_like((
  select string_agg(word, ' ' order by place)
  from unnest(%(words)s::text[]) with ordinality typed (word, place)
  where to_tsvector('reco.french', reco.named(word)) <> ''
), %(most)s)
"""
_SHIELDED_NO = re.compile(r'("[^"]*"?)|(?<!\S)-[^\w\s"]+(?=[\w"])')
"""What is quoted, or a dash before a word with signs between: these would hide it."""
_LAST_OR = re.compile(r'(?:(?<=\s)or\s+[^\w\s"][^\w"]*)+$', re.IGNORECASE)
"""An or before nothing but signs."""
_LOOSE_DASH = re.compile(r'-(?![\w"])')
_JOINED_NO = re.compile(r'("[^"]*"?)|(?<!\S)-([^\s"]*(?:[/.@<>]|-\d)[^\s"]*)')
"""What is quoted, or an excluded word that stands for several (`reco.apart`): all of them are
excluded, together."""
_LONG_WORD = re.compile(r"\w{3,}")
_TYPES = {"item": "int8", "rank": "int4"}


@dataclass(frozen=True)
class TextMatches:
    """What matches a text, in the whole country."""

    item_id: NDArray[np.int64]
    rank: NDArray[np.int32]
    """How well, the more the better; more than a million: as it was typed."""
    venue_id: NDArray[np.int64]
    is_cut: bool
    """Whether more items or venues match than are looked at."""
    with_similar: bool

    venue_rank: int = _FULL + 1
    """Of the offers of a venue whose name matches: behind all items that match as typed."""


def read_matches(
    connection: psycopg.Connection[Any], text: str, *, with_similar: bool | None = None
) -> TextMatches:
    """Return what matches `text`.

    Parameters
    ----------
    with_similar
        Whether to take similar titles too; None: where little matches, and nothing is excluded,
        which a similar title may have.
    """
    words = _as_asked(text)
    most = MAX_ITEMS + 1
    items = fetch_arrays(connection, _ITEMS.format(**_PARTS), _TYPES, {"text": words, "most": most})
    if not len(items["item"]):
        title = {"text": text.strip(), "most": most}
        items = fetch_arrays(connection, _VERY_TITLE.format(**_PARTS), _TYPES, title)
    asked = {"text": words, "most": MAX_VENUES + 1}
    venues = fetch_arrays(connection, _VENUES.format(**_PARTS), {"venue": "int8"}, asked)
    if with_similar is None:
        with_similar = len(items["item"]) < FEW and not _excludes(connection, words)
    ids, ranks = items["item"][:MAX_ITEMS], items["rank"][:MAX_ITEMS]
    if with_similar:
        typed = {"words": _LONG_WORD.findall(words), "most": MAX_SIMILAR}
        similar = fetch_arrays(connection, _SIMILAR, _TYPES, typed)
        is_new = ~np.isin(similar["item"], ids)
        ids = np.concatenate([ids, similar["item"][is_new]])
        ranks = np.concatenate([ranks, similar["rank"][is_new]])
    return TextMatches(
        item_id=ids,
        rank=ranks,
        venue_id=venues["venue"][:MAX_VENUES],
        is_cut=len(items["item"]) > MAX_ITEMS or len(venues["venue"]) > MAX_VENUES,
        with_similar=with_similar,
    )


def _as_asked(text: str) -> str:
    """Return `text` with a dash before each word that it excludes, and before nothing else.

    A last or has a sign after it where it had any.
    """
    # Without its signs the or would be a word; before this one PostgreSQL passes it over.
    ended = _LAST_OR.sub("or !", text)
    bare = _SHIELDED_NO.sub(lambda found: found[1] or "-", ended)
    # PostgreSQL takes a dash between words for a no, and many of them are more than it can stack.
    tight = _LOOSE_DASH.sub(" ", bare)
    return _JOINED_NO.sub(lambda found: found[1] or f'-"{found[2]}"', tight)


def _excludes(connection: psycopg.Connection[Any], words: str) -> bool:
    ((found,),) = connection.execute(_EXCLUDES, {"text": words})
    return bool(found)
