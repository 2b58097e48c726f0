"""The command line: what it prints, how it fails, and that what the README says exists."""

import dataclasses
import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
import typer
from typer.testing import CliRunner
from worlds import NOW, small_world

from reco.cli import app
from reco.setbacks import setback_of
from reco.settings import read_settings

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def small(new_world):
    world = new_world()
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
    return world


def reco(world, *arguments):
    """Run the command in a process of its own, on `world`."""
    environment = os.environ | {
        "RECO_DATABASE_URL": world.conninfo,
        "RECO_HOME": str(world.folder),
        "RECO_WORLD": world.name,
    }
    return subprocess.run(
        [sys.executable, "-c", "from reco.cli import main; main()", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


_STOPPED = """
import sys

import psycopg

from reco import cli

def stopped():
    with psycopg.connect(sys.argv[1]) as connection:
        connection.pgconn.send_query(b"select pg_sleep(60)")
        raise KeyboardInterrupt

cli.app = stopped
cli.main()
"""
"""As where Ctrl-C comes a second time, while the query of the first is being cancelled."""


def test_who_stops_a_command_twice_is_not_told_of_a_rollback(small):
    done = subprocess.run(
        [sys.executable, "-c", _STOPPED, small.conninfo],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "KeyboardInterrupt" in done.stderr
    assert "rollback" not in done.stderr


def test_a_feed_as_json_is_the_apis_body(small):
    done = reco(small, "feed", "--user", "reader", "--at", NOW.isoformat(), "--json")
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    assert {item["offer_id"] for item in body["items"]} >= {"manga-shop", "film-tonight"}
    assert body["now"] == "2026-11-23T12:00:00Z"
    with psycopg.connect(small.conninfo) as connection:
        kept = connection.execute("select 1 from reco.slate where id = %s", (body["slate_id"],))
        assert kept.fetchone()


def test_a_feed_as_a_table(small):
    done = reco(small, "feed", "--user", "reader", "--at", NOW.isoformat())
    assert done.returncode == 0, done.stderr
    for shown in ("Film", "Cinema", "7 €", "Mon 23 Nov", "+25", "65 points"):
        assert shown in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--lat", "45"), "lon"),
        pytest.param(("--lat", "nan", "--lon", "5"), "lat", marks=pytest.mark.slow),
        pytest.param(("--radius-km", "201"), "radius_km", marks=pytest.mark.slow),
        (("--category", "THEATRE"), "Accepted: CINEMA, LIVRE, SPECTACLE"),
        pytest.param(("--from", "2026-12-03", "--to", "2026-12-01"), "to:", marks=pytest.mark.slow),
        (("--at", "0001-01-01"), "at: '0001-01-01' lies outside of the years"),
        (("--category", "\udcff"), "is not UTF-8"),
    ],
)
def test_bad_input_is_said_in_a_line_with_exit_code_2(small, arguments, said):
    done = reco(small, "feed", "--user", "reader", "--at", NOW.isoformat(), *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_database_that_takes_no_writes_is_told_in_a_line(small):
    read_only = f"{small.conninfo}&options=-cdefault_transaction_read_only%3Don"
    world = dataclasses.replace(small, conninfo=read_only)
    done = reco(world, "keys", "create", "--scope", "app")
    assert done.returncode == 1
    assert "cannot execute INSERT in a read-only transaction. It takes no writes" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_full_disk_is_told_and_what_is_none_of_the_machines_is_an_accident():
    full = OSError(errno.ENOSPC, "No space left on device", "/srv/world/factors.npy")
    assert str(setback_of(full)).startswith("[Errno 28] No space left on device: '/srv/world/f")
    assert setback_of(FileNotFoundError(errno.ENOENT, "No such file", "x")) is None
    assert setback_of(KeyError("x")) is None
    wrapped = sqlalchemy.exc.DBAPIError("create table", None, psycopg.errors.DiskFull("full"))
    assert "make room there" in str(setback_of(wrapped))
    assert setback_of(psycopg.errors.UniqueViolation("twice")) is None


@pytest.mark.parametrize("home", ["file", "file/folder"])
def test_a_home_where_a_file_lies_is_told(tmp_path, home):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file") as raised:
        (tmp_path / home).mkdir(parents=True, exist_ok=True)
    told = setback_of(raised.value)
    assert told is not None
    assert "A file is in the way" in str(told)


def test_a_policy_of_more_than_a_database_counts_is_refused(small):
    asked = ("--age", "18", "--from", "2027-01-01", "--amount-eur", "99999999999")
    done = reco(small, "policies", "add", *asked)
    assert done.returncode == 2
    assert "--amount-eur" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_world_that_was_never_made_says_what_to_run(tmp_path, small):
    environment = os.environ | {"RECO_HOME": str(tmp_path), "RECO_WORLD": "nowhere"}
    environment.pop("RECO_DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-c", "from reco.cli import main; main()", "feed"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "reco demo" in done.stderr
    assert list(tmp_path.iterdir()) == []


def commands(command, prefix="reco"):
    """Yield every command with its parameters."""
    command = command.imported() if hasattr(command, "imported") else command
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from commands(inner, f"{prefix} {name}")
    else:
        yield prefix, command.params


def test_the_list_of_commands_is_whole_and_imports_none_of_them():
    told = (
        "import sys; from reco.cli import app; app(['--help'], standalone_mode=False); "
        "print(*sys.modules, file=sys.stderr)"
    )
    wide = os.environ | {"COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", told], env=wide, capture_output=True, text=True, check=True
    )
    listed = done.stdout.split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in listed] == list(typer.main.get_command(app).commands)
    assert not [line for line in listed if line.endswith("...")]
    assert not {"numba", "scipy", "training"} & set(done.stderr.split())


@pytest.mark.parametrize("command", ["tune", "benchmark offpolicy"])
def test_a_folder_that_may_be_left_out_stands_in_one_pair_of_brackets(command):
    usage = CliRunner().invoke(app, [*command.split(), "--help"]).stdout.splitlines()[0]
    assert usage.endswith(" [OPTIONS] [DIR]")


PARAMETERS = dict(commands(typer.main.get_command(app)))
COMMANDS = {
    name: {option for parameter in parameters for option in parameter.opts}
    for name, parameters in PARAMETERS.items()
}
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("command", sorted(PARAMETERS))
def test_every_parameter_is_told_in_words_and_what_it_takes_in_one_way(command):
    for one in PARAMETERS[command]:
        assert re.sub(r"\[default: [^]]*\]", "", one.help or "").strip(), one.name
        assert not one.metavar or one.metavar.isupper(), one.name
        # Typer would write its name in lower case.
        assert one.metavar or one.param_type_name != "argument", one.name
    told = CliRunner().invoke(app, [*command.split()[1:], "--help"]).stdout
    # A format of Python's is none that people read.
    assert "%Y" not in told


def test_the_help_tells_the_world_that_is_meant_by_default(monkeypatch):
    monkeypatch.delenv("RECO_WORLD", raising=False)
    ending = f"default: {read_settings().world}]"
    worlds = [
        one for parameters in PARAMETERS.values() for one in parameters if one.name == "world"
    ]
    assert len(worlds) > 30
    assert all(one.help.endswith(ending) for one in worlds)


def test_the_commands_are_those_that_are_promised():
    assert set(COMMANDS) >= {
        "reco demo",
        "reco feed",
        "reco train",
        "reco serve",
        "reco snapshot",
        "reco import frames",
        "reco import meetup",
        "reco import yelp-poi",
        "reco import movielens",
        "reco import lightgcn",
        "reco export frames",
        "reco simulate world",
        "reco keys create",
        *(f"reco users {name}" for name in ("export", "erase", "prune-models")),
        *(f"reco db {name}" for name in ("up", "down", "status", "migrate", "psql")),
    }


@pytest.mark.parametrize("line", sorted(set(re.findall(r"\.venv/bin/(reco [^\n`|>&)]+)", README))))
def test_the_readme_names_commands_and_options_that_exist(line):
    words = re.sub(r"--world \w+ ", "", line).replace("\\", " ").split()
    known = [name for name in COMMANDS if words[: len(name.split())] == name.split()]
    assert known, line
    options = {word for word in words if word.startswith("--")}
    assert options <= COMMANDS[max(known, key=len)] | {"--world"}


def make_targets(text):
    """Return the targets that are asked for, one or several a command."""
    asked = re.findall(r"(?:^|`|^step )make ([a-z][a-z -]*)", text, re.MULTILINE)
    return {target for targets in asked for target in targets.split()}


def test_the_readme_names_targets_that_exist():
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= make_targets(README) <= targets


def test_ci_runs_what_the_readme_says():
    steps = make_targets((ROOT / ".ci" / "run").read_text())
    assert {"demo", "lint", "types", "test", "test-slow"} <= steps <= make_targets(README)
