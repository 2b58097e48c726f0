"""The demo: from an empty database to an agenda, and again without destroying anything."""

import re
import socket
from datetime import timedelta
from time import perf_counter

import psycopg
import pytest
import typer
from typer.testing import CliRunner
from worlds import NOW, small_world

from reco.errors import SetupError
from reco.settings import Settings
from reco.world import checked_world_name
from training.commands.demo import demo, end_told


@pytest.fixture
def settings(world):
    return Settings(home=world.folder, world=world.name, database_url=world.conninfo)


def run(settings):
    app = typer.Typer()
    app.command()(demo)
    done = CliRunner().invoke(app, ["--no-serve"], obj=settings, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_a_port_that_is_taken_is_told_before_a_world_is_made(tmp_path):
    app = typer.Typer()
    app.command()(demo)
    nowhere = Settings(home=tmp_path, database_url="postgresql://127.0.0.1:1/nothing")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=f"127.0.0.1:{port} .*--port"):
            CliRunner().invoke(
                app, ["--port", str(port)], obj=nowhere, catch_exceptions=False,
                standalone_mode=False,
            )  # fmt: skip


def counts(connection):
    return connection.execute(
        "select (select count(*) from core.beneficiary), (select count(*) from core.booking),"
        " (select count(*) from core.change), (select count(*) from reco.model_version)"
    ).fetchone()


def test_a_world_whose_sessions_are_soon_over_says_so(world, connection):
    assert end_told(world, NOW) is None
    small_world(connection)
    last = connection.execute("select max(starts_at) from core.stock").fetchone()[0]
    assert end_told(world, last - timedelta(days=15)) is None
    for now in last - timedelta(days=13), last + timedelta(days=400):
        told = end_told(world, now)
        assert f"begins on {last:%Y-%m-%d}" in told
        another = re.search(r"RECO_WORLD=(\w+)", told)[1]
        assert checked_world_name(another) == f"demo_{now:%Y%m%d}"


@pytest.mark.slow
@pytest.mark.alone
def test_from_nothing_to_an_agenda_and_again(settings, connection):
    first = run(settings)
    assert "ndcg@10" in first
    for shown in ("Agenda of u", "km", "€", "Horizon so far"):
        assert shown in first
    before = counts(connection)
    assert before[0] == 2_000
    began = perf_counter()
    second = run(settings)
    assert perf_counter() - began < 10
    assert "ndcg@10" not in second
    assert "Agenda of u" in second
    assert counts(connection) == before
    with psycopg.connect(settings.database_url) as other:
        slates = other.execute("select count(*) from reco.slate").fetchone()
    assert slates == (2,)
