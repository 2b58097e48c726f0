"""Upload a partner's catalogue over HTTP: `python -m tests.benchmarks.bulk`.

A demo world of its own in a durable cluster, a real server, and one file of 1,000 venues, 30,000
offers and 69,000 stocks: sent for the first time, sent again, and sent with every tenth price
changed. Prints rows a second, and the server's memory before and at its peak.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from reco.api.keys import create_key
from reco.core.partners import create_partner
from reco.world import World
from tests.benchmarks.stage import served, staged_world
from training.replay.memory import status_mb

_PIECE_BYTES = 65_536


@dataclass(frozen=True)
class Size:
    """How many rows of each kind."""

    venues: int
    offers: int
    stocks: int

    def scaled(self, rows: int) -> "Size":
        """Return about as many rows in all, in the same proportions."""
        share = rows / (self.venues + self.offers + self.stocks)
        return Size(*(max(1, round(count * share)) for count in vars(self).values()))


_WHOLE = Size(1_000, 30_000, 69_000)


@dataclass(frozen=True)
class Run:
    """One upload."""

    name: str
    took_s: float
    summary: dict[str, int]
    peak_mb: float
    """The most that the server has had so far."""


def catalogue(size: Size, raised_cents: int = 0) -> Iterator[bytes]:
    """Give the lines; every tenth price is raised by `raised_cents`."""
    for venue in range(size.venues):
        where = {"lat": 42.5 + venue % 80 / 10, "lon": -1 + venue % 70 / 10}
        yield _line("venue", venue, name=f"Venue {venue}", timezone="Europe/Paris", **where)
    for offer in range(size.offers):
        category, subcategory = _WORKS[offer % 2]
        work = {"title": f"Work {offer}", "category": category, "subcategory": subcategory}
        yield _line("offer", offer, venue_id=f"venue-{offer % size.venues}", item=work)
    starts = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    for stock in range(size.stocks):
        offer = stock % size.offers
        dated = {"starts_at": (starts + timedelta(hours=stock % 999)).isoformat()}
        price_cents = 500 + stock % 3_000 + (raised_cents if stock % 10 == 0 else 0)
        yield _line(
            "stock",
            stock,
            offer_id=f"offer-{offer}",
            price_cents=price_cents,
            quantity=10 + stock % 90,
            **(dated if offer % 2 == 0 else {}),
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    size = _WHOLE.scaled(asked.rows)
    progress = Console(stderr=True)
    with progress.status("Making a world ..."), staged_world("demo") as world:
        key = _partner_key(world)
        with served(world, [1]) as (port,):
            server = _server()
            before_mb = status_mb(server, "VmRSS")
            runs = []
            for name, raised_cents in (("first", 0), ("again", 0), ("a tenth repriced", 100)):
                progress.print(f"Sending it: {name} ...")
                took_s, summary = _sent(port, key, b"".join(catalogue(size, raised_cents)))
                runs.append(Run(name, took_s, summary, status_mb(server, "VmHWM")))
    if asked.json:
        shown = {"before_mb": before_mb, "runs": [vars(run) for run in runs]}
        Console().print_json(json.dumps(shown))
    else:
        _show(before_mb, runs)


_WORKS = (("SPECTACLE", "SPECTACLE_REPRESENTATION"), ("LIVRE", "LIVRE_PAPIER"))


def _line(kind: str, number: int, **values: object) -> bytes:
    return json.dumps({"kind": kind, "id": f"{kind}-{number}"} | values).encode() + b"\n"


def _partner_key(world: World) -> str:
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        create_partner(connection, "bulk", "Bulk")
        return create_key(connection, "backoffice", "benchmark", datetime.now(UTC), "bulk")


def _sent(port: int, key: str, body: bytes) -> tuple[float, dict[str, int]]:
    """Send all before anything is read; return how long it took and the summary."""
    connection = HTTPConnection("127.0.0.1", port)
    headers = {"X-API-Key": key, "Content-Type": "application/x-ndjson"}
    pieces = (body[at : at + _PIECE_BYTES] for at in range(0, len(body), _PIECE_BYTES))
    began = time.perf_counter()
    connection.request(
        "POST", "/v1/backoffice/catalogue", pieces, headers | {"Transfer-Encoding": "chunked"},
        encode_chunked=True,
    )  # fmt: skip
    response = connection.getresponse()
    answer = response.read()
    took_s = time.perf_counter() - began
    if response.status != 200:
        raise RuntimeError(f"{response.status}: {answer[:500]!r}")
    *_, summary = answer.splitlines()
    counts: dict[str, int] = json.loads(summary)["summary"]
    return took_s, counts


def _server() -> int:
    """Return the process of the server, a child of this one."""
    me = os.getpid()
    children = Path(f"/proc/{me}/task/{me}/children").read_text().split()
    return next(int(pid) for pid in children if b"serve" in _command(int(pid)))


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _show(before_mb: float, runs: list[Run]) -> None:
    table = Table("sent", "rows", "s", "rows/s", "created", "changed", "unchanged", "peak MB")
    for run in runs:
        rows = run.summary["rows"]
        table.add_row(
            run.name,
            f"{rows:,}",
            f"{run.took_s:.1f}",
            f"{rows / run.took_s:,.0f}",
            *(f"{run.summary[name]:,}" for name in ("created", "changed", "unchanged")),
            f"{run.peak_mb:.0f}",
        )
    console = Console()
    console.print(table)
    console.print(f"The server had {before_mb:.0f} MB before.")


if __name__ == "__main__":
    main()
