"""The command `reco demo`: from nothing to one person's agenda, and a page to look at it."""

from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Annotated
from zoneinfo import ZoneInfo

import psycopg
import typer

from reco.api.serve import require_free, serve_world
from reco.console import WorldOption, console, errors, settings_for, warn
from reco.db.making import ready_world
from reco.feed.once import feed_once
from reco.feed.people import people_to_look_at
from reco.feed.query import feed_query
from reco.feed.table import agenda_table
from reco.frames.importing import import_frames
from reco.frames.sources import FolderSource
from reco.model.registry import champion
from reco.secret import signing_secret
from reco.settings import Settings
from reco.world import World
from training.commands.frames import frame_progress
from training.commands.progress import share_progress
from training.commands.screen import training_table
from training.commands.simulate import this_monday
from training.commands.train import train_world
from training.fits import DEFAULT_KIND
from training.simulate.world import simulate_world

_SEED = 1
_NEAR = timedelta(days=14)
_LAST_SESSION = "select max(starts_at) from core.stock where cancelled_at is null"


def demo(
    context: typer.Context,
    *,
    serve: Annotated[bool, typer.Option(help="Serve the API and the first page after.")] = True,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to serve on.")] = 8000,
    world: WorldOption = None,
) -> None:
    """Make the demo world where it is missing, print one person's agenda, and serve."""
    settings = settings_for(context, world)
    if serve:
        require_free("127.0.0.1", port)
    began = perf_counter()
    opened = ready_world(settings)
    _say("database ready", began)
    if _is_empty(opened):
        _fill(opened, began)
    if champion(opened.conninfo) is None:
        now = datetime.now(UTC)
        summary = train_world(opened, DEFAULT_KIND, split="time", cutoff=None, now=now)
        console.print(training_table(summary))
        _say("model trained", began)
    _show(opened, settings)
    if told := end_told(opened, datetime.now(UTC)):
        warn(told)
    _say("done", began)
    if serve:
        serve_world(settings, port=port, with_demo=True)


def end_told(world: World, now: datetime) -> str | None:
    """Return what to say of a world whose sessions are over, or will be soon: none are added."""
    with psycopg.connect(world.conninfo) as connection:
        row = connection.execute(_LAST_SESSION).fetchone()
    last = row[0] if row else None
    if last is None or last > now + _NEAR:
        return None
    another = f"demo_{now:%Y%m%d}"
    return (
        f"The last session of the world {world.name} begins on {last:%Y-%m-%d}. After "
        f"`export RECO_WORLD={another}`, `make demo` makes another, and all commands look at it."
    )


def _is_empty(world: World) -> bool:
    with psycopg.connect(world.conninfo) as connection:
        return connection.execute("select 1 from core.beneficiary limit 1").fetchone() is None


def _fill(world: World, began: float) -> None:
    with share_progress() as progress:
        simulate_world("demo", _SEED, this_monday(), world.frames, progress)
    _say("world simulated", began)
    with frame_progress() as report:
        import_frames(world, FolderSource(world.frames), report)
    _say("world imported", began)


def _show(world: World, settings: Settings) -> None:
    now = datetime.now(UTC)
    with psycopg.connect(world.conninfo) as connection:
        people = people_to_look_at(connection, now, 1)
    someone = people[0].user_id if people else None
    query = feed_query(
        now=now,
        default_radius_m=settings.radius_m,
        user_id=someone,
        n=12,
        language="en",
        served=settings.dials,
    )
    answer = feed_once(world, query, signing_secret(settings))
    zone = ZoneInfo(settings.timezone)
    console.print(agenda_table(answer, someone or "a guest", zone))


def _say(what: str, began: float) -> None:
    errors.print(f"{perf_counter() - began:6.1f} s  {what}", style="dim")
