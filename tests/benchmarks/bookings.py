"""Bookings a second over HTTP: `python -m tests.benchmarks.bookings`.

A demo world of its own in a durable cluster, a real server with two workers, and clients that book
and cancel: everybody has 500 EUR, a third of the orders go to a few hot sessions with 40 places
each, every tenth request is sent twice with the same key. Prints bookings a second, how long they
take, and after it all how many rules the database shows broken: none may be.
"""

import argparse
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPConnection

import numpy as np
import psycopg
from rich.console import Console
from rich.table import Table

from reco.core.accounts import Person, register
from reco.core.policies import read_policies
from reco.world import World
from tests.benchmarks.stage import new_key, served, staged_world

_USERS = 4_000
_HOT = 25
_HOT_PLACES = 40
_HOT_SHARE = 0.33
_TWICE_SHARE = 0.1
_CANCELLED_SHARE = 0.15

_BOOKABLE = """
select s.external_id from core.stock s join core.offer o on o.id = s.offer_id
where least(s.cancelled_at, s.booking_limit_at, s.starts_at, o.withdrawn_at, 'infinity')
    > now() + interval '1 hour'
  and greatest(o.published_at, s.created_at, '-infinity') < now() and s.price_cents < 5000
order by md5(s.external_id)
"""
_VIOLATIONS = {
    "stocks oversold": """
        select count(*) from (
          select s.id from core.stock s join core.booking b on b.stock_id = s.id
          where b.cancelled_at is null and b.booked_at >= %(began)s group by s.id
          having s.quantity < (select sum(quantity) from core.booking
            where stock_id = s.id and cancelled_at is null)) broken""",
    "deposits or caps overspent": """
        select count(*) from (
          select d.id from core.deposit d
          join core.booking b on b.user_id = d.user_id and b.cancelled_at is null
            and b.booked_at >= d.granted_at
          join core.stock t on t.id = b.stock_id
          join core.offer o on o.id = t.offer_id
          join core.item i on i.id = o.item_id
          left join core.subcategory s on s.id = i.subcategory_id
          cross join lateral (select core.cap_of(s.is_event, s.is_digital, s.is_physical,
            t.starts_at is not null, o.venue_id is not null) as cap) c
          where d.age is not null
          group by d.id having sum(b.amount_cents) > d.amount_cents
            or sum(b.amount_cents) filter (where cap = 'digital') > d.digital_cap_cents
            or sum(b.amount_cents) filter (where cap = 'physical') > d.physical_cap_cents
        ) broken""",
    "offers booked twice": """
        select count(*) from (
          select from core.booking b join core.stock s on s.id = b.stock_id
          where b.cancelled_at is null and b.booked_at >= %(began)s
          group by b.user_id, s.offer_id having count(*) > 1) broken""",
    "bookings that the ledger tells otherwise": """
        select count(*) from (
          select b.id from core.booking b join core.ledger l on l.booking_id = b.id
          where b.booked_at >= %(began)s group by b.id
          having -sum(l.amount_cents)
            <> case when b.cancelled_at is null then b.amount_cents else 0 end) broken""",
}


@dataclass
class Tally:
    """What one client saw."""

    times_ms: list[float] = field(default_factory=list)
    cancel_times_ms: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    booked: set[str] = field(default_factory=set)
    other_answers: int = 0
    """Retries that were answered otherwise than the first try."""


class Client:
    """One connection that books without a pause until the time is over."""

    def __init__(self, number: int, port: int, key: str, stocks: list[str]) -> None:
        self._chance = random.Random(number)
        self._connection = HTTPConnection("127.0.0.1", port)
        self._headers = {"X-API-Key": key, "Content-Type": "application/json"}
        self._stocks, self._number, self._made = stocks, number, 0
        self.tally = Tally()

    def run(self, until_s: float) -> None:
        """Book until then."""
        while time.monotonic() < until_s:
            self._book()

    def _book(self) -> None:
        is_hot = self._chance.random() < _HOT_SHARE
        order = {
            "user_id": f"bench{self._chance.randrange(_USERS)}",
            "stock_id": self._chance.choice(self._stocks[:_HOT] if is_hot else self._stocks),
        }
        self._made += 1
        attempt = {"Idempotency-Key": f"{self._number}-{self._made}"}
        status, answer = self._timed(self.tally.times_ms, "POST", "/v1/bookings", attempt, order)
        self.tally.outcomes[str(answer.get("rule", answer.get("state", status)))] += 1
        if self._chance.random() < _TWICE_SHARE:
            again = self._timed(self.tally.times_ms, "POST", "/v1/bookings", attempt, order)
            self.tally.other_answers += again != (status, answer)
        if status != 201:
            return
        booking_id = str(answer["booking_id"])
        self.tally.booked.add(booking_id)
        if self._chance.random() < _CANCELLED_SHARE:
            path = f"/v1/bookings/{booking_id}"
            status, _ = self._timed(self.tally.cancel_times_ms, "DELETE", path, {}, None)
            self.tally.outcomes[f"cancellation {status}"] += 1

    def _timed(
        self, times_ms: list[float], method: str, path: str, headers: dict[str, str], body: object
    ) -> tuple[int, dict[str, object]]:
        began = time.perf_counter()
        content = None if body is None else json.dumps(body)
        self._connection.request(method, path, content, self._headers | headers)
        response = self._connection.getresponse()
        answer = response.read()
        times_ms.append((time.perf_counter() - began) * 1e3)
        return response.status, json.loads(answer)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    console = Console(stderr=True)
    with console.status("Making a world ..."), staged_world("demo") as world:
        stocks = _prepare(world)
        with served(world, [asked.workers]) as (port,):
            console.print(f"{asked.clients} clients book for {asked.seconds:.0f} s ...")
            began = datetime.now(UTC)
            tallies, took_s = _drive(asked.clients, port, new_key(world), stocks, asked.seconds)
        figures = _figures(tallies, took_s) | _checked(world, began, tallies)
    if asked.json:
        Console().print_json(json.dumps(figures))
    else:
        _show(figures)


def _prepare(world: World) -> list[str]:
    """Give a crowd its deposits and return the stocks that they book; the hot ones first."""
    now = datetime.now(UTC)
    today = now.date()
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        policies = read_policies(connection)
        born = date(today.year - 18, today.month, 1) - timedelta(days=40)
        with connection.transaction():
            for number in range(_USERS):
                person = Person(f"bench{number}", born, None, None)
                register(connection, person, policies, now, UTC)
        stocks = [stock for (stock,) in connection.execute(_BOOKABLE)]
        connection.execute(
            "update core.stock set quantity = %s where external_id = any(%s)",
            (_HOT_PLACES, stocks[:_HOT]),
        )
        connection.execute("vacuum analyze")
    return stocks


def _drive(
    clients: int, port: int, key: str, stocks: list[str], seconds: float
) -> tuple[list[Tally], float]:
    crowd = [Client(number, port, key, stocks) for number in range(clients)]
    began = time.monotonic()
    threads = [threading.Thread(target=one.run, args=(began + seconds,)) for one in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one.tally for one in crowd], time.monotonic() - began


def _figures(tallies: list[Tally], took_s: float) -> dict[str, object]:
    times_ms = np.concatenate([tally.times_ms for tally in tallies])
    cancels_ms = np.concatenate([tally.cancel_times_ms for tally in tallies])
    outcomes = sum((tally.outcomes for tally in tallies), Counter())
    return {
        "requests_per_s": round((len(times_ms) + len(cancels_ms)) / took_s, 1),
        "bookings_per_s": round(outcomes["booked"] / took_s, 1),
        "p50_ms": round(float(np.percentile(times_ms, 50)), 1),
        "p99_ms": round(float(np.percentile(times_ms, 99)), 1),
        "cancel_p50_ms": round(float(np.percentile(cancels_ms, 50)), 1),
        "outcomes": dict(outcomes.most_common()),
        "retries answered otherwise": sum(tally.other_answers for tally in tallies),
    }


def _checked(world: World, began: datetime, tallies: list[Tally]) -> dict[str, object]:
    told = set[str]().union(*(tally.booked for tally in tallies))
    with psycopg.connect(world.conninfo) as connection:
        kept = {
            booking_id
            for (booking_id,) in connection.execute(
                "select id::text from core.booking where booked_at >= %s", (began,)
            )
        }
        broken = dict(_counted(connection, began))
    return {"violations": broken | {"bookings told but not kept, or kept untold": len(told ^ kept)}}


def _counted(connection: psycopg.Connection, began: datetime) -> Iterator[tuple[str, int]]:
    for name, query in _VIOLATIONS.items():
        row = connection.execute(query, {"began": began}).fetchone()
        yield name, int(row[0])


def _show(figures: dict[str, object]) -> None:
    table = Table("figure", "value", title="Bookings", title_justify="left")
    for name, value in figures.items():
        lines = value.items() if isinstance(value, dict) else [("", value)]
        for part, number in lines:
            table.add_row(f"{name}: {part}" if part else name, f"{number:,}")
    Console().print(table)


if __name__ == "__main__":
    main()
