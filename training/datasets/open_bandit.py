"""Open Bandit logs (Saito et al. 2021): single impressions of two policies, with propensities."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reco.errors import InvalidInput
from training.datasets.files import csv_parts, refuse_cells

POLICIES = ("random", "bts")
"""Uniform, and Bernoulli Thompson sampling: a folder each."""
_CONTEXT = "item_context.csv"
_COLUMNS = ("item_id", "position", "click", "propensity_score")


@dataclass(frozen=True)
class BanditLog:
    """N impressions of one policy; arrays of shape (N,)."""

    item: NDArray[np.int32]
    position: NDArray[np.int16]
    """From 0."""
    click: NDArray[np.bool_]
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
    parts = [_part(folder / name, part) for part in csv_parts(folder, name, (), _COLUMNS)]
    columns = (field.name for field in fields(BanditLog))
    return BanditLog(*(np.concatenate([getattr(part, one) for part in parts]) for one in columns))


def _part(path: Path, table: pd.DataFrame) -> BanditLog:
    item, position = table["item_id"], table["position"]
    allowed = {
        "item_id": (item % 1 == 0) & item.between(0, np.iinfo(np.int32).max),
        "position": (position % 1 == 0) & position.between(1, np.iinfo(np.int16).max),
        "click": table["click"].isin([0, 1]),
        "propensity_score": table["propensity_score"].between(0, 1, inclusive="right"),
    }
    for column, is_good in allowed.items():
        refuse_cells(path, table[column], ~is_good, "cannot be")
    return BanditLog(
        item.to_numpy(np.int32),
        position.to_numpy(np.int16) - np.int16(1),
        table["click"].to_numpy(np.bool_),
        table["propensity_score"].to_numpy(np.float64),
    )


def _campaign(folder: Path) -> str:
    names = sorted(path.name for path in folder.glob("*.csv") if path.name != _CONTEXT)
    if len(names) != 1:
        raise InvalidInput(str(folder), f"must hold the log of one campaign, has {names}")
    return names[0]
