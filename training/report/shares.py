"""Shares of what is shown, beside the first system: intervals and tests by people."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from training.paired import Compared, compare
from training.report.people import SystemRows

Floats = NDArray[np.float64]


def shares_of(
    systems: Sequence[SystemRows], kinds: Mapping[str, NDArray[np.bool_]], seed: int
) -> dict[str, tuple[Compared, ...]]:
    """Return the share of what is shown at venues of each kind, in the order of the systems.

    Parameters
    ----------
    kinds
        (V,) marks of the venues, by name.
    """
    marks = np.stack(list(kinds.values()), axis=1).astype(np.float64)
    tables = []
    for system in systems:
        venue = system.shown("venues").astype(np.int64)
        at_venue = venue >= 0
        person = system.user[system.owner[at_venue]]
        weight = 1.0 / np.log2(_places(system)[at_venue] + 2.0)
        tables.append(_pseudo_values(person, weight, marks[venue[at_venue]], system.people))
    return _compared(list(kinds), tables, seed)


def online_shares(systems: Sequence[SystemRows], seed: int) -> tuple[Compared, ...]:
    """Return the share of what is shown that is at no venue."""
    tables = []
    for system in systems:
        is_online = system.shown("venues").astype(np.int64)[:, np.newaxis] < 0
        person, weight = system.user[system.owner], np.ones(len(is_online))
        tables.append(_pseudo_values(person, weight, is_online.astype(np.float64), system.people))
    return _compared(["online"], tables, seed)["online"]


def _places(system: SystemRows) -> NDArray[np.int64]:
    """Return the place of each offer shown on its slate, from 0 on."""
    first = np.searchsorted(system.owner, system.owner)
    return np.asarray(np.arange(len(system.owner)) - first, dtype=np.int64)


def _pseudo_values(person: NDArray[np.int64], weight: Floats, is_of: Floats, people: int) -> Floats:
    """Return what each person makes of each share (U, G); their mean is the share.

    Parameters
    ----------
    is_of
        (N, G) 1 where an offer shown is of a kind.
    """
    own = np.zeros((people, is_of.shape[1]))
    np.add.at(own, person, weight[:, np.newaxis] * is_of)
    all_own = np.bincount(person, weight, people)
    total = float(all_own.sum())
    if not total:
        return np.full(own.shape, np.nan)
    share = own.sum(axis=0) / total
    return np.asarray(share + people * (own - np.outer(all_own, share)) / total)


def _compared(
    names: Sequence[str], tables: Sequence[Floats], seed: int
) -> dict[str, tuple[Compared, ...]]:
    figures = [dict(zip(names, table.T, strict=True)) for table in tables]
    found = compare(figures, [{} for _ in tables], [True] * len(tables), seed)
    return {name: tuple(of_system[name] for of_system in found) for name in names}
