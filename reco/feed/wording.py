"""What is explained, in words: short enough for a card, in each of the page's languages."""

import json
import math
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter

from reco.feed.answer import Parameter, Statement

_TEXTS = Path(__file__).parents[1] / "web" / "texts.json"
_NAMES = 4_096
"""Values whose names are kept at hand."""
MOST_LETTERS = 60
"""Of a title or another name, which can be of any length."""
_COUNTED = ("bookings_near", "changed", "intensity", "points_a_booking")
"""Parameters that a text of their own is told with where there is one, or none, of them."""
_FORMS: Mapping[Parameter, str] = {0: "_none", 1: "_one"}
_FEW = 2.0
"""French has the singular for less."""
_LEAST = 0.1
"""What one place after the point can tell."""
_NO_BREAK = "\N{NO-BREAK SPACE}"


def statement(language: str, code: str, parameters: Mapping[str, Parameter]) -> Statement:
    """Return a fact with its words.

    Parameters
    ----------
    language
        One of `reco.feed.query.LANGUAGES`.
    code
        Its words are the text `explain_CODE`, with `_one`, `_none` or `_below_two` after it where
        what is counted is one, none, or another number below two.
    """
    template = _texts()[language][f"explain_{code}{_form(parameters)}"]
    words = {key: _word(key, parameters, language) for key in _told_by(template)}
    return Statement(code, parameters, template.format_map(words) if words else template)


def _form(parameters: Mapping[str, Parameter]) -> str:
    counts = ((key, parameters[key]) for key in _COUNTED if key in parameters)
    # As they are written: 1.04 is told as one.
    written = [
        round(count, _places(key, count)) for key, count in counts if isinstance(count, int | float)
    ]
    return next((_FORMS.get(count, "_below_two") for count in written if count < _FEW), "")


@cache
def _told_by(template: str) -> tuple[str, ...]:
    """Return the parameters that a text has room for."""
    return tuple(key for _, key, _, _ in Formatter().parse(template) if key)


def _word(key: str, parameters: Mapping[str, Parameter], language: str) -> Parameter:
    value = parameters[key]
    if key == "value":
        return _shortened(value_name(str(parameters["attribute"]), str(value), language))
    if isinstance(value, str):
        return _shortened(value)
    return _number(key, value, language) if isinstance(value, float) else value


def _shortened(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1].rstrip()}…"


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
    return _decimal(value, language, _places(key, value))


def _places(key: str, value: float) -> int:
    """Return how many places after the point a number is told with."""
    if key == "fair_eur":
        return 2
    if key == "points_a_booking" and value < _LEAST:
        # However little it is, it is not none.
        return -math.floor(math.log10(value))
    return 1


def _decimal(value: float, language: str, places: int = 1) -> str:
    """Return a number with so many places after the point, or whole, as the language writes it."""
    written = f"{value:.{places}f}".removesuffix(f".{'0' * places}")
    return written.replace(".", ",") if language == "fr" else written


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    """Return the words that the page speaks, too: each is written once."""
    texts: Mapping[str, Mapping[str, str]] = json.loads(_TEXTS.read_text())
    return texts
