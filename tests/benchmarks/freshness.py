"""How soon a change shows: `python -m tests.benchmarks.freshness`.

A demo world of its own, two real servers of one worker each. A trial books the last place of a
session, cancels a booking, withdraws an offer, publishes one, lowers a price or cancels a session,
in turn; then both servers are asked for a feed and for similar offers until they show it. Prints
the delays since the change was committed, and how often an answer to a question asked after the
commit showed something that could not be booked: never.
"""

import argparse
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPConnection

import numpy as np
import psycopg
from rich.console import Console
from rich.progress import track
from rich.table import Table

from reco.core.accounts import Person, register
from reco.core.policies import read_policies
from reco.world import World
from tests.benchmarks.stage import new_key, served, staged_world

_CATEGORY = "FRESHNESS"
_PLACE = (3.0, 46.5)
"""(lon, lat) of the venue of all that changes."""
_OFFERS = ("anchor", "places", "withdrawn", "cancelled", "priced", "repriced")
_DEAR_CENTS, _CHEAP_CENTS = 3_000, 1_000
_PATIENCE_S = 20.0

_OFFER = """
with thing as (
  insert into core.item (external_id, category_id, title)
  select %(id)s, id, %(id)s from core.category where name = %(category)s returning id
), made as (
  insert into core.offer (external_id, item_id, venue_id, published_at)
  select %(id)s, thing.id, v.id, now() from thing, core.venue v where v.external_id = %(category)s
  returning id
)
insert into core.stock (external_id, offer_id, price_cents, quantity, starts_at)
select %(id)s, id, %(price_cents)s, %(quantity)s, now() + interval '20 days' from made
"""


@dataclass(frozen=True)
class Expected:
    """What an answer must show of one offer: its price, or None, nothing."""

    offer_id: str
    price_cents: int | None

    def is_shown(self, items: list[dict[str, object]]) -> bool:
        """Say whether `items` show it."""
        prices = [
            item["sessions"][0]["price_cents"]
            for item in items
            if item["offer_id"] == self.offer_id
        ]
        return prices == ([] if self.price_cents is None else [self.price_cents])


class Server:
    """One of the servers, asked over one connection."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port)
        self._headers = {"X-API-Key": key, "Content-Type": "application/json"}

    def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, dict[str, object]]:
        """Return the status and the body of an answer."""
        content = None if body is None else json.dumps(body)
        self._connection.request(method, path, content, self._headers | headers)
        response = self._connection.getresponse()
        return response.status, json.loads(response.read())

    def items(self, endpoint: str) -> list[dict[str, object]]:
        """Return the offers that a feed, or a list of similar offers, shows."""
        lon, lat = _PLACE
        path = {
            "feed": f"/v1/feed?user_id=viewer&lat={lat}&lon={lon}&radius_km=2&n=50"
            f"&max_price_eur={_DEAR_CENTS // 100 - 1}&category={_CATEGORY}",
            "similar": "/v1/offers/anchor/similar?n=50",
        }[endpoint]
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer["items"]


@dataclass
class Sightings:
    """When a change was first shown, by server and endpoint, and what was shown before."""

    delays_ms: dict[tuple[int, str], float] = field(default_factory=dict)
    unbookable: int = 0
    """Answers to questions asked after the commit that showed what was gone."""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    console = Console(stderr=True)
    with console.status("Making a world ..."), staged_world("demo") as world:
        _prepare(world)
        console.print("Serving ...")
        with (
            served(world, [1, 1]) as ports,
            psycopg.connect(world.conninfo, autocommit=True) as connection,
        ):
            stage = Stage(connection, [Server(port, new_key(world)) for port in ports])
            kinds = list(stage.trials())
            seen: dict[str, list[Sightings]] = defaultdict(list)
            for number in track(range(asked.trials), "Trials", console=console):
                kind = kinds[number % len(kinds)]
                seen[kind].append(stage.trials()[kind](number))
    figures = _figures(seen)
    if asked.json:
        Console().print_json(json.dumps(figures))
    else:
        _show(figures)


def _prepare(world: World) -> None:
    now = datetime.now(UTC)
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        connection.execute("insert into core.category (name) values (%s)", (_CATEGORY,))
        connection.execute(
            "insert into core.venue (external_id, name, location) values (%s, %s,"
            " st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
            (_CATEGORY, _CATEGORY, *_PLACE),
        )
        for offer in _OFFERS:
            _add_offer(connection, offer, 1 if offer == "places" else None)
        connection.execute(
            "update core.stock set price_cents = %s where external_id = 'repriced'", (_DEAR_CENTS,)
        )
        born = date(now.year - 18, now.month, 1) - timedelta(days=40)
        policies = read_policies(connection)
        for user in ("viewer", "booker"):
            register(connection, Person(user, born, None, None), policies, now, UTC)
        connection.execute("vacuum analyze")


def _add_offer(connection: psycopg.Connection, offer: str, quantity: int | None) -> None:
    columns = {"category": _CATEGORY, "price_cents": _CHEAP_CENTS, "quantity": quantity}
    connection.execute(_OFFER, {"id": offer} | columns)


class Stage:
    """Changes one thing at a time and watches both servers."""

    def __init__(self, connection: psycopg.Connection, servers: list[Server]) -> None:
        self._connection = connection
        self._servers = servers
        self._booking = ""
        self._published = ""
        self._cheap, self._dear = "priced", "repriced"

    def trials(self) -> dict[str, Callable[[int], Sightings]]:
        """Return each kind of trial, in the order in which they take turns."""
        return {
            "book the last place": self._book,
            # Once it shows, both catalogues have seen the booking too.
            "publish an offer": self._publish,
            "cancel that booking": self._cancel_booking,
            "lower a price": self._reprice,
            "withdraw an offer": self._withdraw,
            "cancel a session": self._cancel_stock,
        }

    def _book(self, number: int) -> Sightings:
        def change() -> None:
            attempt = {"Idempotency-Key": f"trial {number}"}
            order = {"user_id": "booker", "stock_id": "places"}
            status, answer = self._servers[0].ask("POST", "/v1/bookings", order, **attempt)
            assert status == 201, answer
            self._booking = str(answer["booking_id"])

        self._until(Expected("places", _CHEAP_CENTS))
        return self._watched(change, Expected("places", None))

    def _cancel_booking(self, _: int) -> Sightings:
        def change() -> None:
            status, answer = self._servers[1].ask("DELETE", f"/v1/bookings/{self._booking}")
            assert status == 200, answer

        return self._watched(change, Expected("places", _CHEAP_CENTS))

    def _withdraw(self, _: int) -> Sightings:
        set_it = "update core.offer set withdrawn_at = {} where external_id = 'withdrawn'"
        self._connection.execute(set_it.format("null"))
        self._until(Expected("withdrawn", _CHEAP_CENTS))
        return self._watched(self._sql(set_it.format("now()")), Expected("withdrawn", None))

    def _publish(self, number: int) -> Sightings:
        if self._published:
            self._connection.execute(
                "update core.offer set withdrawn_at = now() where external_id = %s",
                (self._published,),
            )
        offer = self._published = f"published-{number}"
        return self._watched(
            lambda: _add_offer(self._connection, offer, None), Expected(offer, _CHEAP_CENTS)
        )

    def _reprice(self, number: int) -> Sightings:
        # One gets too dear for the feed, the other cheap enough; next time the other way round.
        self._cheap, self._dear = self._dear, self._cheap
        price_cents = _CHEAP_CENTS + number
        change = self._sql(
            "update core.stock set price_cents = case external_id"
            f" when '{self._cheap}' then {price_cents} else {_DEAR_CENTS} end"
            f" where external_id in ('{self._cheap}', '{self._dear}')"
        )
        return self._watched(change, Expected(self._cheap, price_cents))

    def _cancel_stock(self, _: int) -> Sightings:
        set_it = "update core.stock set cancelled_at = {} where external_id = 'cancelled'"
        self._connection.execute(set_it.format("null"))
        self._until(Expected("cancelled", _CHEAP_CENTS))
        return self._watched(self._sql(set_it.format("now()")), Expected("cancelled", None))

    def _sql(self, statement: str) -> Callable[[], None]:
        def change() -> None:
            self._connection.execute(statement)

        return change

    def _until(self, expected: Expected) -> None:
        """Wait until all servers show it."""
        deadline = time.perf_counter() + _PATIENCE_S
        for server in self._servers:
            for endpoint in ("feed", "similar"):
                while not expected.is_shown(server.items(endpoint)):
                    assert time.perf_counter() < deadline, f"{expected} is not shown"

    def _watched(self, change: Callable[[], None], expected: Expected) -> Sightings:
        change()
        committed_s = time.perf_counter()
        sightings = Sightings()
        threads = [
            threading.Thread(target=self._watch, args=(number, committed_s, expected, sightings))
            for number in range(len(self._servers))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(sightings.delays_ms) == 2 * len(self._servers), f"{expected} was not shown"
        return sightings

    def _watch(
        self, number: int, committed_s: float, expected: Expected, sightings: Sightings
    ) -> None:
        waiting = ["feed", "similar"]
        while waiting and time.perf_counter() - committed_s < _PATIENCE_S:
            for endpoint in tuple(waiting):
                if expected.is_shown(self._servers[number].items(endpoint)):
                    delay_ms = (time.perf_counter() - committed_s) * 1e3
                    sightings.delays_ms[number, endpoint] = delay_ms
                    waiting.remove(endpoint)
                else:
                    sightings.unbookable += expected.price_cents is None


def _figures(seen: dict[str, list[Sightings]]) -> dict[str, object]:
    kinds = {}
    for kind, trials in seen.items():
        kinds[kind] = {"trials": len(trials)} | {
            f"worker {server + 1} {endpoint}": _told(
                [trial.delays_ms[server, endpoint] for trial in trials]
            )
            for server in (0, 1)
            for endpoint in ("feed", "similar")
        }
    everything = [delay for all_ in seen.values() for t in all_ for delay in t.delays_ms.values()]
    return {
        "delays_ms": kinds,
        "all": _told(everything),
        "unbookable_shown": sum(trial.unbookable for all_ in seen.values() for trial in all_),
    }


def _told(delays_ms: list[float]) -> dict[str, float]:
    return {
        "median": round(float(np.median(delays_ms)), 1),
        "worst": round(float(np.max(delays_ms)), 1),
    }


def _show(figures: dict[str, object]) -> None:
    delays = figures["delays_ms"]
    columns = [name for name in next(iter(delays.values())) if name != "trials"]
    table = Table("change", "trials", *columns, title="Median / worst delay, ms")
    for kind, row in delays.items():
        cells = [f"{row[name]['median']:.0f} / {row[name]['worst']:.0f}" for name in columns]
        table.add_row(kind, str(row["trials"]), *cells)
    console = Console()
    console.print(table)
    console.print(
        f"All: median {figures['all']['median']:.0f} ms, worst {figures['all']['worst']:.0f} ms. "
        f"Shown although it could not be booked: {figures['unbookable_shown']} times."
    )


if __name__ == "__main__":
    main()
