"""What comes and what goes when one system takes the place of another."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from training.intervals import Estimate, mean_intervals
from training.replay.summary import by_person
from training.report.people import SystemRows

_MOST = 10


@dataclass(frozen=True)
class CategoryShare:
    """How much of the slates one category has, on average over people."""

    category: str
    first: Estimate | None
    """None: nobody is shown anything."""
    second: Estimate | None
    difference: Estimate | None
    """Second minus first, paired."""


@dataclass(frozen=True)
class Moved:
    """An item that is shown more, or less."""

    title: str
    category: str
    first: int
    """Slates that show it."""
    second: int


@dataclass(frozen=True)
class Changes:
    """Slates of two systems, person by person and week by week."""

    slates: int
    overlap: Estimate | None
    """Share of the first one's offers that the second one shows too; None: it shows none."""
    unchanged: Estimate | None
    """Share of the slates that show the same offers."""
    categories: tuple[CategoryShare, ...]
    gained: tuple[Moved, ...]
    lost: tuple[Moved, ...]


def changes_of(first: SystemRows, second: SystemRows, items: pa.Table, seed: int) -> Changes:
    """Return what changes from the first to the second.

    Parameters
    ----------
    items
        The table of the run.
    """
    overlap = _overlap(first, second, len(items))
    both = {"overlap": overlap, "unchanged": _undefined_kept(overlap, overlap >= 1.0)}
    told = by_person(both, first.user)
    shared, same = _means(np.column_stack([told["overlap"], told["unchanged"]]), seed)
    times = [_times(system, len(items)) for system in (first, second)]
    return Changes(
        slates=len(first.user),
        overlap=shared,
        unchanged=same,
        categories=_categories(first, second, items, seed),
        gained=_moved(times[0], times[1], items, 1),
        lost=_moved(times[0], times[1], items, -1),
    )


def _overlap(first: SystemRows, second: SystemRows, items: int) -> NDArray[np.float64]:
    """Return the share (N,) of each first slate that is on the second; NaN: it is empty."""
    key, other = (
        system.owner * items + system.shown("items").astype(np.int64) for system in (first, second)
    )
    kept = np.bincount(first.owner, np.isin(key, other), minlength=len(first.user))
    length = np.bincount(first.owner, minlength=len(first.user))
    share = np.full(len(length), np.nan)
    np.divide(kept, length, out=share, where=length > 0)
    return share


def _undefined_kept(of: NDArray[np.float64], marks: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(np.isnan(of), np.nan, marks)


def _times(system: SystemRows, items: int) -> NDArray[np.int64]:
    return np.bincount(system.shown("items").astype(np.int64), minlength=items)


def _categories(
    first: SystemRows, second: SystemRows, items: pa.Table, seed: int
) -> tuple[CategoryShare, ...]:
    names, code = np.unique(
        np.array(items["category"].to_pylist(), dtype=object).astype(str), return_inverse=True
    )
    shares = [_category_shares(system, code, len(names)) for system in (first, second)]
    is_shown = [at for at in range(len(names)) if any(np.nansum(one[:, at]) > 0 for one in shares)]
    columns = [one[:, is_shown] for one in (*shares, shares[1] - shares[0])]
    found = _means(np.concatenate(columns, axis=1), seed)
    count = len(is_shown)
    told = [
        CategoryShare(str(names[at]), *(found[place + part * count] for part in range(3)))
        for place, at in enumerate(is_shown)
    ]
    return tuple(sorted(told, key=lambda one: -one.first.value if one.first else 0.0))


def _means(figures: NDArray[np.float64], seed: int) -> list[Estimate | None]:
    """Return the mean of each column over people; None where it is defined for nobody."""
    known = np.count_nonzero(~np.isnan(figures), axis=0) > 0
    found = iter(mean_intervals(figures[:, known], seed) if known.any() else [])
    return [next(found) if is_known else None for is_known in known.tolist()]


def _category_shares(
    system: SystemRows, code: NDArray[np.integer], categories: int
) -> NDArray[np.float64]:
    """Return the share (U, C) of what each person is shown."""
    category = code[system.shown("items").astype(np.int64)]
    owner = system.user[system.owner]
    counts = np.bincount(owner * categories + category, minlength=system.people * categories)
    counts = counts.reshape(system.people, categories).astype(np.float64)
    total = counts.sum(axis=1, keepdims=True)
    shares = np.full(counts.shape, np.nan)
    np.divide(counts, total, out=shares, where=total > 0)
    return shares


def _moved(
    first: NDArray[np.int64], second: NDArray[np.int64], items: pa.Table, sign: int
) -> tuple[Moved, ...]:
    more = sign * (second - first)
    order = np.argsort(-more, kind="stable")[:_MOST]
    return tuple(
        Moved(
            items["title"][at].as_py() or items["item_id"][at].as_py(),
            items["category"][at].as_py(),
            int(first[at]),
            int(second[at]),
        )
        for at in order.tolist()
        if more[at] > 0
    )
