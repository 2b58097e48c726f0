"""The world of the benchmarks of feeds: what it is served from, and the people who ask."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle, islice

import psycopg

from reco.catalogue.current import current_base
from reco.db.making import ready_world
from reco.db.ready import opened_world
from reco.feed.generation import Generation, generation
from reco.frames.importing import import_frames
from reco.frames.sources import FolderSource
from reco.model.registry import champion
from reco.model.serving import usable_model
from reco.settings import Settings
from reco.world import World
from tests.benchmarks.load import drive
from training.commands.simulate import this_monday
from training.commands.train import train_world
from training.fits import DEFAULT_KIND
from training.simulate.world import simulate_world

_PEOPLE = 80_000
_TURNS = 4
"""Times that each place is asked for, so that each of two workers very likely was."""

_HOMES = """
select external_id, round(st_x(home::geometry)::numeric, 3), round(st_y(home::geometry)::numeric, 3)
from core.beneficiary where home is not null and erased_at is null
order by md5(external_id || %(salt)s) limit %(n)s
"""


class People:
    """Draws people, as few times as there are people enough for."""

    def __init__(self, world: World) -> None:
        with psycopg.connect(world.conninfo) as connection:
            drawn = {"salt": os.urandom(4).hex(), "n": _PEOPLE}
            rows = connection.execute(_HOMES, drawn).fetchall()
        # A small world has fewer than are asked for: they come again, and no answer is kept.
        self._left = cycle(rows)

    def drawn(self, n: int) -> Iterator[str]:
        """Yield the ids of so many others."""
        for user, _, _ in islice(self._left, n):
            yield str(user)

    def feeds(self, n: int) -> Iterator[str]:
        """Yield the paths of feeds of so many others."""
        for user in self.drawn(n):
            yield f"/v1/feed?user_id={user}&n=20"

    def warmed(self, n: int, port: int, key: str) -> Iterator[str]:
        """Return such paths after guests have asked in all of these places, of every worker.

        So places are remembered, as after hours of service; nothing else is.
        """
        some = list(islice(self._left, n))
        places = [f"/v1/feed?lat={lat}&lon={lon}&n=1" for _, lon, lat in some]
        drive(port, iter(places * _TURNS), key, clients=4, seconds=600)
        return iter([f"/v1/feed?user_id={user}&n=20" for user, _, _ in some])


def country(size: str, name: str) -> World:
    """Return the world of that name, made, imported and trained where it is not there."""
    settings = Settings(world=name)
    world = ready_world(settings)
    with psycopg.connect(world.conninfo) as connection:
        is_empty = connection.execute("select 1 from core.beneficiary limit 1").fetchone() is None
    if is_empty:
        simulate_world(size, 1, this_monday(), world.frames, lambda *_: None)
        import_frames(world, FolderSource(world.frames), lambda *_: None)
    if champion(world.conninfo) is None:
        train_world(world, DEFAULT_KIND, split="time", cutoff=None, now=datetime.now(UTC))
    return opened_world(settings)


def serving_of(world: World) -> Generation:
    """Return what a worker of `world` starts with: a young base, so that it builds none soon."""
    model, refused = usable_model(world.conninfo, world.models)
    if refused:
        raise SystemExit(refused)
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        base = current_base(connection, world.catalogue, datetime.now(UTC))
    return generation(base, model).worked_out()
