"""The whole feed endpoint, measured: `python -m tests.benchmarks.feed --size france --json`.

Builds the world of that size where it is missing (simulate, import, train), or uses the one that is
there. Starts the real server with two workers: authentication, recording of slates and read-back
on. People are drawn at random, so they live where people live; each is asked for once, nothing is
cached. The load generator, PostgreSQL and the workers share the machine. Beside it, in the same
run: the same service with the thousand most booked by SQL as candidates; the kernel alone in Paris
against the time that the machine needs to read the bytes that it must touch; the search in Paris;
the venues around a place in Paris, asked for and remembered; memory, start and swaps; feeds while
the base of the catalogue, which is young until then, is built anew; and, where it is installed, a
vector database.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from threading import Timer
from typing import Any

import numpy as np
import psycopg
from rich.console import Console
from rich.table import Table

from reco.catalogue.changes import MAX_CHANGED
from reco.catalogue.folder import snapshots
from reco.errors import SetupError
from reco.feed.candidates import bytes_to_touch
from reco.feed.generation import Generation
from reco.feed.query import feed_query
from reco.feed.ranking import ranking_of
from reco.feed.situation import read_situation
from reco.feed.surroundings import look_around
from reco.feed.workspace import Scratch, Workspace
from reco.geo.points import Point
from reco.model.registry import Act, force, line_of_champions, publication, versions
from reco.world import World
from tests.benchmarks.country import People, country, serving_of
from tests.benchmarks.load import Figures, drive
from tests.benchmarks.sql_variant import prepare
from tests.benchmarks.stage import Running, new_key, server
from tests.benchmarks.vectors import vector_database

PLACES = {"dense": (2.3522, 48.8566), "town": (-0.5632, 47.4736), "rural": (2.0, 46.1)}
"""(lon, lat) of Paris, Angers and the Creuse."""
_RADIUS_KM = 50.0
_SWAPS = 20
_BASE_WITHIN_S = 300.0
_SWAPPED_WITHIN_S = 3
"""After the base was written each worker maps it, and works out what it serves from it."""
_WARM = 400
_PLACE_TURNS = 200


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="france", help="demo, town or france")
    parser.add_argument("--world", help="Name of the world. [default: the size]")
    parser.add_argument("--seconds", type=float, default=15.0, help="Of each phase.")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    world = country(asked.size, asked.world or asked.size)
    console = Console(stderr=True)
    figures = measured(world, asked.seconds, console)
    if asked.json:
        Console(soft_wrap=True).print_json(json.dumps(figures))
    else:
        _show(figures)


def measured(world: World, seconds: float, console: Console) -> dict[str, Any]:
    """Return all figures of `world`, as `--json` prints them."""
    serving = serving_of(world)
    key, people = new_key(world), People(world)
    figures: dict[str, Any] = {"world": _size(serving), "machine": f"{os.cpu_count()} cores"}
    with server(world, 2) as running:
        console.print("Feeds ...")
        figures["ready_s"] = round(max(running.workers_ready_s), 2)
        figures["command_ready_s"] = round(running.ready_s, 2)
        cold = drive(running.port, people.feeds(400), key, clients=1, seconds=seconds)
        figures["feed_cold"] = _brief(cold)
        known = people.warmed(_WARM, running.port, key)
        quiet = drive(running.port, known, key, clients=1, seconds=seconds)
        shares: list[int] = []
        looking = Timer(seconds / 2, lambda: shares.extend(running.connections()))
        looking.start()
        busy = drive(running.port, people.feeds(20_000), key, clients=8, seconds=seconds)
        looking.join()
        figures["feed"] = _brief(quiet) | {
            "rps": busy.rps,
            "failed": quiet.failed + busy.failed,
            "connections": shares,
        }
        console.print("Search ...")
        figures["search"] = _brief(
            drive(running.port, _searches(serving), key, clients=1, seconds=seconds)
        )
        whole = "/v1/map?bbox=-5.2,41.3,9.6,51.1&zoom=6"
        figures["map"] = _brief(drive(running.port, iter([whole] * 200), key, clients=1, seconds=5))
        figures["memory_mb"] = round(running.memory_mb)
        console.print("Swaps ...")
        figures["swap"] = _swaps(world, running, key, people, seconds)
        figures["new_base"] = None
        # A small world is amended whatever changes.
        if len(serving.catalogue.base.offer_id) > MAX_CHANGED:
            console.print("A new base ...")
            figures["new_base"] = _new_base(world, running, key, people, seconds)
    console.print("Candidates by SQL ...")
    prepare(world.conninfo)
    with server(world, 2, "tests.benchmarks.sql_variant:application") as running:
        quiet = drive(running.port, people.feeds(2_000), key, clients=1, seconds=seconds)
        busy = drive(running.port, people.feeds(5_000), key, clients=8, seconds=seconds)
        figures["sql_variant"] = _brief(quiet) | {"rps": busy.rps, "failed": quiet.failed}
    console.print("Kernel ...")
    figures["kernel_paris"] = _kernel(world, serving)
    figures["around_paris"] = _around(world, serving)
    try:
        figures["vector_database"] = vector_database(world, serving, PLACES, _RADIUS_KM)
    except SetupError as error:
        console.print(f"No vector database beside it: {error}.")
        figures["vector_database"] = []
    return figures


def _brief(figures: Figures) -> dict[str, float]:
    kept = asdict(figures)
    return {name: kept[name] for name in ("p50_ms", "p99_ms")}


def _size(serving: Generation) -> dict[str, Any]:
    catalogue = serving.catalogue
    return {
        "venues": len(catalogue.venues),
        "offers": len(catalogue.base.offer_id),
        "stocks": len(catalogue.base.stock_id),
        "items": len(catalogue.items),
        "users": catalogue.users,
        "model": serving.model_version,
    }


def _searches(serving: Generation) -> Iterator[str]:
    """Yield searches in Paris: radius, a category, dates, facets; no two alike in a row."""
    lon, lat = PLACES["dense"]
    names = sorted(serving.catalogue.categories.values())
    today = datetime.now(UTC).date()
    for turn in range(10_000):
        first = today + timedelta(days=1 + turn % 7)
        yield (
            f"/v1/search?lat={lat + turn % 11 / 1_000:.3f}&lon={lon}&radius_km={_RADIUS_KM:.0f}"
            f"&category={names[turn % len(names)]}&from={first}&to={first + timedelta(days=14)}"
        )


def _kernel(world: World, serving: Generation) -> dict[str, float]:
    """Time the likeliest of all in Paris, and reading the bytes that this touches.

    An item's factors are read in eight bits; beside it, the limit if they were read as they are.
    """
    lon, lat = PLACES["dense"]
    query = feed_query(
        now=datetime.now(UTC), default_radius_m=5e4, lat=lat, lon=lon, radius_km=_RADIUS_KM,
        user_id=next(iter(_one_with_history(world))),
    )  # fmt: skip
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        here = read_situation(connection, serving, query)
    scratch = Scratch.for_items(len(serving.catalogue.items))
    times_ms = []
    for _ in range(60):
        began = time.perf_counter()
        ranking = ranking_of(serving, here, scratch)
        _ = ranking.top
        times_ms.append((time.perf_counter() - began) * 1e3)
    candidates, columns = len(ranking.sweep.everything()), bytes_to_touch(ranking.sweep)
    a_second = _bytes_a_second()
    total_ms = float(np.median(times_ms))
    limit_ms, whole_ms = (
        (columns + candidates * _factor_bytes(serving, itemsize)) / a_second * 1e3
        for itemsize in (1, 4)
    )
    return {
        "ms": round(total_ms, 2),
        "limit_ms": round(limit_ms, 2),
        "ratio": round(total_ms / limit_ms, 2),
        "float32_limit_ms": round(whole_ms, 2),
        "float32_ratio": round(total_ms / whole_ms, 2),
        "candidates": candidates,
        "offers": sum(ranking.sweep.offers),
    }


def _around(world: World, serving: Generation) -> dict[str, float]:
    """Time the venues around a place in Paris: asked of PostGIS, and remembered."""
    here, radius_m = Point(*PLACES["dense"]), _RADIUS_KM * 1e3
    cold_ms, remembered_ms = [], []
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        for _ in range(_PLACE_TURNS):
            new = replace(serving, workspace=Workspace())
            for times_ms in (cold_ms, remembered_ms):
                began = time.perf_counter()
                around = look_around(connection, new, here, "request", radius_m)
                times_ms.append((time.perf_counter() - began) * 1e3)
    return {
        "venues": len(around.venue_rows),
        "cold_ms": round(float(np.median(cold_ms)), 2),
        "cold_p99_ms": round(float(np.percentile(cold_ms, 99)), 2),
        "remembered_ms": round(float(np.median(remembered_ms)), 3),
        "remembered_p99_ms": round(float(np.percentile(remembered_ms, 99)), 3),
    }


def _one_with_history(world: World) -> Iterator[str]:
    with psycopg.connect(world.conninfo) as connection:
        for (user,) in connection.execute(
            "select u.external_id from core.beneficiary u join core.booking b on b.user_id = u.id"
            " where b.booked_at > now() - interval '60 days' limit 1"
        ):
            yield str(user)


def _factor_bytes(serving: Generation, itemsize: int) -> int:
    """Return what a model of factors must read of an item, in bytes."""
    arrays = serving.model.scorer.arrays() if serving.model else {}
    factors = arrays.get("item_factors")
    return 0 if factors is None else int(factors.shape[1] * itemsize)


def _bytes_a_second() -> float:
    """Return how fast one core reads memory that no cache holds: the best of several sweeps."""
    memory = np.ones(64_000_000, dtype=np.float64)
    took_s = []
    for _ in range(7):
        began = time.perf_counter()
        memory.max()
        took_s.append(time.perf_counter() - began)
    return float(memory.nbytes / min(took_s))


def _swaps(
    world: World, running: Running, key: str, people: People, seconds: float
) -> dict[str, float]:
    """Swap catalogues and champions in turn under load; return failures and the worst p99.

    A champion is noticed within five seconds. A world with one model swaps catalogues alone.
    """
    quiet = drive(running.port, people.feeds(6_000), key, clients=4, seconds=seconds)
    line = line_of_champions(world.conninfo)
    others = [version.version for version in versions(world.conninfo) if version != line[0]]
    catalogues, champions = [], []
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        for turn in range(_SWAPS):
            if turn % 2 and others:
                _crown(world, others[0] if turn % 4 == 1 else line[0].version)
                champions.append(
                    drive(running.port, people.feeds(6_000), key, clients=4, seconds=6.0)
                )
                continue
            connection.execute(
                "update core.stock set price_cents = price_cents + %s where id in"
                " (select id from core.stock order by id limit 500)",
                (-1 if len(catalogues) % 2 else 1,),
            )
            catalogues.append(_second(running, key, people))
    return {
        "catalogues": len(catalogues),
        "champions": len(champions),
        **_beside(quiet, catalogues + champions),
    }


def _second(running: Running, key: str, people: People) -> Figures:
    return drive(running.port, people.feeds(1_500), key, clients=4, seconds=1.0)


def _beside(quiet: Figures, parts: Sequence[Figures]) -> dict[str, float]:
    """Return how the worst of some parts is beside a quiet one."""
    return {
        "failed": quiet.failed + sum(part.failed for part in parts),
        "quiet_p99_ms": quiet.p99_ms,
        "worst_p99_ratio": round(max(part.p99_ms for part in parts) / quiet.p99_ms, 2),
    }


def _new_base(
    world: World, running: Running, key: str, people: People, seconds: float
) -> dict[str, float]:
    """Change more offers than a catalogue is amended by, and back; return how feeds are meanwhile.

    A base that is older than ten minutes is built anew in the same way.
    """
    quiet = drive(running.port, people.feeds(6_000), key, clients=4, seconds=seconds)
    took_s, parts = [], []
    for cents in (1, -1):
        before, began = snapshots(world.catalogue)[0], time.perf_counter()
        _reprice(world, cents)
        while snapshots(world.catalogue)[0] == before:
            if time.perf_counter() - began > _BASE_WITHIN_S:
                raise SystemExit(f"There is no new base after {_BASE_WITHIN_S:.0f} s.")
            parts.append(_second(running, key, people))
        took_s.append(time.perf_counter() - began)
        parts += [_second(running, key, people) for _ in range(_SWAPPED_WITHIN_S)]
    return {
        "seconds": round(max(took_s), 1),
        "quiet_p50_ms": quiet.p50_ms,
        "p50_ratio": round(float(np.median([part.p50_ms for part in parts])) / quiet.p50_ms, 2),
        **_beside(quiet, parts),
    }


def _reprice(world: World, cents: int) -> None:
    """Change the prices of more offers than a catalogue is amended by."""
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute(
            "update core.stock set price_cents = price_cents + %s where offer_id in"
            " (select distinct offer_id from core.stock order by offer_id limit %s)",
            (cents, MAX_CHANGED + 1_000),
        )


def _crown(world: World, version: str) -> None:
    act = Act(at=datetime.now(UTC), actor="benchmark", reason="swapped under load")
    with publication(world.conninfo) as connection:
        force(connection, version, act)


def _show(figures: dict[str, Any]) -> None:
    table = Table("figure", "value", title="Feeds", title_justify="left")
    for name, value in figures.items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for part, number in parts:
            table.add_row(f"{name} {part}", str(number))
    Console().print(table)


if __name__ == "__main__":
    main()
