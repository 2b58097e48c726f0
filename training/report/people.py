"""The rows of a run, person by person: figures, slates and homes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from training.replay.folder import RunFolder
from training.replay.summary import by_person


@dataclass(frozen=True)
class SystemRows:
    """What one system showed to U people, a row a person and week, in the order of all systems."""

    rows: pa.Table
    user: NDArray[np.int64]
    """(N,) number of the person of each row, the same for all systems."""

    def figures(self, metrics: list[str]) -> dict[str, NDArray[np.float64]]:
        """Return the mean of each person (U,) over the weeks in which a figure is defined."""
        told = {name: self.rows[name].to_numpy().astype(np.float64) for name in metrics}
        return by_person(told, self.user)

    @property
    def people(self) -> int:
        """U."""
        return int(self.user.max(initial=-1)) + 1

    @cached_property
    def owner(self) -> NDArray[np.int64]:
        """The row of each offer shown, slate by slate."""
        length = pc.list_value_length(self.rows["items"]).to_numpy()
        return np.repeat(np.arange(len(length)), length)

    def shown(self, column: str) -> NDArray[Any]:
        """Return a column of what is shown, slate by slate."""
        flat = pc.list_flatten(self.rows[column])
        return np.asarray(flat.to_numpy(zero_copy_only=False) if flat.num_chunks else [])


_TOLD = (
    "system", "at", "user", "lon", "lat", "bookable_venues", "items", "venues",
    "pooled_distances_m",
)  # fmt: skip


def system_rows(
    folder: RunFolder, systems: Sequence[str], metrics: Sequence[str]
) -> list[SystemRows]:
    """Return the rows of some systems, those of each person and week at the same place.

    Parameters
    ----------
    metrics
        Columns of figures that are wanted beside what is shown.
    """
    rows = folder.rows([*_TOLD, *metrics])
    order = [("at", "ascending"), ("user", "ascending")]
    tables = [rows.filter(pc.equal(rows["system"], name)).sort_by(order) for name in systems]
    numbers = pc.rank(tables[0]["user"], tiebreaker="dense").to_numpy().astype(np.int64) - 1
    return [SystemRows(table, numbers) for table in tables]


def homes_of(rows: SystemRows) -> NDArray[np.float64]:
    """Return where each person lives (U, 2), to a tenth of a degree; NaN unknown."""
    _, first = np.unique(rows.user, return_index=True)
    lived = [rows.rows[name].to_numpy()[first] for name in ("lon", "lat")]
    return np.stack(lived, axis=1).astype(np.float64)
