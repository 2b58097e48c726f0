"""Where venues are: rows in the order of a space-filling curve, so that neighbours lie together."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from features.interactions import encoded_ids, vocabulary_rows
from reco.catalogue.rows import rows_of
from reco.catalogue.vocabulary import codes_by_name, extended
from reco.db.arrays import fetch_arrays
from reco.geo.ellipsoid import cartesian

_VENUES = """
select id, st_x(location::geometry), st_y(location::geometry) from core.venue {which} order by id
"""
_NAMED = "select external_id, venue_type from core.venue {which} order by id"
_BITS = 16
_NO_TEXT = b"\xff"
"""No UTF-8 begins so."""


@dataclass(frozen=True)
class Venues:
    """Every venue; arrays of shape (V,), WGS 84.

    Those of the base by place, along a Hilbert curve; after them those that came since.
    """

    venue_id: NDArray[np.int64]
    venue_by_id: NDArray[np.int32]
    """Rows by ascending id."""
    venue_lon: NDArray[np.float64]
    """Degrees; NaN where the venue is gone."""
    venue_lat: NDArray[np.float64]
    venue_x_m: NDArray[np.float64]
    """Earth-centred; x to longitude 0, z to the north pole."""
    venue_y_m: NDArray[np.float64]
    venue_z_m: NDArray[np.float64]
    venue_sin_lat: NDArray[np.float64]
    venue_type: NDArray[np.int16]
    """Code of the catalogue's `venue_types`, 0 unknown."""
    venue_external_id: NDArray[np.bytes_]
    """The id that a person's history knows."""
    venue_by_external_id: NDArray[np.int32]
    """Rows by ascending external id."""

    @classmethod
    def of(
        cls,
        ids: NDArray[np.int64],
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
        types: NDArray[np.int16],
        external_ids: NDArray[np.bytes_],
    ) -> "Venues":
        """Return venues in the order given."""
        x_m, y_m, z_m, sin_lat = cartesian(lon, lat)
        return cls(
            venue_id=ids,
            venue_by_id=np.argsort(ids, kind="stable").astype(np.int32),
            venue_lon=lon,
            venue_lat=lat,
            venue_x_m=x_m,
            venue_y_m=y_m,
            venue_z_m=z_m,
            venue_sin_lat=sin_lat,
            venue_type=types,
            venue_external_id=external_ids,
            venue_by_external_id=np.argsort(external_ids, kind="stable").astype(np.int32),
        )

    @classmethod
    def by_place(
        cls,
        ids: NDArray[np.int64],
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
        types: NDArray[np.int16],
        external_ids: NDArray[np.bytes_],
    ) -> "Venues":
        """Return venues along the curve, those of one place by id."""
        order = np.lexsort((ids, hilbert(lon, lat)))
        return cls.of(ids[order], lon[order], lat[order], types[order], external_ids[order])

    def __len__(self) -> int:
        return len(self.venue_id)

    @cached_property
    def version(self) -> str:
        """A digest of which venues there are, where, in which row."""
        digest = hashlib.blake2b(digest_size=12)
        for column in (self.venue_id, self.venue_lon, self.venue_lat):
            digest.update(np.ascontiguousarray(column).data)
        return digest.hexdigest()

    @cached_property
    def all_rows(self) -> NDArray[np.int32]:
        """Every row."""
        return np.arange(len(self), dtype=np.int32)

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each venue, −1 where there is none of that id."""
        place = rows_of(self._ascending_ids, ids)
        if not len(self):
            return place
        return np.where(place >= 0, self.venue_by_id[place], -1).astype(np.int64)

    def rows_of_external(self, external_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each venue, −1 where there is none of that external id."""
        known = self._ascending_external_ids
        asked = encoded_ids(external_ids)
        if asked.itemsize > known.itemsize:
            # A longer one is nobody's, and must not widen the column that is searched.
            is_longer = np.char.str_len(asked) > known.itemsize
            asked = np.where(is_longer, _NO_TEXT, asked).astype(known.dtype)
        place = vocabulary_rows(known, asked).astype(np.int64)
        if not len(self):
            return place
        return np.where(place >= 0, self.venue_by_external_id[place], -1).astype(np.int64)

    @cached_property
    def _ascending_ids(self) -> NDArray[np.int64]:
        return self.venue_id[self.venue_by_id]

    @cached_property
    def _ascending_external_ids(self) -> NDArray[np.bytes_]:
        return self.venue_external_id[self.venue_by_external_id]

    def amended(self, changed: NDArray[np.int64], now: "Venues") -> "Venues":
        """Return these venues with those of the ids `changed` as they stand in `now`, or gone."""
        new = now.venue_id[self.rows(now.venue_id) < 0]
        ids = np.concatenate([self.venue_id, new])
        lon = np.concatenate([self.venue_lon, np.full(len(new), np.nan)])
        lat = np.concatenate([self.venue_lat, np.full(len(new), np.nan)])
        types = np.concatenate([self.venue_type, np.zeros(len(new), dtype=np.int16)])
        width = now.venue_external_id.dtype
        external_ids = np.concatenate([self.venue_external_id, np.zeros(len(new), dtype=width)])
        order = np.argsort(ids, kind="stable")
        rows = rows_of(ids[order], changed)
        gone = order[rows[rows >= 0]]
        lon[gone] = lat[gone] = np.nan
        types[gone], external_ids[gone] = 0, b""
        at = order[rows_of(ids[order], now.venue_id)]
        lon[at], lat[at] = now.venue_lon, now.venue_lat
        types[at], external_ids[at] = now.venue_type, now.venue_external_id
        return Venues.of(ids, lon, lat, types, external_ids)


def read_venues(
    connection: psycopg.Connection[Any],
    venue_types: tuple[str, ...] = (),
    ids: Sequence[int] | None = None,
) -> tuple[Venues, tuple[str, ...]]:
    """Return all venues, or those of `ids`, by place, within the running transaction.

    Second, the names of the venue types: `venue_types`, then those that it lacks.
    """
    which = "" if ids is None else "where id = any(%(ids)s)"
    columns = {"id": "int8", "lon": "float8", "lat": "float8"}
    read = fetch_arrays(connection, _VENUES.format(which=which), columns, {"ids": ids})
    named = connection.execute(_NAMED.format(which=which), {"ids": ids}).fetchall()
    venue_types = extended(venue_types, (kind for _, kind in named))
    code = codes_by_name(venue_types)
    venues = Venues.by_place(
        ids=read["id"],
        lon=read["lon"],
        lat=read["lat"],
        types=np.array([code.get(kind, 0) for _, kind in named], dtype=np.int16),
        external_ids=encoded_ids([external_id for external_id, _ in named]),
    )
    return venues, venue_types


def hilbert(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place of each point along a Hilbert curve over the globe.

    What is near along the curve is near on the ground (Hilbert 1891); cells of 600 by 300 m.

    >>> hilbert(np.array([-180.0, -180.0, 180.0]), np.array([-90.0, 90.0, -90.0])).tolist()
    [0, 1431655765, 4294967295]
    """
    side = 1 << _BITS
    x = np.clip((lon + 180.0) / 360.0 * side, 0, side - 1).astype(np.int64)
    y = np.clip((lat + 90.0) / 180.0 * side, 0, side - 1).astype(np.int64)
    along = np.zeros(len(x), dtype=np.int64)
    for bit in reversed(range(_BITS)):
        right, upper = (x >> bit) & 1, (y >> bit) & 1
        along += ((3 * right) ^ upper) << (2 * bit)
        # The quadrants of the lower half are entered sideways: turn what is left of the point.
        turned, mirrored = upper == 0, (upper == 0) & (right == 1)
        x, y = (np.where(mirrored, side - 1 - c, c) for c in (x, y))
        x, y = np.where(turned, y, x), np.where(turned, x, y)
    return along
