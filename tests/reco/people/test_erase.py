"""Erasure: what tells of a person is gone from every table, what the accounts need stays."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date
from uuid import uuid4

import psycopg
import pytest
from traces import LATER, LOU, SLATE, id_of, record, slate_of
from worlds import NOW

from reco.core.accounts import Person, read_credit, register
from reco.core.booking_records import read_bookings
from reco.core.bookings import Order, book
from reco.core.interactions import Interaction, record_interactions
from reco.db import pool as pool_module
from reco.db.pool import connected, open_pool
from reco.db.tables import metadata
from reco.errors import InvalidInput, NotFound, RuleBroken, Unavailable
from reco.people import erase as erasing
from reco.people.erase import Erasure, erase_person
from reco.people.export import export_person

STAYS = {"core.booking", "core.deposit", "core.ledger"}
"""Accounting: rows of an account without a name."""


def tables_with(connection, text):
    """Return the tables that have `text` anywhere in a row."""
    return {
        str(table)
        for table in metadata.sorted_tables
        if connection.execute(
            f"select 1 from {table} t where position(%s in to_jsonb(t)::text) > 0 limit 1", (text,)
        ).fetchone()
    }


def tables_of(connection, user):
    """Return the tables with rows of a user, by internal id."""
    return {
        str(table)
        for table in metadata.sorted_tables
        if "user_id" in table.columns
        and connection.execute(
            f"select 1 from {table} where user_id = %s limit 1", (user,)
        ).fetchone()
    }


def test_it_says_what_went_and_what_stayed(inhabited):
    assert erase_person(inhabited, LOU, LATER) == Erasure(
        interactions=2,
        slates=1,
        tastes=1,
        answers=1,
        # The manga. Tonight's film is too late; whether the novel was collected, nobody knows.
        cancelled=1,
        standing=2,
        bookings=5,
        deposits=1,
        # A grant, five bookings, the play's refund and the manga's.
        ledger_lines=8,
    )


def test_nothing_in_any_table_names_the_person(inhabited, connection):
    book(connection, Order(LOU, "classic-soon"), "a key", LATER)
    told = (LOU, "2008-02-29", "38-Isere")
    assert all(tables_with(connection, text) for text in told)
    erase_person(inhabited, LOU, LATER)
    assert [tables_with(connection, text) for text in told] == [set()] * 3


def test_only_accounting_stays_of_the_account(inhabited, connection):
    lou = id_of(connection, LOU)
    assert tables_of(connection, lou) > STAYS
    erase_person(inhabited, LOU, LATER)
    assert tables_of(connection, lou) == STAYS
    profile = connection.execute(
        "select birth_date, home, department, created_at, erased_at from core.beneficiary"
        " where id = %s and external_id like 'erased:%%'",
        (lou,),
    ).fetchone()
    assert profile == (None, None, None, None, LATER)
    # The log keeps the former row of a booking, but the slate that it names is nowhere.
    assert tables_with(connection, str(SLATE)) <= {"core.change"}


def test_nobody_else_loses_anything(inhabited, connection):
    record_interactions(connection, [Interaction("free", "film-tonight", "view", LATER)])
    record(inhabited, slate_of(id_of(connection, "free"), uuid4()))
    before = [export_person(inhabited, user, LATER) for user in ("free", "late", "broke")]
    erase_person(inhabited, LOU, LATER)
    assert [export_person(inhabited, user, LATER) for user in ("free", "late", "broke")] == before
    assert before[0]["slates"]
    assert before[0]["interactions"]


def test_money_and_places_of_what_was_cancelled_go_back(inhabited, connection):
    lou = id_of(connection, LOU)
    erase_person(inhabited, LOU, LATER)
    (balance_cents,) = connection.execute(
        "select sum(amount_cents) from core.ledger where user_id = %s", (lou,)
    ).fetchone()
    # 300 EUR less the novel, tonight's film and the one that was seen.
    assert balance_cents == 30_000 - 1_500 - 700 - 700
    states = connection.execute(
        "select s.external_id, b.cancel_reason from core.booking b"
        " join core.stock s on s.id = b.stock_id where b.user_id = %s",
        (lou,),
    ).fetchall()
    assert dict(states) == {
        "novel-shop": None,
        "manga-shop": "user",
        "film-tonight": None,
        "classic-past": None,
        "play-friday": "venue",
    }


def test_the_second_time_there_is_no_such_user(inhabited, connection):
    erase_person(inhabited, LOU, LATER)
    (name,) = connection.execute(
        "select external_id from core.beneficiary where erased_at is not null"
    ).fetchone()
    for user in (LOU, name, "nobody"):
        with pytest.raises(NotFound, match="no user"):
            erase_person(inhabited, user, LATER)
        with pytest.raises(NotFound, match="no user"):
            export_person(inhabited, user, LATER)


def test_the_core_answers_as_for_somebody_unknown(inhabited, connection):
    erase_person(inhabited, LOU, LATER)
    (name,) = connection.execute(
        "select external_id from core.beneficiary where erased_at is not null"
    ).fetchone()
    for user in (LOU, name):
        with pytest.raises(NotFound, match="user"):
            read_credit(connection, user, LATER)
        with pytest.raises(NotFound, match="user"):
            read_bookings(connection, user)
        with pytest.raises(InvalidInput, match=r"interactions\[0\]\.user_id"):
            record_interactions(connection, [Interaction(user, "film-tonight", "view", LATER)])


def test_who_registers_anew_is_somebody_else(inhabited, connection):
    erase_person(inhabited, LOU, LATER)
    anew = Person(LOU, date(2008, 2, 29), None, None)
    register(connection, anew, (), LATER, UTC)
    found = export_person(inhabited, LOU, LATER)
    assert found["profile"]["created_at"] == LATER
    parts = ("bookings", "deposits", "ledger", "requests", "interactions", "slates", "models")
    assert [found[part] for part in parts] == [[]] * len(parts)
    assert read_credit(connection, LOU, LATER).deposit_cents is None


def test_a_slate_that_waited_in_a_worker_is_not_kept(inhabited, connection):
    lou, free = id_of(connection, LOU), id_of(connection, "free")
    mine, guests, others = (slate_of(who, uuid4()) for who in (lou, None, free))
    erase_person(inhabited, LOU, LATER)
    record(inhabited, mine, guests, others, replace(mine, id=uuid4()))
    kept = {row[0] for row in connection.execute("select id from reco.slate")}
    assert kept == {guests.id, others.id}


def test_bookings_that_are_being_made_come_before_it_or_not_at_all(inhabited, connection):
    lou = id_of(connection, LOU)
    start = threading.Barrier(4)

    def attempt(stock):
        start.wait()
        with psycopg.connect(inhabited.conninfo, autocommit=True) as own:
            try:
                return book(own, Order(LOU, stock), f"key of {stock}", NOW).stock_id
            except NotFound as unknown:
                return unknown.what

    with ThreadPoolExecutor(3) as pool:
        attempts = [pool.submit(attempt, s) for s in ("ebook-online", "fair-village", "novel-shop")]
        start.wait()
        erase_person(inhabited, LOU, NOW)
        for done in attempts:
            with suppress(RuleBroken):
                assert done.result() in {"ebook-online", "fair-village", "user"}
    assert tables_of(connection, lou) == STAYS
    live = connection.execute(
        "select s.external_id from core.booking b join core.stock s on s.id = b.stock_id"
        " where b.user_id = %s and b.cancelled_at is null and b.used_at is null",
        (lou,),
    ).fetchall()
    assert sorted(live) == [("film-tonight",), ("novel-shop",)]


WAITING = "select 1 from pg_stat_activity where datname = current_database() and {}"
WRITES = (
    (
        "core.interaction",
        "insert into core.interaction (user_id, offer_id, kind, at) values (%s, 1, 'view', now())",
    ),
    (
        "core.taste",
        "insert into core.taste (user_id, kind, value, at) values (%s, 'genre', 'late', now())",
    ),
    (
        "reco.slate",
        "insert into reco.slate (id, at, user_id, model_version, catalogue_version, query,"
        " relevance_kept, offers, probabilities, propensities, gains)"
        " values (gen_random_uuid(), now(), %s, '', '', '{}', 1, '{}', '{}', '{}', '{}')",
    ),
)


@pytest.mark.parametrize(("table", "insert"), WRITES, ids=[table for table, _ in WRITES])
def test_what_is_being_written_meanwhile_goes_too(
    inhabited, connection, table, insert, monkeypatch
):
    # However long the writer takes.
    monkeypatch.setattr(erasing, "_WAIT_FOR_WRITERS", erasing._WAIT_FOR_WRITERS[1:])
    lou = id_of(connection, LOU)
    with psycopg.connect(inhabited.conninfo) as writer:
        writer.execute(insert, (lou,))
        eraser = threading.Thread(target=erase_person, args=(inhabited, LOU, LATER))
        eraser.start()
        blocked = WAITING.format("wait_event_type = 'Lock'")
        while eraser.is_alive() and not connection.execute(blocked).fetchone():
            pass
        writer.commit()
        eraser.join()
    assert tables_of(connection, lou) == STAYS


def test_an_erasure_gives_up_before_those_who_wait_behind_it(world, connection):
    def limit_ms(session, name):
        asked = "select setting::int from pg_settings where name = %s"
        return session.execute(asked, (name,)).fetchone()[0]

    with connection.transaction():
        connection.execute(erasing._WAIT_FOR_WRITERS[0])
        waits_ms = limit_ms(connection, "lock_timeout")
    with open_pool(world.conninfo, 1) as pool, connected(pool) as phone:
        assert waits_ms + 200 <= limit_ms(phone, "statement_timeout")
    # Else an autovacuum that is in the way would make it give up.
    assert waits_ms > limit_ms(connection, "deadlock_timeout")


def test_who_writes_behind_an_erasure_that_waits_is_not_kept_too_long(
    inhabited, connection, monkeypatch
):
    # They have a fifth of a second more than it, of which a busy machine may make nothing.
    patient = pool_module._OPTIONS.replace("statement_timeout=1500", "statement_timeout=60000")
    monkeypatch.setattr(pool_module, "_OPTIONS", patient)
    told = Interaction("free", "film-tonight", "view", LATER)
    blocked = WAITING.format("wait_event_type = 'Lock'")
    with (
        open_pool(inhabited.conninfo, 1) as pool,
        psycopg.connect(inhabited.conninfo) as importing,
        ThreadPoolExecutor() as threads,
    ):
        importing.execute("lock table core.interaction in row exclusive mode")
        erased = threads.submit(erase_person, inhabited, LOU, LATER)
        while not erased.done() and not connection.execute(blocked).fetchone():
            pass
        with connected(pool) as phone:
            assert record_interactions(phone, [told]) == 1
        with pytest.raises(Unavailable, match="nothing was erased"):
            erased.result()


def test_a_long_import_is_not_waited_for_and_nothing_is_erased(inhabited, connection):
    before = export_person(inhabited, LOU, LATER)
    with psycopg.connect(inhabited.conninfo) as writer:
        writer.execute("lock table core.interaction in row exclusive mode")
        with pytest.raises(Unavailable, match="nothing was erased"):
            erase_person(inhabited, LOU, LATER)
    assert export_person(inhabited, LOU, LATER) == before
