"""Time feeds of a world: `python tests/benchmarks/feed.py --world town`.

The catalogue is built once, then feeds run one after the other in this process, without HTTP: a
dense place (home of the user with most venues within 10 km), a rural one (fewest), and homes drawn
at random. Prints medians and tails in milliseconds, and the size and time of the catalogue.
"""

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psycopg
from rich.console import Console
from rich.table import Table

from reco.catalogue.build import build_catalogue
from reco.db.ready import opened_world
from reco.feed.generation import generation
from reco.feed.pipeline import feed
from reco.feed.query import feed_query
from reco.model.loaded import load_model
from reco.model.registry import champion
from reco.settings import Settings

_HOMES = """
select u.external_id, u.lat, u.lon, (
  select count(*) from core.venue v where st_dwithin(v.location, u.home, 10000)
) as venues
from (
  select external_id, home, st_y(home::geometry) as lat, st_x(home::geometry) as lon
  from core.beneficiary where home is not null order by md5(external_id) limit %s
) u
order by venues
"""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="demo")
    parser.add_argument("--at", type=datetime.fromisoformat, default=datetime.now(UTC))
    parser.add_argument("--feeds", type=int, default=300)
    parser.add_argument("--radius-km", type=float, default=50.0)
    asked = parser.parse_args()
    world = opened_world(Settings(world=asked.world))
    console = Console()
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        newest = champion(world.conninfo)
        model = load_model(Path(newest.address), newest.digest) if newest else None
        began = time.perf_counter()
        catalogue = build_catalogue(connection, asked.at)
        took_s = time.perf_counter() - began
        base = catalogue.base
        console.print(
            f"Catalogue: {len(base.offer_id):,} offers, {len(base.stock_id):,} stocks, "
            f"{catalogue.nbytes() / 1e6:.1f} MB, built in {took_s:.2f} s. "
            f"Model: {newest.version if newest else 'none'}."
        )
        serving = generation(catalogue, model)
        homes = connection.execute(_HOMES, (asked.feeds,)).fetchall()
        table = Table("place", "venues in 10 km", "feeds", "p50 ms", "p95 ms", "p99 ms")
        places = {
            "rural": [homes[0]] * asked.feeds,
            "dense": [homes[-1]] * asked.feeds,
            "random homes": homes,
        }
        for name, people in places.items():
            times_ms = []
            for user, lat, lon, _ in people:
                query = feed_query(
                    now=asked.at,
                    default_radius_m=50_000.0,
                    user_id=user,
                    lat=lat,
                    lon=lon,
                    radius_km=asked.radius_km,
                )
                began = time.perf_counter()
                feed(connection, serving, query, "a secret that signs nothing but benchmarks")
                times_ms.append((time.perf_counter() - began) * 1e3)
            tails = (f"{value:.1f}" for value in np.percentile(times_ms, [50, 95, 99]))
            venues = int(np.median([row[3] for row in people]))
            table.add_row(name, str(venues), str(len(people)), *tails)
        console.print(table)


if __name__ == "__main__":
    main()
