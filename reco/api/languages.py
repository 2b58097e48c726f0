"""The language that a caller reads."""

from reco.feed.query import LANGUAGES


def language_of(asked: str | None, accepted: str | None) -> str:
    """Return what was asked for, or else the language that `Accept-Language` likes best.

    Languages that are not spoken here are passed over (RFC 9110, 12.5.4); of none that is left it
    is the first of `LANGUAGES`. What was asked for is not checked.

    >>> language_of(None, "de, en-GB;q=0.8, fr;q=0.3")
    'en'
    """
    if asked is not None:
        return asked
    liked = [_weighed(part) for part in (accepted or "").split(",")]
    spoken = [(weight, tag) for tag, weight in liked if tag in LANGUAGES and weight > 0.0]
    return max(spoken, key=lambda one: one[0])[1] if spoken else LANGUAGES[0]


def _weighed(part: str) -> tuple[str, float]:
    """Return the language of `en-GB;q=0.8` and its weight; what cannot be read weighs nothing."""
    tag, _, parameter = part.partition(";")
    name, _, weight = parameter.strip().partition("=")
    language = tag.strip().lower().partition("-")[0]
    if not parameter:
        return language, 1.0
    try:
        return language, float(weight) if name.strip() == "q" else 0.0
    except ValueError:
        return language, 0.0
