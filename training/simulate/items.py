"""Works: subcategory, genre, hidden style and scene, hidden quality, price and release."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reco.frames.tables import frame_table
from training.simulate.identifiers import identifiers
from training.simulate.programme import Programme, Subcategory
from training.simulate.randomness import triangular
from training.simulate.setting import Setting
from training.simulate.wording import compose, compose_distinct

NO_SCENE = -1
SCENED_CATEGORY = "LIVRE"
"""Books alone are many enough to have scenes."""


@dataclass(frozen=True)
class Items:
    """Arrays of one length, grouped by subcategory."""

    subcategory: NDArray[np.int16]
    genre: NDArray[np.int16]
    style: NDArray[np.int16]
    """Hidden."""
    scene: NDArray[np.int16]
    """Hidden; within the style, `NO_SCENE` where works of a kind are too few to have any."""
    quality: NDArray[np.float64]
    """Hidden; mean 1 within the subcategory."""
    price_eur: NDArray[np.float64]
    release_day: NDArray[np.int64]
    """First day of a dated work's runs, else the day on which it came out."""

    def __len__(self) -> int:
        return len(self.subcategory)


def offers_per_subcategory(programme: Programme, offers: int) -> NDArray[np.int64]:
    """Return how many of `offers` each subcategory has, at least one; sums to `offers`."""
    shares = np.array([s.offer_share for s in programme.subcategories])
    counts = np.maximum(1, np.round(offers * shares)).astype(np.int64)
    counts[int(np.argmax(shares))] += offers - counts.sum()
    return counts


def items_per_subcategory(
    programme: Programme, items: int, offers: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return how many works the offers of each subcategory have; sums to `items`."""
    exponents = [s.item_exponent for s in programme.subcategories]
    counts = np.array(
        [
            0 if exponent is None else max(1, round(float(number) ** exponent))
            for number, exponent in zip(offers, exponents, strict=True)
        ]
    )
    counts[exponents.index(None)] = items - counts.sum()
    return np.asarray(counts)


def make_items(setting: Setting) -> Items:
    """Draw the works of the world."""
    generator = setting.streams.of("items")
    offers = offers_per_subcategory(setting.programme, setting.scale.offers)
    counts = items_per_subcategory(setting.programme, setting.scale.items, offers)
    parts = [_works(generator, row, int(count), setting) for row, count in enumerate(counts)]
    return Items(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def items_frame(items: Items, setting: Setting) -> pa.Table:
    """Return the frame `items`; titles and descriptions are invented."""
    generator, programme = setting.streams.of("titles"), setting.programme
    genres = np.array([g.name for g in programme.genres], dtype=object)
    spoken = np.array([g.name[0].lower() + g.name[1:] for g in programme.genres], dtype=object)
    given = {"genre": genres[items.genre], "genre_bas": spoken[items.genre]}
    wordings = np.array([s.wording for s in programme.subcategories])[items.subcategory]
    by_genre = np.array([g.wording for g in programme.genres])[items.genre]
    wordings = np.where(wordings == "", by_genre, wordings)
    descriptions = np.array([_description(s) for s in programme.subcategories])
    columns = {
        "item_id": identifiers("i", np.arange(len(items))),
        "category": _names(programme, "category")[items.subcategory],
        "title": compose_distinct(generator, wordings, given),
        "subcategory": _names(programme, "name")[items.subcategory],
        "genre": given["genre"],
        "description": compose(generator, descriptions[items.subcategory], given),
    }
    return frame_table("items", columns)


def _works(
    generator: np.random.Generator, row: int, count: int, setting: Setting
) -> tuple[NDArray[np.generic], ...]:
    programme, parameters = setting.programme, setting.parameters
    subcategory = programme.subcategories[row]
    genres, shares = programme.genres_of(subcategory)
    genre = generator.choice(genres, size=count, p=shares)
    style = _styles(generator, programme.genre_styles[genre])
    scene = generator.integers(parameters.scenes, size=count)
    if subcategory.category != SCENED_CATEGORY:
        scene = np.full(count, NO_SCENE)
    low, mode, high = (np.full(count, price) for price in subcategory.price_eur)
    return (
        np.full(count, row, dtype=np.int16),
        genre.astype(np.int16),
        style.astype(np.int16),
        scene.astype(np.int16),
        _zipf(generator, count, parameters.popularity_exponent),
        triangular(generator, low, mode, high),
        _release_days(generator, count, subcategory, setting),
    )


def _styles(
    generator: np.random.Generator, probabilities: NDArray[np.float64]
) -> NDArray[np.int64]:
    drawn = generator.random((len(probabilities), 1))
    found = (drawn > np.cumsum(probabilities, axis=1)).sum(axis=1)
    return np.asarray(np.minimum(found, probabilities.shape[1] - 1))


def _zipf(generator: np.random.Generator, count: int, exponent: float) -> NDArray[np.float64]:
    rank = generator.permutation(count) + 1.0
    weight = rank**-exponent
    return np.asarray(weight / weight.mean())


def _release_days(
    generator: np.random.Generator, count: int, subcategory: Subcategory, setting: Setting
) -> NDArray[np.int64]:
    calendar, parameters = setting.calendar, setting.parameters
    chosen, uniform = generator.random((2, count))
    recent_day = calendar.anchor_day - parameters.recent_days
    if subcategory.is_event:
        late = chosen < parameters.recent_share
        # A week is left at the end: weekend sessions move on, and every run keeps its first.
        late_day = recent_day + uniform * (calendar.last_day - 7 - recent_day)
        early_day = calendar.first_day + uniform * (recent_day - calendar.first_day)
    else:
        late = chosen >= parameters.backlist_share
        late_day = calendar.first_day + uniform * parameters.history_days
        early_day = calendar.first_day - uniform * parameters.backlist_days
    days: NDArray[np.int64] = np.floor(np.where(late, late_day, early_day)).astype(np.int64)
    return days


def _names(programme: Programme, attribute: str) -> NDArray[np.object_]:
    return np.array([getattr(s, attribute) for s in programme.subcategories], dtype=object)


def _description(subcategory: Subcategory) -> str:
    if subcategory.genre_set == "livre":
        return "description_livre"
    return "description_dated" if subcategory.is_event else "description_other"
