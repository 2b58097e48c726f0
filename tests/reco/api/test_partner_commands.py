"""The commands that make partners and their keys, on a real world."""

import psycopg
import pytest
from typer.testing import CliRunner
from worlds import small_world

from reco.cli import app
from reco.errors import Forbidden, InvalidInput, NotFound


@pytest.fixture
def reco(world):
    """Run a command on a small world; what it raises is raised."""
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
    settings = {
        "RECO_DATABASE_URL": world.conninfo,
        "RECO_HOME": str(world.folder),
        "RECO_WORLD": world.name,
    }

    def run(*arguments):
        done = CliRunner().invoke(app, arguments, env=settings)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return run


def test_a_partner_gets_venues_and_a_key(reco, connection):
    reco("partners", "create", "lune", "--name", "Théâtre de la Lune")
    reco("partners", "create", "soleil", "--name", "Soleil")
    assert reco("partners", "bind", "lune", "cinema", "village").exit_code == 0
    made = reco("keys", "create", "--scope", "backoffice", "--partner", "lune").stdout
    prefix = made.splitlines()[-1].split(".")[0]
    kept = connection.execute(
        "select k.prefix, p.external_id from reco.api_key k join core.partner p"
        " on p.id = k.partner_id"
    ).fetchall()
    assert kept == [(prefix, "lune")]
    listed = connection.execute(
        "select count(*) from core.offer o join core.partner p on p.id = o.partner_id"
    ).fetchone()
    assert listed == (5,)
    assert reco("partners", "list").exit_code == reco("keys", "list").exit_code == 0
    with pytest.raises(Forbidden):
        reco("partners", "bind", "soleil", "cinema")
    with pytest.raises(NotFound):
        reco("partners", "bind", "soleil", "nowhere")
    with pytest.raises(InvalidInput):
        reco("partners", "create", "Lune", "--name", "x")
