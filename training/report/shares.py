"""Shares of what is shown, beside the first system: intervals and tests by people."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

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
        shape = (system.people, len(marks))
        of_person = coo_array((weight, (person, venue[at_venue])), shape=shape).tocsr()
        of_kinds: Floats = np.asarray(of_person @ marks)
        tables.append(_pseudo_values(of_kinds, _by_person(system, person, weight)))
    return _compared(list(kinds), tables, seed)


def online_shares(systems: Sequence[SystemRows], seed: int) -> tuple[Compared, ...]:
    """Return the share of what is shown that is at no venue."""
    tables = []
    for system in systems:
        is_online = system.shown("venues").astype(np.int64) < 0
        person = system.user[system.owner]
        online, shown = (
            _by_person(system, person, weight) for weight in (is_online, np.ones(len(person)))
        )
        tables.append(_pseudo_values(online[:, np.newaxis], shown))
    return _compared(["online"], tables, seed)["online"]


def _places(system: SystemRows) -> NDArray[np.int64]:
    """Return the place of each offer shown on its slate, from 0 on."""
    first = np.searchsorted(system.owner, system.owner)
    return np.asarray(np.arange(len(system.owner)) - first, dtype=np.int64)


def _by_person(system: SystemRows, person: NDArray[np.int64], weight: NDArray[Any]) -> Floats:
    """Return the sum of the weights of each person (U,)."""
    return np.asarray(np.bincount(person, weight, system.people), dtype=np.float64)


def _pseudo_values(own: Floats, all_own: Floats) -> Floats:
    """Return what each person makes of each share (U, G); their mean is the share.

    Parameters
    ----------
    own
        (U, G) what each person is shown of each kind.
    all_own
        (U,) what they are shown at all.
    """
    total = float(all_own.sum())
    if not total:
        return np.full(own.shape, np.nan)
    share = own.sum(axis=0) / total
    return np.asarray(share + len(own) * (own - np.outer(all_own, share)) / total)


def _compared(
    names: Sequence[str], tables: Sequence[Floats], seed: int
) -> dict[str, tuple[Compared, ...]]:
    figures = [dict(zip(names, table.T, strict=True)) for table in tables]
    found = compare(figures, [True] * len(tables), seed)
    return {name: tuple(of_system[name] for of_system in found) for name in names}
