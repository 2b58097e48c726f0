"""What is explained, in words: short enough for a card, in each of the page's languages."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from reco.feed.answer import Parameter, Statement

_TEXTS = Path(__file__).parents[1] / "web" / "texts.json"
_NAMES = 4_096
"""Values whose names are kept at hand."""
_NO_BREAK = "\N{NO-BREAK SPACE}"


def statement(language: str, code: str, parameters: Mapping[str, Parameter]) -> Statement:
    """Return a fact with its words.

    Parameters
    ----------
    language
        One of `reco.feed.query.LANGUAGES`.
    code
        Its words are the text `explain_CODE`, or `explain_CODE_one` where what is counted is one.
    """
    texts = _texts()[language]
    is_single = parameters.get("bookings_near") == 1 or parameters.get("changed") == 1
    template = texts[f"explain_{code}_one" if is_single else f"explain_{code}"]
    if not parameters:
        return Statement(code, parameters, template)
    return Statement(code, parameters, template.format_map(_Words(parameters, language)))


@dataclass(frozen=True)
class _Words(Mapping[str, Parameter]):
    """Parameters in words, made of those alone that a text has room for."""

    parameters: Mapping[str, Parameter]
    language: str

    def __getitem__(self, key: str) -> Parameter:
        value = self.parameters[key]
        if key == "value":
            return value_name(str(self.parameters["attribute"]), str(value), self.language)
        return _number(key, value, self.language) if isinstance(value, float) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)


@lru_cache(_NAMES)
def value_name(attribute: str, value: str, language: str) -> str:
    """Return what a value is called: by the texts, or else its code made readable.

    >>> value_name("category", "SPECTACLE", "en"), value_name("genre", "BANDE_DESSINEE", "en")
    ('Stage', 'Bande dessinee')
    """
    known = _texts()[language].get(f"{attribute}_{value}")
    if known:
        return known
    words = value.replace("_", " ")
    return words.capitalize() if value == value.upper() else words


def _number(key: str, value: float, language: str) -> str:
    if key == "relevance_kept":
        # Never more than was kept.
        space = _NO_BREAK if language == "fr" else ""
        return f"{_decimal(math.floor(value * 1000.0) / 10.0, language)}{space}%"
    return _decimal(value, language)


def _decimal(value: float, language: str) -> str:
    """Return a number with at most one place after the point, as the language writes it."""
    written = f"{value:.1f}".removesuffix(".0")
    return written.replace(".", ",") if language == "fr" else written


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    """Return the words that the page speaks, too: each is written once."""
    texts: Mapping[str, Mapping[str, str]] = json.loads(_TEXTS.read_text())
    return texts
