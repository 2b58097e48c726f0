"""The programme's taxonomy, and the tables of rows that shape supply and demand."""

import csv
from dataclasses import dataclass
from importlib import resources

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reco.frames.tables import frame_table

Row = dict[str, str]


@dataclass(frozen=True)
class Subcategory:
    """One line of `taxonomy.csv` with its line of `supply.csv`."""

    name: str
    category: str
    is_event: bool
    is_digital: bool
    is_physical: bool
    venue_types: tuple[str, ...]
    genre_set: str
    wording: str
    offer_share: float
    demand_share: float
    item_exponent: float | None
    """Works grow as offers to this power (Heaps' law); None: the works that remain."""
    price_eur: tuple[float, float, float]
    free_share: float
    duo_share: float
    sessions: float
    run_days: int
    hours: tuple[int, ...]
    """Minutes after local midnight."""
    weekend_share: float
    duration_min: int
    quantity: int | None

    @property
    def segment(self) -> tuple[str, bool]:
        """What a person looks for: a category, at a place or on line."""
        return self.category, self.is_digital


@dataclass(frozen=True)
class Genre:
    """One line of `genres.csv`."""

    genre_set: str
    name: str
    share: float
    wording: str


@dataclass(frozen=True)
class Style:
    """One line of `styles.csv`: a hidden taste and how place and means bend it."""

    name: str
    label: str
    dense_effect: float
    money_effect: float


@dataclass(frozen=True)
class VenueType:
    """One line of `venue_types.csv`."""

    name: str
    share: float
    min_population: float
    population_exponent: float
    wording: str


@dataclass(frozen=True)
class Programme:
    """What the world is made of; loops over these few rows are the only ones of the generator."""

    subcategories: tuple[Subcategory, ...]
    genres: tuple[Genre, ...]
    styles: tuple[Style, ...]
    venue_types: tuple[VenueType, ...]
    genre_styles: NDArray[np.float64]
    """(genres, styles) probability that a work of the genre has the style."""

    @property
    def segments(self) -> tuple[tuple[str, bool], ...]:
        """The segments of demand, sorted."""
        return tuple(sorted({s.segment for s in self.subcategories}))

    @property
    def segment_of(self) -> NDArray[np.int64]:
        """(subcategories,) row in `segments`."""
        rows = {segment: row for row, segment in enumerate(self.segments)}
        return np.array([rows[s.segment] for s in self.subcategories])

    @property
    def demand(self) -> NDArray[np.float64]:
        """(styles, segments) joint share of what people look for; sums to 1."""
        joint = np.zeros((len(self.styles), len(self.segments)))
        for subcategory, segment in zip(self.subcategories, self.segment_of, strict=True):
            genres, shares = self.genres_of(subcategory)
            joint[:, segment] += subcategory.demand_share * (shares @ self.genre_styles[genres])
        return np.asarray(joint / joint.sum())

    @property
    def pull(self) -> NDArray[np.float64]:
        """(subcategories,) demand over supply: the weight of an offer within its segment."""
        return np.array([s.demand_share / s.offer_share for s in self.subcategories])

    def genres_of(self, subcategory: Subcategory) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the genre rows of a subcategory and their shares, which sum to 1."""
        rows = [row for row, g in enumerate(self.genres) if g.genre_set == subcategory.genre_set]
        shares = np.array([self.genres[row].share for row in rows])
        return np.array(rows), shares / shares.sum()

    def taxonomy(self) -> pa.Table:
        """Return the frame `taxonomy`."""
        columns = {
            "category": [s.category for s in self.subcategories],
            "subcategory": [s.name for s in self.subcategories],
            "is_event": [s.is_event for s in self.subcategories],
            "is_digital": [s.is_digital for s in self.subcategories],
            "is_physical": [s.is_physical for s in self.subcategories],
        }
        return frame_table("taxonomy", columns)


def read_programme() -> Programme:
    """Return the programme as its rows files in this package describe it."""
    supply = {row["subcategory"]: row for row in _rows("supply.csv")}
    styles = tuple(
        Style(r["style"], r["label"], float(r["dense_effect"]), float(r["money_effect"]))
        for r in _rows("styles.csv")
    )
    genre_rows = _rows("genres.csv")
    return Programme(
        tuple(_subcategory(row, supply[row["subcategory"]]) for row in _rows("taxonomy.csv")),
        tuple(
            Genre(r["genre_set"], r["genre"], float(r["share"]), r["wording"]) for r in genre_rows
        ),
        styles,
        tuple(_venue_type(row) for row in _rows("venue_types.csv")),
        np.stack([_style_shares(r["styles"], [s.name for s in styles]) for r in genre_rows]),
    )


def _rows(name: str) -> list[Row]:
    text = (resources.files("training.simulate") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _subcategory(taxonomy: Row, supply: Row) -> Subcategory:
    return Subcategory(
        name=taxonomy["subcategory"],
        category=taxonomy["category"],
        is_event=taxonomy["is_event"] == "true",
        is_digital=taxonomy["is_digital"] == "true",
        is_physical=taxonomy["is_physical"] == "true",
        venue_types=tuple(filter(None, supply["venue_types"].split("|"))),
        genre_set=supply["genre_set"],
        wording=supply["wording"],
        offer_share=float(supply["offer_share"]),
        demand_share=float(supply["demand_share"]),
        item_exponent=float(supply["item_exponent"]) if supply["item_exponent"] else None,
        price_eur=(
            float(supply["price_low_eur"]),
            float(supply["price_mode_eur"]),
            float(supply["price_high_eur"]),
        ),
        free_share=float(supply["free_share"]),
        duo_share=float(supply["duo_share"]),
        sessions=float(supply["sessions"]),
        run_days=int(supply["run_days"]),
        hours=tuple(_minutes(hour) for hour in filter(None, supply["hours"].split("|"))),
        weekend_share=float(supply["weekend_share"]),
        duration_min=int(supply["duration_min"]),
        quantity=int(supply["quantity"]) if supply["quantity"] else None,
    )


def _venue_type(row: Row) -> VenueType:
    return VenueType(
        row["venue_type"],
        float(row["share"]),
        float(row["min_population"]),
        float(row["population_exponent"]),
        row["wording"],
    )


def _minutes(hour: str) -> int:
    hours, minutes = hour.split(":")
    return 60 * int(hours) + int(minutes)


def _style_shares(text: str, styles: list[str]) -> NDArray[np.float64]:
    shares = np.zeros(len(styles))
    for part in text.split("|"):
        name, weight = part.split(":")
        shares[styles.index(name)] = float(weight)
    return np.asarray(shares / shares.sum())
