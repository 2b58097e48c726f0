"""Workers make partitions ahead seldom, and leave to the operator what feeds would wait for."""

from datetime import UTC, datetime, timedelta

import pytest

from reco.db import partitions
from reco.db.ahead import Ahead

# Far enough for nothing to be there.
NOW = datetime(2031, 5, 5, 12, tzinfo=UTC)


def there(connection):
    found = connection.execute(
        "select relname from pg_class where relname ~ '^(slate|interaction)_2031_..$' order by 1"
    ).fetchall()
    return [name for (name,) in found]


def test_beside_many_rows_none_is_made_and_it_is_told(world, connection, monkeypatch, caplog):
    monkeypatch.setattr(partitions, "MOST_BESIDE", 1)
    connection.execute(
        "insert into core.interaction (user_id, offer_id, kind, at)"
        " select n, 1, 'view', null from generate_series(1, 3) n"
    )
    connection.execute("analyze core.interaction_default")
    Ahead(world.conninfo).look(NOW)
    assert there(connection) == ["slate_2031_05", "slate_2031_06"]
    (told,) = caplog.messages
    assert told.endswith("run `reco db partitions` at a quiet hour for core.interaction_2031_q2")
    # What is there already costs nothing, whatever lies beside it.
    caplog.clear()
    wanted = partitions.partitions_ahead(NOW.date(), 1)
    assert partitions.make_partitions(world.conninfo, wanted) == []
    Ahead(world.conninfo).look(NOW)
    assert caplog.messages == []


@pytest.mark.parametrize("lack", ["role=pg_read_all_data", "default_transaction_read_only=on"])
def test_without_the_right_it_is_told_once_and_tried_again_in_an_hour(
    world, connection, monkeypatch, caplog, lack
):
    options = partitions._OPTIONS
    monkeypatch.setattr(partitions, "_OPTIONS", f"{options} -c {lack}")
    ahead = Ahead(world.conninfo)
    ahead.look(NOW)
    ahead.look(NOW + timedelta(seconds=5))
    (told,) = caplog.messages
    assert told.startswith("No partitions are made ahead for now")
    monkeypatch.setattr(partitions, "_OPTIONS", options)
    ahead.look(NOW + timedelta(minutes=59))
    assert there(connection) == []
    ahead.look(NOW + timedelta(hours=1))
    assert there(connection) == ["interaction_2031_q2", "slate_2031_05", "slate_2031_06"]
