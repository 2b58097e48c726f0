"""The commands that make partners and their keys, on a real world."""

import pytest

from reco.errors import Forbidden, InvalidInput, NotFound


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


def test_names_are_listed_as_they_are(reco):
    name = "Le [/b] club :fire:"
    reco("partners", "create", "club", "--name", name)
    reco("keys", "create", "--scope", "app", "--label", "[prod] app")
    assert name in reco("partners", "list").stdout
    assert "[prod] app" in reco("keys", "list").stdout
