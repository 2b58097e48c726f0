"""`reco db ...`: what it tells, and what others on the machine see of it."""

import json
import os

import pytest
from psycopg.conninfo import conninfo_to_dict
from typer.testing import CliRunner

from reco.cli import app

PASSWORD = "hush%@word"


@pytest.fixture(params=["user's part", "query", "words"])
def settings(request, world):
    asked = conninfo_to_dict(world.conninfo)
    database, port = asked["dbname"], asked["port"]
    socket = f"{asked['host'].replace('/', '%2F')}&port={port}"
    conninfo = {
        "user's part": f"postgresql://reco:hush%25%40word@/{database}?host={socket}",
        "query": f"postgres:///{database}?user=reco&host={socket}&password=hush%25%40word",
        "words": f"host={asked['host']} port={port} user=reco dbname={database}"
        f" password='{PASSWORD}'",
    }[request.param]
    return {"RECO_DATABASE_URL": conninfo, "RECO_HOME": str(world.folder), "RECO_WORLD": "test"}


def test_a_password_is_not_told(settings):
    done = CliRunner().invoke(app, ["db", "status"], env=settings, catch_exceptions=False)
    assert "hush" not in done.stdout
    assert "user=reco" in done.stdout
    assert "***" in done.stdout


def test_a_world_that_was_never_made_has_no_url(cluster, new_world, tmp_path):
    (tmp_path / "cluster.json").write_text(json.dumps({"folder": str(cluster.folder)}))
    env = {"RECO_HOME": str(tmp_path), "COLUMNS": "300"}

    def status(name):
        asked = ["--world", name, "db", "status"]
        return CliRunner().invoke(app, asked, env=env, catch_exceptions=False).stdout

    name = conninfo_to_dict(new_world().conninfo)["dbname"].removeprefix("reco_")
    assert f"URL of {name}" in status(name)
    told = status("nothere")
    assert "URL" not in told
    assert "not made: `reco db up --world nothere`" in told


def test_psql_gets_the_password_where_nobody_sees_it(settings, world, monkeypatch):
    calls = []
    monkeypatch.setattr(os, "execve", lambda *call: calls.append(call))
    CliRunner().invoke(app, ["db", "psql"], env=settings, catch_exceptions=False)
    ((_, (_, conninfo), environment),) = calls
    assert conninfo_to_dict(conninfo) == conninfo_to_dict(world.conninfo)
    assert environment["PGPASSWORD"] == PASSWORD
