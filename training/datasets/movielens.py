"""MovieLens ratings as frames.

A film is an item with one free, undated offer that takes place nowhere. A rating of 4 or more (of
5) is a booking: seen and liked, the usual positive of this set; a lower one is a view. The rating
is the value, its time the time.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from reco.frames.schema import Frames
from reco.frames.tables import frame_table
from training.datasets.files import moments, read_csv, refuse_cells, require_fit
from training.datasets.undated import digital_offers, free_stocks, no_venues

LIKED = 4.0
"""Stars from which a rating is a booking."""
CATEGORY = "FILM"
_NO_GENRE = "(no genres listed)"


def read_movielens(folder: Path) -> Frames:
    """Return the frames of a folder of `ratings.csv` and `movies.csv`, separated by `,` or `;`.

    Raises
    ------
    InvalidInput
        A file or a column is missing, a rating or a time is no number, an id is missing, or there
        twice in `movies.csv`, or a film was rated that is not in it.
    """
    ratings = read_csv(folder, "ratings.csv", ["userId", "movieId"], ["rating", "timestamp"])
    films = read_csv(folder, "movies.csv", ["movieId", "title", "genres"])
    at = moments(folder, "ratings.csv", ratings["timestamp"], "s")
    _check_films(folder / "movies.csv", films)
    _check_ratings(folder / "ratings.csv", ratings, at, films["movieId"])
    stars = ratings["rating"]
    return {
        "items": frame_table(
            "items",
            {
                "item_id": films["movieId"],
                "category": np.full(len(films), CATEGORY),
                "title": films["title"],
                "genre": films["genres"].mask(films["genres"] == _NO_GENRE),
            },
        ),
        "venues": no_venues(),
        "offers": digital_offers(films["movieId"]),
        "stocks": free_stocks(films["movieId"]),
        "users": frame_table("users", {"user_id": ratings["userId"].unique()}),
        "interactions": frame_table(
            "interactions",
            {
                "user_id": ratings["userId"],
                "offer_id": ratings["movieId"],
                "kind": np.where(stars >= LIKED, "booking", "view"),
                "at": at,
                "value": stars,
            },
        ),
    }


def _check_films(path: Path, films: pd.DataFrame) -> None:
    for column, becomes in (("movieId", "item_id"), ("title", "title"), ("genres", "genre")):
        require_fit(path, films[column], "items", becomes)
    refuse_cells(path, films["movieId"], films["movieId"].duplicated(), "is there twice")


def _check_ratings(
    path: Path, ratings: pd.DataFrame, at: "pd.Series[pd.Timestamp]", films: "pd.Series[str]"
) -> None:
    for column, becomes in (("userId", "user_id"), ("movieId", "offer_id"), ("rating", "value")):
        require_fit(path, ratings[column], "interactions", becomes)
    require_fit(path, ratings["timestamp"], "interactions", "at", at)
    is_unknown = ~ratings["movieId"].isin(films)
    refuse_cells(path, ratings["movieId"], is_unknown, "is not in movies.csv")
