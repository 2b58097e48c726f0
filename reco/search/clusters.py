"""Clusters of venues on a map: cells of a grid that the zoom level sets, alike for every box."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from reco.errors import InvalidInput
from reco.search.answer import Cluster, MapAnswer
from reco.search.scan import Searched

MAX_ZOOM = 22
SINGLE_ZOOM = 16
"""From here on venues stand alone."""
MAX_CLUSTERS = 3_000
_CELLS_A_TILE = 4
"""Along each side of a map tile of 256 pixels: a cell is 64 pixels wide."""

_NAMES = "select id, external_id, name from core.venue where id = any(%s)"

Near = Callable[[Callable[[psycopg.Connection[Any]], Any]], Any]


def clusters_of(near: Near, searched: Searched, offers: NDArray[np.int64], zoom: int) -> MapAnswer:
    """Return the clusters of the venues that have `offers`.

    Parameters
    ----------
    offers
        (A,) How many match at each venue of the area.

    Raises
    ------
    InvalidInput
        The zoom is none, or draws more clusters than anybody could see.
    """
    if not 0 <= zoom <= MAX_ZOOM:
        raise InvalidInput("zoom", f"{zoom} is not between 0 and {MAX_ZOOM}")
    venues = searched.catalogue.venues
    rows, counts = searched.area.rows[offers > 0], offers[offers > 0]
    lon, lat = venues.venue_lon[rows], venues.venue_lat[rows]
    cells = np.arange(len(rows)) if zoom >= SINGLE_ZOOM else cells_of(lon, lat, zoom)
    order = np.argsort(cells, kind="stable")
    first = np.flatnonzero(np.diff(cells[order], prepend=-1))
    if len(first) > MAX_CLUSTERS:
        raise InvalidInput(
            "zoom", f"{len(first)} clusters are more than {MAX_CLUSTERS}; ask a smaller box or zoom"
        )
    matches = searched.matches
    holds = {
        "text_is_cut": matches is not None and matches.is_cut,
        "similar_titles": matches is not None and matches.with_similar,
    }
    clusters = _summed(rows[order], lon[order], lat[order], counts[order], first)
    single_ids = venues.venue_id[rows[order]][first]
    return MapAnswer(
        now=searched.query.now,
        zoom=zoom,
        cell_deg=0.0 if zoom >= SINGLE_ZOOM else 360.0 / 2**zoom / _CELLS_A_TILE,
        total_venues=len(rows),
        total_offers=int(counts.sum()),
        clusters=_named(near, clusters, single_ids),
        open_now=searched.area.open_now,
        notes=tuple(code for code, is_so in holds.items() if is_so),
    )


def cells_of(lon: NDArray[np.float64], lat: NDArray[np.float64], zoom: int) -> NDArray[np.int64]:
    """Return the cell of each point: squares on a web map (Mercator), aligned with its tiles.

    >>> cells_of(np.array([-180.0, 179.9, -180.0]), np.array([80.0, 80.0, -80.0]), 0).tolist()
    [0, 3, 12]
    """
    side = 2**zoom * _CELLS_A_TILE
    east = (lon + 180.0) / 360.0
    # The map ends at 85 degrees; what lies beyond is in its last cells.
    most = math.degrees(math.atan(math.sinh(math.pi)))
    south = 0.5 - np.arcsinh(np.tan(np.radians(np.clip(lat, -most, most)))) / (2.0 * math.pi)
    x, y = (np.clip((part * side).astype(np.int64), 0, side - 1) for part in (east, south))
    return np.asarray(y * side + x)


def _summed(
    rows: NDArray[np.int64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    counts: NDArray[np.int64],
    first: NDArray[np.int64],
) -> list[Cluster]:
    """Return the clusters that begin at `first`, unnamed; the most offers first."""
    if not len(first):
        return []
    sizes = np.diff(np.append(first, len(rows)))
    columns = [
        np.add.reduceat(lat, first) / sizes,
        np.add.reduceat(lon, first) / sizes,
        np.minimum.reduceat(lon, first),
        np.minimum.reduceat(lat, first),
        np.maximum.reduceat(lon, first),
        np.maximum.reduceat(lat, first),
        sizes,
        np.add.reduceat(counts, first),
    ]
    return [
        Cluster(lat, lon, (west, south, east, north), size, offers, None, None)
        for lat, lon, west, south, east, north, size, offers in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]


def _named(
    near: Near, clusters: Sequence[Cluster], venue_ids: NDArray[np.int64]
) -> tuple[Cluster, ...]:
    """Return the clusters, those of one venue with its id and name, the most offers first."""
    singles = [
        int(venue)
        for cluster, venue in zip(clusters, venue_ids, strict=True)
        if cluster.venues == 1
    ]
    names: dict[int, tuple[str, str | None]] = {}
    if singles:
        read = near(lambda connection: connection.execute(_NAMES, (singles,)).fetchall())
        names = {venue: (external_id, name) for venue, external_id, name in read}
    told = [
        _told(cluster, names.get(int(venue)))
        for cluster, venue in zip(clusters, venue_ids, strict=True)
    ]
    return tuple(sorted(told, key=lambda cluster: (-cluster.offers, cluster.lon, cluster.lat)))


def _told(cluster: Cluster, name: tuple[str, str | None] | None) -> Cluster:
    if cluster.venues != 1 or name is None:
        return cluster
    return Cluster(
        cluster.lat, cluster.lon, cluster.bounds, 1, cluster.offers, venue_id=name[0], name=name[1]
    )
