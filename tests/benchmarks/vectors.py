"""The same candidates through a vector database with a filter: what it misses, and its time.

LanceDB (`pip install lancedb`, not one of the project's packages) holds a vector an offer: the
item's factors; the query is the person's factor, the filter a box around the radius. Its index is
asked with several numbers of probes; the setting that misses least is told.
"""

import importlib
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg

from reco.errors import SetupError
from reco.feed.candidates import sweep_of
from reco.feed.generation import Generation
from reco.feed.past import history_of
from reco.feed.query import feed_query
from reco.feed.situation import read_situation
from reco.feed.workspace import Scratch
from reco.model.latent import Latent
from reco.world import World

_TOP = 50
_PROBES = (20, 60, 200)
_REFINE = 5
_PEOPLE = 30


def vector_database(
    world: World, serving: Generation, places: Mapping[str, tuple[float, float]], radius_km: float
) -> list[dict[str, Any]]:
    """Return a row a place.

    Raises
    ------
    SetupError
        LanceDB is not installed, or the model has no factors.
    """
    try:
        lancedb = importlib.import_module("lancedb")
    except ModuleNotFoundError:
        raise SetupError("LanceDB is not installed: pip install lancedb") from None
    model = serving.model
    if model is None or not isinstance(model.scorer, Latent):
        raise SetupError("the model has no factors")
    with tempfile.TemporaryDirectory() as folder:
        table = _filled(lancedb.connect(folder), serving, model.scorer)
        with psycopg.connect(world.conninfo, autocommit=True) as connection:
            users = [
                str(user)
                for (user,) in connection.execute(
                    "select u.external_id from core.beneficiary u where exists (select from"
                    " core.booking b where b.user_id = u.id) order by md5(external_id) limit %s",
                    (_PEOPLE,),
                )
            ]
            return [
                _row(connection, serving, table, users, name, place, radius_km)
                for name, place in places.items()
            ]


def _filled(database: Any, serving: Generation, scorer: Latent) -> Any:
    """Return a table of all offers at venues whose item the model knows, with its index."""
    pyarrow = importlib.import_module("pyarrow")
    base, venues = serving.catalogue.base, serving.catalogue.venues
    count = int(base.offer_start[base.online_row])
    venue = np.repeat(np.arange(base.online_row), np.diff(base.offer_start[: base.online_row + 1]))
    rows = serving.model_rows[base.offer_item[:count]]
    known = np.flatnonzero(rows >= 0)
    factors = scorer.item_factors[rows[known]]
    dimensions = factors.shape[1]
    content = pyarrow.table(
        {
            "item": base.offer_item[known],
            "lon": venues.venue_lon[venue[known]],
            "lat": venues.venue_lat[venue[known]],
            "vector": pyarrow.FixedSizeListArray.from_arrays(
                pyarrow.array(factors.ravel()), dimensions
            ),
        }
    )
    table = database.create_table("offers", content)
    table.create_index(metric="dot", num_partitions=512, num_sub_vectors=dimensions // 4)
    table.create_scalar_index("lon")
    table.create_scalar_index("lat")
    return table


def _row(
    connection: psycopg.Connection[Any],
    serving: Generation,
    table: Any,
    users: list[str],
    name: str,
    place: tuple[float, float],
    radius_km: float,
) -> dict[str, Any]:
    found = [
        _asked(connection, serving, table, user, place, radius_km, probes)
        for probes in _PROBES
        for user in users
    ]
    by_probes = np.array(found).reshape(len(_PROBES), len(users), 2)
    missed = by_probes[:, :, 0].mean(axis=1)
    best = int(np.argmin(missed))
    return {
        "place": name,
        "missed_top50": round(float(missed[best]), 3),
        "p50_ms": round(float(np.median(by_probes[best, :, 1])), 1),
        "probes": _PROBES[best],
    }


def _asked(
    connection: psycopg.Connection[Any],
    serving: Generation,
    table: Any,
    user: str,
    place: tuple[float, float],
    radius_km: float,
    probes: int,
) -> tuple[float, float]:
    """Return the share of the true top that one search misses, and its milliseconds."""
    lon, lat = place
    query = feed_query(
        now=datetime.now(UTC), default_radius_m=5e4, user_id=user, lon=lon, lat=lat,
        radius_km=radius_km,
    )  # fmt: skip
    here = read_situation(connection, serving, query)
    model = serving.model
    history = history_of(model, here.state, query.now)
    room = Scratch.for_items(len(serving.catalogue.items))
    gathered = sweep_of(serving.catalogue, here, room, serving.costs).everything()
    is_online = gathered.everything().is_online
    at_venues = gathered.item[~is_online]
    said = model.scorer.scores(history, serving.model_rows[at_venues])
    true_top = set(at_venues[np.argsort(-np.nan_to_num(said, nan=-np.inf))[:_TOP]].tolist())
    high, wide = radius_km / 111.2, radius_km / (111.2 * np.cos(np.radians(lat)))
    began = time.perf_counter()
    answer = (
        table.search(model.scorer.user_factor(history).astype(np.float32))
        .where(
            f"lon between {lon - wide} and {lon + wide}"
            f" and lat between {lat - high} and {lat + high}",
            prefilter=True,
        )
        .nprobes(probes)
        .refine_factor(_REFINE)
        .limit(20 * _TOP)
        .select(["item"])
        .to_arrow()
    )
    took_ms = (time.perf_counter() - began) * 1e3
    # Offers of one item count once, the nearest vectors first.
    shown = list(dict.fromkeys(answer["item"].to_pylist()))[:_TOP]
    return 1.0 - len(true_top & set(shown)) / max(1, len(true_top)), took_ms
