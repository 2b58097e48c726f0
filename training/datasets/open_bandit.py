"""Open Bandit logs (Saito et al. 2021): single impressions of two policies, with propensities."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reco.errors import InvalidInput
from training.datasets.files import read_csv, refuse_cells

POLICIES = ("random", "bts")
"""Uniform, and Bernoulli Thompson sampling: a folder each."""
_CONTEXT = "item_context.csv"
_COLUMNS = ("item_id", "position", "click", "propensity_score")


@dataclass(frozen=True)
class BanditLog:
    """N impressions of one policy; arrays of shape (N,)."""

    item: NDArray[np.int64]
    position: NDArray[np.int64]
    """From 0."""
    click: NDArray[np.float64]
    """0 or 1."""
    propensity: NDArray[np.float64]
    """Of the policy showing this item at this position, then; above 0."""


def read_open_bandit(folder: Path) -> Mapping[str, BanditLog]:
    """Return the logs of both policies from `random/CAMPAIGN.csv` and `bts/CAMPAIGN.csv`.

    Raises
    ------
    InvalidInput
        A file or a column is missing, or a cell is not what it must be; says which.
    """
    return {policy: _log(folder / policy) for policy in POLICIES}


def _log(folder: Path) -> BanditLog:
    name = _campaign(folder)
    table = read_csv(folder, name, (), _COLUMNS)
    allowed = {
        "item_id": (table["item_id"] % 1 == 0) & (table["item_id"] >= 0),
        "position": (table["position"] % 1 == 0) & (table["position"] >= 1),
        "click": table["click"].isin([0, 1]),
        "propensity_score": table["propensity_score"].between(0, 1, inclusive="right"),
    }
    for column, is_good in allowed.items():
        refuse_cells(folder / name, table[column], ~is_good, "cannot be")
    return BanditLog(
        table["item_id"].to_numpy(np.int64),
        table["position"].to_numpy(np.int64) - 1,
        table["click"].to_numpy(np.float64),
        table["propensity_score"].to_numpy(np.float64),
    )


def _campaign(folder: Path) -> str:
    names = sorted(path.name for path in folder.glob("*.csv") if path.name != _CONTEXT)
    if len(names) != 1:
        raise InvalidInput(str(folder), f"must hold the log of one campaign, has {names}")
    return names[0]
