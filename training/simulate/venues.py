"""Venues: where they stand, of which type, what they are called."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reco.frames.tables import frame_table
from training.simulate.calendar import TIMEZONE
from training.simulate.identifiers import identifiers
from training.simulate.places import Towns, scattered, sprawl_m
from training.simulate.programme import VenueType
from training.simulate.setting import Setting
from training.simulate.wording import compose


@dataclass(frozen=True)
class Venues:
    """Arrays of one length, grouped by type."""

    venue_type: NDArray[np.int16]
    town: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    size: NDArray[np.float64]
    """Relative number of offers; mean about 1."""

    def __len__(self) -> int:
        return len(self.venue_type)


def make_venues(towns: Towns, setting: Setting) -> Venues:
    """Draw the venues, at least one of each type, in towns by their population."""
    generator = setting.streams.of("venues")
    parameters, types = setting.parameters, setting.programme.venue_types
    counts = _counts(setting.scale.venues, types)
    venue_type = np.repeat(np.arange(len(counts), dtype=np.int16), counts)
    town = np.concatenate(
        [
            generator.choice(len(towns), size=number, p=_town_weights(towns, kind))
            for number, kind in zip(counts, types, strict=True)
        ]
    )
    spread_m = parameters.venue_centrality * sprawl_m(towns, town, parameters)
    lon, lat = scattered(generator, towns, town, spread_m)
    sigma = parameters.venue_size_sigma
    size = generator.lognormal(-(sigma**2) / 2, sigma, len(town))
    return Venues(venue_type, town, lon, lat, size)


def venues_frame(venues: Venues, towns: Towns, setting: Setting) -> pa.Table:
    """Return the frame `venues`."""
    generator = setting.streams.of("venue names")
    types = setting.programme.venue_types
    wordings = np.array([kind.wording for kind in types])[venues.venue_type]
    names = compose(generator, wordings)
    columns = {
        "venue_id": identifiers("v", np.arange(len(venues))),
        "lon": venues.lon,
        "lat": venues.lat,
        "name": names + ", " + towns.name[venues.town].astype(object),
        "venue_type": np.array([kind.name for kind in types], dtype=object)[venues.venue_type],
        "timezone": np.full(len(venues), TIMEZONE, dtype=object),
    }
    return frame_table("venues", columns)


def _counts(count: int, types: tuple[VenueType, ...]) -> NDArray[np.int64]:
    shares = np.array([kind.share for kind in types])
    counts = np.maximum(1, np.floor(count * shares / shares.sum())).astype(np.int64)
    counts[int(np.argmax(shares))] += count - counts.sum()
    return np.asarray(counts)


def _town_weights(towns: Towns, kind: VenueType) -> NDArray[np.float64]:
    population = np.maximum(towns.population, 1.0)
    weight = np.where(population >= kind.min_population, population**kind.population_exponent, 0.0)
    return np.asarray(weight / weight.sum())
