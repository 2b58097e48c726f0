"""A user's horizon: what was met, the points of a first time, the expected gain of a slate.

The points are those of the programme's published diversity score: a first booking of a new value
of an attribute earns the attribute's points, a value met before earns nothing, an unknown value
earns nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

POINTS: Mapping[str, float] = MappingProxyType(
    {"category": 25.0, "venue_type": 20.0, "subcategory": 10.0, "venue": 5.0, "genre": 5.0}
)
"""Points that the first booking of a value earns, by attribute."""

Value = tuple[str, str]
"""An attribute and one of its values, as ("category", "CINEMA")."""


def values_of(
    *,
    category: str | None = None,
    venue_type: str | None = None,
    subcategory: str | None = None,
    venue: str | None = None,
    genres: Iterable[str] = (),
) -> frozenset[Value]:
    """Return the attribute values of one offer; those unknown are left out.

    >>> sorted(values_of(category="LIVRE", genres=["manga"]))
    [('category', 'LIVRE'), ('genre', 'manga')]
    """
    single = (
        ("category", category),
        ("venue_type", venue_type),
        ("subcategory", subcategory),
        ("venue", venue),
    )
    known = [(attribute, value) for attribute, value in single if value]
    known += [("genre", genre) for genre in genres if genre]
    return frozenset(known)


def points(offers: Iterable[Set[Value]], met: Set[Value] = frozenset()) -> float:
    """Return f(offers | met): points of all values of the offers that were not met.

    >>> points([values_of(category="LIVRE"), values_of(category="LIVRE", venue="a")])
    30.0
    """
    found = set().union(*offers) - met
    return sum((POINTS[attribute] for attribute, _ in found), 0.0)


def unmet_after(offers: Sequence[Set[Value]], probabilities: Sequence[float]) -> dict[Value, float]:
    """Return, for each value of the offers, the probability that none of them with it is booked.

    >>> play = values_of(category="SPECTACLE")
    >>> unmet_after([play, play], [0.5, 0.5])
    {('category', 'SPECTACLE'): 0.25}
    """
    unmet: dict[Value, float] = {}
    for values, probability in zip(offers, probabilities, strict=True):
        for value in values:
            unmet[value] = unmet.get(value, 1.0) * (1.0 - probability)
    return unmet


def expected_gains(
    offers: Sequence[Set[Value]],
    probabilities: Sequence[float],
    met: Set[Value],
    before: Mapping[Value, float] = MappingProxyType({}),
) -> list[float]:
    """Return what each offer adds to the expected gain G of the offers before it.

    G(S | met) sums, over the values not met, the points times the probability that at least one
    offer of S with this value is booked, each independently with its probability. The sum of the
    result is G of the whole slate.

    Parameters
    ----------
    offers
        Attribute values of each offer, in the order of the slate.
    probabilities
        That the user books each, from 0 to 1.
    met
        Values of the user's bookings.
    before
        What the pages before left open: `unmet_after` of all that they offered.

    >>> play = values_of(category="SPECTACLE")
    >>> expected_gains([play, play], [0.5, 0.5], frozenset())
    [12.5, 6.25]
    """
    unmet = dict(before)
    gains = []
    for values, probability in zip(offers, probabilities, strict=True):
        earned = []
        for value in values - met:
            still = unmet.get(value, 1.0)
            earned.append(POINTS[value[0]] * still * probability)
            unmet[value] = still * (1.0 - probability)
        # Exactly: a set is in another order in each process.
        gains.append(math.fsum(earned))
    return gains


@dataclass(frozen=True)
class ValueTable:
    """The attribute values of R offers as codes: V values of known points."""

    names: tuple[Value, ...]
    """(V,) sorted."""
    start: NDArray[np.int64]
    """(R + 1,) bounds of each offer's entries in `value`."""
    value: NDArray[np.int32]
    """(E,) codes, each once an offer, ascending."""
    points: NDArray[np.float64]
    """(V,) that a first booking of each value earns."""

    def codes_of(self, attribute: str) -> NDArray[np.int64]:
        """Return the codes of an attribute's values; none where the offers do not have it."""
        return np.flatnonzero([name == attribute for name, _ in self.names])

    def take(self, rows: NDArray[np.integer]) -> "ValueTable":
        """Return the table of the offers at `rows`, with the same codes."""
        length = np.diff(self.start)[rows]
        start = np.append(0, np.cumsum(length)).astype(np.int64)
        entry = np.arange(start[-1]) + np.repeat(self.start[rows] - start[:-1], length)
        return ValueTable(self.names, start, self.value[entry], self.points)


def value_table(
    offers: Sequence[Set[Value]], points_by_attribute: Mapping[str, float] = POINTS
) -> ValueTable:
    """Return the values of `offers` as codes.

    Raises
    ------
    KeyError
        An attribute has no points.

    >>> table = value_table([values_of(category="LIVRE"), values_of(), values_of(venue="a")])
    >>> table.names, table.start.tolist(), table.value.tolist(), table.points.tolist()
    ((('category', 'LIVRE'), ('venue', 'a')), [0, 1, 1, 2], [0, 1], [25.0, 5.0])
    """
    names = tuple(sorted(set().union(*offers)))
    code = {name: at for at, name in enumerate(names)}
    entries = [sorted(code[name] for name in offer) for offer in offers]
    return ValueTable(
        names=names,
        start=np.append(0, np.cumsum([len(entry) for entry in entries])).astype(np.int64),
        value=np.array([at for entry in entries for at in entry], dtype=np.int32),
        points=np.array([points_by_attribute[name] for name, _ in names], dtype=np.float64),
    )
