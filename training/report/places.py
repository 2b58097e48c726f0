"""Who is served well, and where: people on a grid, those who are alone in a cell left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.intervals import Estimate, mean_intervals
from training.report.people import SystemRows, homes_of

LEAST_PEOPLE = 5
"""A cell of fewer is not shown, and a figure that is defined for fewer of a cell is not told."""
_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Sizes of cells in degrees; the homes in a run are told to the finest."""
_MOST_CELLS = 500
_SHARE_SHOWN = 0.6
"""Of the people; cells are made larger until so many live in one that is shown."""
METRICS = ("hit", "novel_recall", "distance_m")
"""That are told by place."""


@dataclass(frozen=True)
class Cell:
    """The people who live around one point of the grid."""

    lon: float
    lat: float
    people: int
    figures: Mapping[str, tuple[Estimate | None, ...]]
    """Means by metric, in the order of the systems; None: too few of them have it."""


@dataclass(frozen=True)
class Territory:
    """People on a grid."""

    step_degrees: float
    cells: tuple[Cell, ...]
    cells_left_out: int
    people_left_out: int
    """In those cells."""
    people_nowhere: int
    """Without a home."""


def territory_of(systems: Sequence[SystemRows], n: int, seed: int = 0) -> Territory:
    """Return where people live, and how well each system serves them there."""
    home = homes_of(systems[0])
    has_home = ~np.isnan(home).any(axis=1)
    step, cell, places = _grid(home[has_home])
    people = np.bincount(cell, minlength=len(places))
    names = [f"{name}@{n}" for name in METRICS]
    of_systems = [system.figures(names) for system in systems]
    columns = [figures[name][has_home] for name in names for figures in of_systems]
    table = np.stack(columns, axis=1)
    is_told = people >= LEAST_PEOPLE
    cells = tuple(
        Cell(
            lon=round(float(places[at, 0]) * step, 1),
            lat=round(float(places[at, 1]) * step, 1),
            people=int(people[at]),
            figures=_figures(names, table[cell == at], seed),
        )
        for at in np.flatnonzero(is_told).tolist()
    )
    return Territory(
        step_degrees=step,
        cells=cells,
        cells_left_out=int(np.count_nonzero(~is_told)),
        people_left_out=int(people[~is_told].sum()),
        people_nowhere=int(np.count_nonzero(~has_home)),
    )


def _grid(home: NDArray[np.float64]) -> tuple[float, NDArray[np.int64], NDArray[np.int64]]:
    """Return the finest step that shows most people in few cells, each one's cell, cells (C, 2)."""
    for step in _STEPS:
        places, cell = np.unique(
            np.round(home / step).astype(np.int64), axis=0, return_inverse=True
        )
        people = np.bincount(cell.reshape(-1), minlength=len(places))
        shown = people[people >= LEAST_PEOPLE].sum()
        if len(places) <= _MOST_CELLS and shown >= _SHARE_SHOWN * len(home):
            break
    return step, cell.reshape(-1).astype(np.int64), places


def _figures(
    names: Sequence[str], table: NDArray[np.float64], seed: int
) -> dict[str, tuple[Estimate | None, ...]]:
    """Return the means of each name and system (names times systems) over the people of a cell."""
    is_known = np.count_nonzero(~np.isnan(table), axis=0) >= LEAST_PEOPLE
    means = iter(mean_intervals(table[:, is_known], seed) if is_known.any() else ())
    found = [next(means) if known else None for known in is_known.tolist()]
    systems = len(found) // len(names)
    return {name: tuple(found[at * systems : (at + 1) * systems]) for at, name in enumerate(names)}
