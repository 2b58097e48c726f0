"""Check-ins at places (the CAPRI cut of Yelp) as frames.

A place is a venue with one free, undated offer of one item; a person's check-ins there are one
booking with their number as its value. There are no times: the set brings its own split, where
`tune`, if there is one, is the validation part. No pair of person and place stands in two parts.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from reco.frames.schema import Frames
from reco.frames.tables import frame_table
from training.datasets.files import read_numbers
from training.datasets.undated import free_stocks

_PARTS = {"train": "train.txt", "valid": "tune.txt", "test": "test.txt"}

UNKNOWN_CATEGORY = "unknown"
"""Category of the few places that have none."""


def read_yelp_poi(folder: Path) -> Frames:
    """Return the frames of a folder of `train, test, poiCoos, poiCategories` (`.txt`).

    And `tune.txt`, where the folder has it. A place's first category is its category, all of them
    are its genres.

    Raises
    ------
    InvalidInput
        A file is missing or a line is not of numbers.
    """
    parts = {
        part: read_numbers(folder, name, ["user", "place", "count"])
        for part, name in _PARTS.items()
        if part != "valid" or (folder / name).is_file()
    }
    visits = pd.concat([visit.assign(split=part) for part, visit in parts.items()])
    places = read_numbers(folder, "poiCoos.txt", ["place", "lat", "lon"])
    kinds = read_numbers(folder, "poiCategories.txt", ["place", "category"])
    name = "c" + kinds["category"].astype(str)
    of_place = name.groupby(kinds["place"])
    place_id = "p" + places["place"].astype(str)
    return {
        "items": frame_table(
            "items",
            {
                "item_id": place_id,
                "category": places["place"].map(of_place.first()).fillna(UNKNOWN_CATEGORY),
                "genre": places["place"].map(of_place.agg("|".join)),
            },
        ),
        "venues": frame_table(
            "venues", {"venue_id": place_id, "lon": places["lon"], "lat": places["lat"]}
        ),
        "offers": frame_table(
            "offers", {"offer_id": place_id, "item_id": place_id, "venue_id": place_id}
        ),
        "stocks": free_stocks(place_id),
        "users": frame_table("users", {"user_id": _user_id(pd.Series(visits["user"].unique()))}),
        "interactions": frame_table(
            "interactions",
            {
                "user_id": _user_id(visits["user"]),
                "offer_id": "p" + visits["place"].astype(str),
                "kind": np.full(len(visits), "booking"),
                "value": visits["count"].astype(float),
                "split": visits["split"],
            },
        ),
    }


def _user_id(users: "pd.Series[int]") -> "pd.Series[str]":
    return "u" + users.astype(str)
