"""Data sets in LightGCN's text format as frames: a line a user, the user and then their items.

Items have one free, undated offer that takes place nowhere, every pair is a booking without a time.
Where `fit.txt` and `valid.txt` cut `train.txt` in two, they are the parts train and valid, and what
`train.txt` has beside them is of the part train; else that is the part train. `test.txt` is the
part test.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from reco.errors import InvalidInput
from reco.frames.schema import Frames
from reco.frames.tables import frame_table
from training.datasets.files import existing
from training.datasets.undated import digital_offers, free_stocks, no_venues

CATEGORY = "unknown"
"""The format says nothing of its items."""


def read_lightgcn(folder: Path) -> Frames:
    """Return the frames of a folder of `train.txt` (or `fit.txt` and `valid.txt`) and `test.txt`.

    Raises
    ------
    InvalidInput
        A file is missing or holds something else than whole numbers.
    """
    is_cut = all((folder / name).is_file() for name in ("fit.txt", "valid.txt"))
    names = {"train": "fit.txt", "valid": "valid.txt"} if is_cut else {"train": "train.txt"}
    parts = {
        part: _pairs(existing(folder, name))
        for part, name in (names | {"test": "test.txt"}).items()
    }
    pairs = pd.concat([pair.assign(split=part) for part, pair in parts.items()])
    if is_cut and (folder / "train.txt").is_file():
        train = _pairs(folder / "train.txt").merge(
            pairs[pairs["split"] != "test"], on=["user", "item"], how="left"
        )
        beside = train[train["split"].isna()].assign(split="train")
        pairs = pd.concat([pairs, beside])
    item_id = "i" + pd.Series(np.sort(pairs["item"].unique())).astype(str)
    user_id = "u" + pd.Series(np.sort(pairs["user"].unique())).astype(str)
    return {
        "items": frame_table(
            "items", {"item_id": item_id, "category": np.full(len(item_id), CATEGORY)}
        ),
        "venues": no_venues(),
        "offers": digital_offers(item_id),
        "stocks": free_stocks(item_id),
        "users": frame_table("users", {"user_id": user_id}),
        "interactions": frame_table(
            "interactions",
            {
                "user_id": "u" + pairs["user"].astype(str),
                "offer_id": "i" + pairs["item"].astype(str),
                "kind": np.full(len(pairs), "booking"),
                "split": pairs["split"],
            },
        ),
    }


def _pairs(path: Path) -> pd.DataFrame:
    """Return the pairs of a file, each once."""
    try:
        lines = [
            np.array(line.split(), dtype=np.int64)
            for line in path.read_text("utf-8-sig").splitlines()
        ]
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            str(path), f"holds something else than whole numbers ({error})"
        ) from None
    filled = [line for line in lines if len(line)]
    users = np.repeat([line[0] for line in filled], [len(line) - 1 for line in filled])
    items = np.concatenate([line[1:] for line in filled]) if filled else np.empty(0, np.int64)
    return pd.DataFrame({"user": users, "item": items}).drop_duplicates()
