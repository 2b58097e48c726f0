"""`reco db ...`: what it tells, and what others on the machine see of it."""

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


def test_psql_gets_the_password_where_nobody_sees_it(settings, world, monkeypatch):
    calls = []
    monkeypatch.setattr(os, "execve", lambda *call: calls.append(call))
    CliRunner().invoke(app, ["db", "psql"], env=settings, catch_exceptions=False)
    ((_, (_, conninfo), environment),) = calls
    assert conninfo_to_dict(conninfo) == conninfo_to_dict(world.conninfo)
    assert environment["PGPASSWORD"] == PASSWORD
