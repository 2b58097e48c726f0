"""Partitions are made ahead, apart from what writes rows, and nobody waits long for them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import psycopg
import pytest

from reco.db import partitions
from reco.db.partitions import INTERACTIONS, SLATES, make_partitions, partitions_of

AUTUMN = (date(2026, 8, 31), date(2026, 12, 1))
_WRITE = "insert into core.interaction (user_id, offer_id, kind, at) values (%s, 1, 'view', %s)"


def lying(connection):
    """Where each interaction lies, by its user."""
    return dict(
        connection.execute(
            "select user_id, replace(tableoid::regclass::text, 'core.interaction_', '')"
            " from core.interaction"
        ).fetchall()
    )


def test_they_are_those_of_the_migrations_and_made_once(world, connection):
    wanted = [part for table in (INTERACTIONS, SLATES) for part in partitions_of(table, *AUTUMN)]
    assert make_partitions(world.conninfo, wanted) == []
    assert make_partitions(world.conninfo, wanted) == []
    again = connection.execute("select core.ensure_months(%s, %s)", AUTUMN).fetchone()
    assert again == (0,)
    attached = connection.execute(
        "select inhrelid::regclass::text from pg_inherits where inhparent in"
        " ('core.interaction'::regclass, 'reco.slate'::regclass) order by 1"
    ).fetchall()
    assert [name for (name,) in attached] == [
        "core.interaction_2026_q3",
        "core.interaction_2026_q4",
        "core.interaction_default",
        *(f"slate_2026_{month:02}" for month in (8, 9, 10, 11, 12)),
        "slate_default",
    ]


def test_rows_leave_the_default_partition_for_theirs(world, connection):
    edges = ("2026-09-30T23:59:59.999999Z", "2026-10-01T00:00Z", "2026-12-31T23:59Z", "2027-01-01Z")
    for user, at in enumerate([*edges, None]):
        connection.execute(_WRITE, (user, at))
    autumn = partitions_of(INTERACTIONS, date(2026, 10, 1), date(2026, 10, 1))
    assert make_partitions(world.conninfo, autumn) == []
    assert lying(connection) == {
        0: "default",
        1: "2026_q4",
        2: "2026_q4",
        3: "default",
        4: "default",
    }


@pytest.mark.parametrize("before", [(), (1,)], ids=["nothing to move", "a row to move"])
def test_while_somebody_is_at_it_it_is_left_and_made_later(world, connection, monkeypatch, before):
    monkeypatch.setattr(partitions, "_TRIES", 1)
    wanted = partitions_of(INTERACTIONS, date(2026, 11, 1), date(2026, 11, 1))
    for user in before:
        connection.execute(_WRITE, (user, "2026-11-01Z"))
    with psycopg.connect(world.conninfo) as writer:
        writer.execute(_WRITE, (2, "2026-11-02Z"))
        assert make_partitions(world.conninfo, wanted) == wanted
        # Nobody waits behind it any more.
        connection.execute("set lock_timeout = 1000")
        assert set(lying(connection).values()) == ({"default"} if before else set())
    assert make_partitions(world.conninfo, wanted) == []
    assert lying(connection) == dict.fromkeys([*before, 2], "2026_q4")


def test_what_another_process_makes_meanwhile_is_not_left(world, connection, monkeypatch):
    is_made = partitions._is_made
    monkeypatch.setattr(partitions, "_is_made", lambda *which: not is_made(*which))
    wanted = partitions_of(INTERACTIONS, date(2026, 11, 1), date(2026, 11, 1))
    assert make_partitions(world.conninfo, wanted) == []
    connection.execute(_WRITE, (1, "2026-11-01Z"))
    assert lying(connection) == {1: "2026_q4"}


def test_those_who_make_the_same_at_once_all_end_well(world, connection, monkeypatch):
    monkeypatch.setattr(partitions, "_TRIES", 20)
    hands = 4
    years = range(2030, 2035)
    wanted = {year: partitions_of(SLATES, date(year, 1, 1), date(year, 3, 1)) for year in years}
    begin = Barrier(hands)

    def make(year):
        begin.wait()
        return make_partitions(world.conninfo, wanted[year])

    with ThreadPoolExecutor(hands) as threads:
        for year in years:
            tries = [threads.submit(make, year) for _ in range(hands)]
            assert [making.result() for making in tries] == [[]] * hands
    attached = connection.execute(
        "select 'reco.' || relname from pg_inherits join pg_class on oid = inhrelid"
        " where inhparent = 'reco.slate'::regclass and relname ~ '_203' order by 1"
    ).fetchall()
    assert [name for (name,) in attached] == [
        partition.name for year in years for partition in wanted[year]
    ]


def test_a_row_that_comes_while_others_are_moved_is_moved_too(world, connection, monkeypatch):
    monkeypatch.setattr(partitions, "_TRIES", 20)
    wanted = partitions_of(INTERACTIONS, date(2026, 11, 1), date(2026, 11, 1))
    connection.execute(_WRITE, (1, "2026-11-01Z"))
    with psycopg.connect(world.conninfo) as writer, ThreadPoolExecutor() as threads:
        writer.execute(_WRITE, (2, "2026-11-02Z"))
        making = threads.submit(make_partitions, world.conninfo, wanted)
        while not connection.execute("select 1 from pg_locks where not granted").fetchone():
            assert not making.done()
        writer.commit()
        assert making.result() == []
    assert lying(connection) == {1: "2026_q4", 2: "2026_q4"}
