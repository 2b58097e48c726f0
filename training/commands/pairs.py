"""What is written as NAME=VALUE on the command line."""

from collections.abc import Collection, Sequence

from reco.errors import InvalidInput


def pairs(field: str, texts: Sequence[str]) -> dict[str, str]:
    """Return the value of each name, told once, else raise `InvalidInput`."""
    told: dict[str, str] = {}
    for text in texts:
        key, is_there, value = text.partition("=")
        if not is_there or not value:
            raise InvalidInput(field, f"{text!r} is not written as NAME=VALUE")
        if key in told:
            raise InvalidInput(field, f"{key!r} is told twice")
        told[key] = value
    return told


def known_pairs(field: str, text: str, known: Collection[str]) -> dict[str, str]:
    """Return the pairs of a text like `floor=.9,intensity=2`; no others than those known.

    >>> known_pairs("dials", "floor=.9,intensity=2", ("floor", "intensity"))
    {'floor': '.9', 'intensity': '2'}
    """
    told = pairs(field, text.split(",") if text else ())
    for key in told:
        if key not in known:
            raise InvalidInput(field, f"{key!r} is unknown", list(known))
    return told


def number(field: str, text: str) -> float:
    """Return the number that a text is, else raise `InvalidInput`."""
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(field, f"{text!r} is no number") from None
