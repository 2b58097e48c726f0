"""Where the time of a feed goes: by stage, and in the compiled calls of a ranking.

`python -m tests.benchmarks.stages --size france`

In one process, without HTTP, for people drawn at random, radius 50 km: each is asked for several
times, of which the first and the best count. Compiled calls are timed in a turn of their own, with
a clock around each. A world that is missing is made.
"""

import argparse
import gc
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import psycopg
from numba.core.dispatcher import Dispatcher
from rich.console import Console
from rich.progress import track
from rich.table import Table

from reco.feed.generation import Generation
from reco.feed.pipeline import ranked_farther, settled
from reco.feed.present import present
from reco.feed.query import feed_query
from reco.feed.ranking import Ranking, ranking_of
from reco.feed.readback import read_offers
from reco.feed.situation import Situation, read_situation
from reco.feed.surroundings import look_around
from reco.feed.workspace import Scratch
from tests.benchmarks.country import People, country, serving_of

_SECRET = "s" * 32
_COMPILED = "reco.kernel."
Call = Callable[..., Any]


class Clock:
    """Adds up by name what calls take, and how many there are."""

    def __init__(self) -> None:
        self.spent_ms: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()

    def timed(self, name: str, call: Call) -> Call:
        """Return `call` with this clock around it."""

        def clocked(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            found = call(*args, **kwargs)
            self.spent_ms[name] += 1e3 * (time.perf_counter() - began)
            self.calls[name] += 1
            return found

        return clocked


class Service:
    """Answers as a worker does, stage by stage."""

    def __init__(self, serving: Generation, connection: psycopg.Connection[Any]) -> None:
        self._serving, self._connection = serving, connection
        self._scratch = Scratch.for_items(len(serving.catalogue.items))

    def situation(self, user: str) -> Situation:
        """Return who asks and what is around."""
        query = feed_query(now=datetime.now(UTC), default_radius_m=5e4, user_id=user, n=20)
        return read_situation(self._connection, self._serving, query)

    def ranked(self, here: Situation) -> Ranking:
        """Return the ranking of what is around, with its likeliest."""
        ranking = ranking_of(self._serving, here, self._scratch)
        _ = ranking.pool
        return ranking

    def read(self, here: Situation, offers: Sequence[int]) -> Any:
        """Return those of some offers that can be booked."""
        cards, credit = self._serving.catalogue.cards, here.state.credit
        found = read_offers(self._connection, cards, offers, here.query, credit)
        return {offer: live for offer, live in found.items() if live.sessions}

    def stages_ms(self, user: str) -> dict[str, float]:
        """Return what each stage of a feed takes."""
        clock = Clock()
        look = clock.timed("looking farther", partial(look_around, self._connection, self._serving))
        here = clock.timed("state and places", self.situation)(user)
        here, ranking = ranked_farther(here, look, clock.timed("ranking", self.ranked))
        read = clock.timed("read-back", partial(self.read, here))
        live = clock.timed("choosing", settled)(ranking, here, read)
        clock.timed("presenting", present)(self._serving, here, live, _SECRET)
        clock.spent_ms["choosing"] -= clock.spent_ms["read-back"]
        clock.spent_ms["all"] = clock.spent_ms.total()
        return dict(clock.spent_ms)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="france", help="demo, town or france")
    parser.add_argument("--world", help="Name of the world. [default: the size]")
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    world = country(asked.size, asked.world or asked.size)
    users = list(People(world).drawn(asked.people))
    serving, console = serving_of(world), Console()
    # As a worker does: what is loaded stays.
    gc.freeze()
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        service = Service(serving, connection)
        console.print(_by_stage(service, users, asked.turns))
        console.print(_by_call(service, users, asked.turns))


def _by_stage(service: Service, users: Sequence[str], turns: int) -> Table:
    took = [[service.stages_ms(user) for user in users] for _ in track(range(turns), "Feeds ...")]
    table = Table("stage", title=f"Milliseconds a feed, {len(users)} people, means")
    for name in ("the first time", "the best time"):
        table.add_column(name, justify="right")
    for stage in took[0][0]:
        ms = np.array([[of.get(stage, 0.0) for of in turn] for turn in took])
        table.add_row(stage, f"{ms[0].mean():.2f}", f"{ms.min(axis=0).mean():.2f}")
    return table


def _by_call(service: Service, users: Sequence[str], turns: int) -> Table:
    situations, clock = [service.situation(user) for user in users], Clock()
    with _clocks_around_compiled_calls(clock):
        for _ in track(range(turns), "Rankings ..."):
            for here in situations:
                clock.timed("a ranking", service.ranked)(here)
    rankings = clock.calls["a ranking"]
    compiled_ms = clock.spent_ms.total() - clock.spent_ms["a ranking"]
    table = Table("call", title=f"Milliseconds a ranking, {rankings} of them, means")
    for name in ("ms", "calls"):
        table.add_column(name, justify="right")
    for name, ms in clock.spent_ms.most_common():
        table.add_row(name, f"{ms / rankings:.3f}", f"{clock.calls[name] / rankings:.2f}")
    left_ms = clock.spent_ms["a ranking"] - compiled_ms
    table.add_row("Python, and the clocks", f"{left_ms / rankings:.3f}", "")
    return table


@contextmanager
def _clocks_around_compiled_calls(clock: Clock) -> Iterator[None]:
    """Time every compiled function where others than compiled ones call it."""
    with ExitStack() as patches:
        for name, module in list(sys.modules.items()):
            if not name.startswith("reco."):
                continue
            for known, call in list(vars(module).items()):
                if isinstance(call, Dispatcher) and call.__module__.startswith(_COMPILED):
                    of = f"{call.__module__.removeprefix(_COMPILED)}.{call.__name__}"
                    patches.enter_context(patch.object(module, known, clock.timed(of, call)))
        yield


if __name__ == "__main__":
    main()
