"""Feeds while offers change: `python -m tests.benchmarks.changes --world town`.

A world of its own and a real server of one worker. One client after the other asks for feeds of
people at random homes: first while nothing changes, then while another process changes offers at a
steady rate (prices, sessions cancelled and restored, offers withdrawn and published again, each in
a transaction of its own), then quiet again. Prints how long feeds take in each phase, and how many
times longer they take while offers change; beside it how soon a probe among the changes shows.
"""

import argparse
import json
import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import cycle
from multiprocessing.synchronize import Event

import numpy as np
import psycopg
from rich.console import Console
from rich.table import Table

from reco.world import World
from tests.benchmarks.stage import new_key, served, staged_world

_HOMES = "select external_id from core.beneficiary where home is not null order by md5(external_id)"
_STOCKS = """
select s.id from core.stock s join core.offer o on o.id = s.offer_id
where s.starts_at > now() + interval '1 day' or s.starts_at is null
order by md5(s.id::text) limit 20000
"""
_CHANGES = (
    "update core.stock set price_cents = (price_cents + 137) %% 5000 where id = %s",
    "update core.stock set cancelled_at = case when cancelled_at is null then now() end"
    " where id = %s",
    "update core.stock set price_cents = (price_cents + 731) %% 5000 where id = %s",
    "update core.offer set withdrawn_at = case when withdrawn_at is null then now() end"
    " where id = (select offer_id from core.stock where id = %s)",
)
_PROBE = """
with kind as (insert into core.category (name) values ('PROBE') returning id),
place as (
  insert into core.venue (external_id, location)
  values ('PROBE', st_setsrid(st_makepoint(%(lon)s, %(lat)s), 4326)::geography) returning id
), thing as (
  insert into core.item (external_id, category_id) select 'PROBE', id from kind returning id
), made as (
  insert into core.offer (external_id, item_id, venue_id)
  select 'PROBE', thing.id, place.id from thing, place returning id
)
insert into core.stock (external_id, offer_id, price_cents) select 'PROBE', id, 0 from made
"""
_PROBE_AT = (-8.0, 46.5)
"""(lon, lat) at sea, where nothing else is."""
_PROBE_EVERY_S = 1.0
_WARM_UP = 100


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="town", help="Size of the world that is made.")
    parser.add_argument("--rate", type=float, default=10_000.0, help="Offers changed a minute.")
    parser.add_argument("--quiet-s", type=float, default=30.0)
    parser.add_argument("--busy-s", type=float, default=120.0)
    parser.add_argument("--probes", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    console = Console(stderr=True)
    with (
        console.status("Making a world ..."),
        staged_world(asked.world) as world,
        psycopg.connect(world.conninfo, autocommit=True) as connection,
    ):
        probe = Probe(connection)
        connection.execute("vacuum analyze")
        homes = [user for (user,) in connection.execute(_HOMES)]
        with served(world, [1]) as (port,):
            client = Client(port, new_key(world), homes)
            client.run(_WARM_UP)
            console.print("Quiet ...")
            before = client.run_for(asked.quiet_s)
            console.print("Changes ...")
            with changing(world, asked.rate) as changer:
                during = client.run_for(asked.busy_s)
                delays_ms = probe.delays_ms(client, asked.probes)
            console.print("Quiet again ...")
            after = client.run_for(asked.quiet_s)
    figures = {
        "quiet": _told(before),
        "changing": _told(during),
        "quiet again": _told(after),
        "changed_a_minute": round(changer.done / changer.took_s * 60),
        "p99_ratio": round(_told(during)["p99_ms"] / _told(before + after)["p99_ms"], 2),
        "probe_ms": {
            "probes": len(delays_ms),
            "median": round(float(np.median(delays_ms)), 1),
            "worst": round(float(np.max(delays_ms)), 1),
        },
    }
    if asked.json:
        Console().print_json(json.dumps(figures))
    else:
        _show(figures)


class Client:
    """Asks for one feed after the other."""

    def __init__(self, port: int, key: str, homes: list[str]) -> None:
        self._headers = {"X-API-Key": key}
        self._homes = cycle(homes)
        self._connection = HTTPConnection("127.0.0.1", port)

    def run(self, feeds: int) -> None:
        """Ask for that many feeds."""
        for _ in range(feeds):
            self._ask()

    def run_for(self, seconds: float) -> list[float]:
        """Ask for feeds for so long and return how long each took, in ms."""
        until_s, times_ms = time.perf_counter() + seconds, []
        while time.perf_counter() < until_s:
            began = time.perf_counter()
            self._ask()
            times_ms.append((time.perf_counter() - began) * 1e3)
        return times_ms

    def shows_probe(self) -> bool:
        """Say whether a feed shows the probe."""
        lon, lat = _PROBE_AT
        return bool(self._feed(f"lat={lat}&lon={lon}&radius_km=1&n=1&category=PROBE")["items"])

    def _feed(self, question: str) -> dict[str, object]:
        self._connection.request("GET", f"/v1/feed?{question}", headers=self._headers)
        response = self._connection.getresponse()
        content = response.read()
        assert response.status == 200, content
        return json.loads(content)

    def _ask(self) -> None:
        self._feed(f"user_id={next(self._homes)}&radius_km=50")


@dataclass
class Changer:
    """What the other process did."""

    done: int = 0
    took_s: float = 1.0


@contextmanager
def changing(world: World, rate: float) -> Iterator[Changer]:
    """Change `rate` offers a minute in another process."""
    context = multiprocessing.get_context("spawn")
    stopping, counts = context.Event(), context.Queue()
    process = context.Process(target=_change, args=(world.conninfo, rate, stopping, counts))
    changer = Changer()
    process.start()
    try:
        yield changer
    finally:
        stopping.set()
        changer.done, changer.took_s = counts.get(timeout=10.0)
        process.join()


def _change(
    conninfo: str,
    rate: float,
    stopping: Event,
    counts: "multiprocessing.Queue[tuple[int, float]]",
) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        stocks = cycle([stock for (stock,) in connection.execute(_STOCKS)])
        began, done = time.monotonic(), 0
        while not stopping.wait(max(0.0, began + done * 60.0 / rate - time.monotonic())):
            connection.execute(_CHANGES[done % len(_CHANGES)], (next(stocks),))
            done += 1
        counts.put((done, time.monotonic() - began))


class Probe:
    """An offer of its own, published again and again."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        connection.execute(_PROBE, {"lon": _PROBE_AT[0], "lat": _PROBE_AT[1]})

    def delays_ms(self, client: Client, times: int) -> list[float]:
        """Return how long after it was published a feed shows it."""
        pause, delays_ms = threading.Event(), []
        for _ in range(times):
            self._set("now()")
            # So that the catalogue has forgotten it.
            pause.wait(_PROBE_EVERY_S)
            self._set("null")
            began = time.perf_counter()
            while not client.shows_probe():
                pass
            delays_ms.append((time.perf_counter() - began) * 1e3)
        return delays_ms

    def _set(self, withdrawn_at: str) -> None:
        self._connection.execute(
            f"update core.offer set withdrawn_at = {withdrawn_at} where external_id = 'PROBE'"
        )


def _told(times_ms: list[float]) -> dict[str, float]:
    p50, p95, p99 = np.percentile(times_ms, [50, 95, 99])
    return {
        "feeds": len(times_ms),
        "p50_ms": round(float(p50), 1),
        "p95_ms": round(float(p95), 1),
        "p99_ms": round(float(p99), 1),
    }


def _show(figures: dict[str, object]) -> None:
    table = Table("phase", "feeds", "p50 ms", "p95 ms", "p99 ms")
    for phase in ("quiet", "changing", "quiet again"):
        table.add_row(phase, *(f"{value:,}" for value in figures[phase].values()))
    probe = figures["probe_ms"]
    console = Console()
    console.print(table)
    console.print(
        f"{figures['changed_a_minute']:,} offers changed a minute: the p99 of feeds is"
        f" {figures['p99_ratio']} times that of the quiet. Among them a published offer shows"
        f" after {probe['median']:.0f} ms (median), {probe['worst']:.0f} ms (worst of"
        f" {probe['probes']})."
    )


if __name__ == "__main__":
    main()
