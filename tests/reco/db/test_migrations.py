"""Migrations: they make what the tables say, can be taken back, and never mix two worlds."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from psycopg.conninfo import conninfo_to_dict
from worlds import NOW, small_world
from worlds import book as booked_elsewhere

from reco.core.bookings import Order, book, cancel, use
from reco.db.migrate import _config, _connection, differences, migrate
from reco.db.revision import head_revision
from reco.errors import SetupError, Unavailable


def test_the_database_is_what_the_tables_say(world):
    assert differences(world) == []


def test_a_difference_is_noticed(world, connection):
    connection.execute("alter table core.venue add column surplus text")
    assert "surplus" in str(differences(world))


def test_twice_changes_nothing(world, connection):
    connection.execute("insert into core.category (name) values ('LIVRE')")
    assert migrate(world) == head_revision()
    assert connection.execute("select name from core.category").fetchall() == [("LIVRE",)]


def test_whatever_libpq_takes_will_do(world):
    (_, rest), asked = world.conninfo.split("://"), conninfo_to_dict(world.conninfo)
    assert set(asked) == {"host", "port", "user", "dbname"}
    for conninfo in (f"postgres://{rest}", " ".join(f"{k}='{v}'" for k, v in asked.items())):
        assert migrate(replace(world, conninfo=conninfo)) == head_revision()


def test_down_and_up_again(world, connection):
    with _connection(world) as migrating:
        command.downgrade(_config(migrating), "base")
    left = connection.execute(
        "select tablename from pg_tables where schemaname in ('core', 'reco')"
    ).fetchall()
    assert left == [("alembic_version",)]
    migrate(world)
    assert differences(world) == []


def test_dismissals_can_be_taken_back_in_every_partition_and_not_before_that_was_known(
    world, connection
):
    kept = "insert into core.interaction (user_id, offer_id, kind, at) values (1, 1, %s, %s)"
    for at in (NOW, None):
        connection.execute(kept, ("restore", at))
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(kept, ("other", at))
    with _connection(world) as migrating:
        command.downgrade(_config(migrating), "0014")
    for at in (NOW, None):
        connection.execute(kept, ("dismiss", at))
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(kept, ("restore", at))
    migrate(world)
    connection.execute(kept, ("restore", NOW))
    told = connection.execute("select kind, at from core.interaction order by kind, at").fetchall()
    assert told == [("dismiss", NOW), ("dismiss", None), ("restore", NOW)]


def test_another_worlds_database_is_refused(world):
    with pytest.raises(SetupError, match="holds the world 'test', not 'other'"):
        migrate(replace(world, name="other"))


def test_newer_code_has_migrated_it(world, connection):
    connection.execute("update reco.alembic_version set version_num = '9999'")
    with pytest.raises(SetupError, match=r"schema 9999, .* newer than this code .* upgrade"):
        migrate(world)


def test_no_server_is_unavailable(world, tmp_path):
    with pytest.raises(Unavailable, match="does not answer"):
        migrate(replace(world, conninfo=f"postgresql:///x?host={quote(str(tmp_path))}&user=reco"))


def test_months_get_partitions_and_keep_their_rows(connection):
    months = [datetime(2026, month, 15, tzinfo=UTC) for month in (9, 10, 11)]
    for at in [*months, None]:
        connection.execute(
            "insert into core.interaction (user_id, offer_id, kind, at) values (1, 1, 'view', %s)",
            (at,),
        )
    made = connection.execute("select core.ensure_months('2026-10-03', '2026-11-20')").fetchone()
    # A quarter of interactions, two months of slates.
    assert made == (1 + 2,)
    again = connection.execute("select core.ensure_months('2026-10-03', '2026-11-20')").fetchone()
    assert again == (0,)
    rows = connection.execute(
        "select tableoid::regclass::text, count(*) from core.interaction group by 1 order by 1"
    ).fetchall()
    assert rows == [
        ("core.interaction_2026_q4", 2),
        ("core.interaction_default", 2),
    ]


def test_interactions_by_month_are_grouped_by_quarter_and_back(world, connection):
    def kept():
        return connection.execute(
            "select user_id, at, tableoid = 'core.interaction_default'"
            "::regclass from core.interaction order by 1"
        ).fetchall()

    def grouped():
        names = connection.execute(
            "select inhrelid::regclass::text from pg_inherits where"
            " inhparent = 'core.interaction'::regclass"
        ).fetchall()
        return sorted(name.removeprefix("core.interaction_") for (name,) in names)

    with _connection(world) as migrating:
        command.downgrade(_config(migrating), "0009")
    connection.execute("select core.ensure_months('2025-12-01', '2026-04-30')")
    edges = (
        "2025-12-31T23:59:59.999Z",
        "2026-01-01T00:00Z",
        "2026-03-31T23:59Z",
        "2026-04-01T00:00Z",
        "2019-01-01T00:00Z",
        None,
    )
    for user, at in enumerate(edges):
        connection.execute(
            "insert into core.interaction (user_id, offer_id, kind, at) values (%s, 1, 'view', %s)",
            (user, at),
        )
    rows = kept()
    migrate(world)
    assert grouped() == ["2025_q4", "2026_q1", "2026_q2", "default"]
    assert kept() == rows
    assert differences(world) == []
    with _connection(world) as migrating:
        command.downgrade(_config(migrating), "0009")
    assert grouped() == ["2025_12", "2026_01", "2026_02", "2026_03", "2026_04", "default"]
    assert kept() == rows


def test_a_visit_of_any_day_that_was_booked_here_before_is_not_taken_for_an_import(
    world, connection
):
    small_world(connection)
    connection.execute(
        "insert into core.collection_period (category, days)"
        " select c.name, 60 from core.category c join core.item i on i.category_id = c.id"
        " where i.external_id = 'fair'"
    )
    connection.execute(
        "update core.stock set starts_at = null"
        " where external_id in ('fair-village', 'play-friday')"
    )
    made, used, _ = (
        book(connection, Order("reader", stock), stock, NOW).booking_id
        for stock in ("fair-village", "play-friday", "film-village")
    )
    use(connection, used, None, NOW)
    booked_elsewhere(connection, "villager", "fair-village")
    with _connection(world) as migrating:
        command.downgrade(_config(migrating), "0011")
    connection.execute("update core.booking set collect_by = null, booked_for = null")
    migrate(world)
    expiring = connection.execute(
        "select id::text, collect_by > greatest(now(), booked_at) + interval '59 days'"
        " from core.booking where collect_by is not null"
    )
    assert expiring.fetchall() == [(made, True)]
    assert cancel(connection, made, "reader", NOW).state == "cancelled"


def test_works_of_before_are_found_by_joined_words_and_back(world, connection):
    def documents():
        return connection.execute(
            "select document::text from reco.item_text union all"
            " select document::text from reco.venue_text order by 1"
        ).fetchall()

    connection.execute("insert into core.category (name) values ('CONCERT')")
    with _connection(world) as migrating:
        command.downgrade(_config(migrating), "0012")
    for name in ("before", "again"):
        connection.execute(
            "insert into core.item (external_id, category_id, title)"
            " select %s, id, 'Rap/Jazz, un été' from core.category",
            (name,),
        )
    connection.execute(
        "insert into core.venue (external_id, name, location)"
        " values ('v', 'Danse/Cirque', 'point(5 45)')"
    )
    before = documents()
    migrate(world)
    assert documents() == [("'cirqu':2B 'dans':1B",), *[("'ete':4A 'jazz':2A 'rap':1A",)] * 2]
    with _connection(world) as migrating:
        command.downgrade(_config(migrating), "0012")
    assert documents() == before
    migrate(world)
    assert differences(world) == []


def test_what_is_written_while_documents_are_made_anew_is_found(world, connection):
    connection.execute("insert into core.category (name) values ('CONCERT')")
    insert = (
        "insert into core.item (external_id, category_id, title)"
        " select %s, id, %s from core.category"
    )
    connection.execute(insert, ("old", "Avant"))
    with _connection(world) as migrating:
        command.downgrade(_config(migrating), "0012")
    with (
        ThreadPoolExecutor(1) as beside,
        psycopg.connect(world.conninfo) as writer,
    ):
        # In the order of an import.
        writer.execute(
            "insert into core.venue (external_id, name, location)"
            " values ('hall', 'Danse/Cirque', 'point(5 45)')"
        )
        writer.execute("update core.item set title = 'Nouveau/Titre'")
        migrated = beside.submit(migrate, world)
        waiting = (
            "select count(*) from pg_locks where not granted"
            " and database = (select oid from pg_database where datname = current_database())"
        )
        while not connection.execute(waiting).fetchone()[0] and not migrated.done():
            pass
        writer.execute(insert, ("new", "Rock/Soul"))
        writer.commit()
        migrated.result()
    found = connection.execute("select document::text from reco.item_text order by 1").fetchall()
    assert found == [("'nouveau':1A 'titr':2A",), ("'rock':1A 'soul':2A",)]


def test_the_same_interaction_is_kept_once_even_without_a_time(connection):
    row = "insert into core.interaction (user_id, offer_id, kind) values (1, 1, 'view')"
    connection.execute(row)
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(row)


def changes(connection):
    return connection.execute(
        "select entity, operation, before ->> 'name' from core.change order by id"
    ).fetchall()


def test_every_change_is_logged_with_what_was_before(connection):
    place = "st_setsrid(st_makepoint(5.7, 45.2), 4326)::geography"
    connection.execute(
        f"insert into core.venue (external_id, name, location) values ('v', 'Old', {place})"
    )
    connection.execute("update core.venue set name = 'New'")
    connection.execute("update core.venue set name = 'New'")
    connection.execute("delete from core.venue")
    assert changes(connection) == [
        ("venue", "insert", None),
        ("venue", "update", "Old"),
        ("venue", "delete", "New"),
    ]


def test_the_log_gives_any_past_state(connection):
    """Walking back from today over what was before reaches the state at any moment."""
    place = "st_setsrid(st_makepoint(5.7, 45.2), 4326)::geography"
    connection.execute(
        f"insert into core.venue (external_id, name, location) values ('v', 'first', {place})"
    )
    states = []
    for name in ("second", "third"):
        states.append(
            connection.execute("select clock_timestamp(), name from core.venue").fetchone()
        )
        connection.execute("update core.venue set name = %s", (name,))
    for moment, expected in states:
        row = connection.execute(
            "select before ->> 'name' from core.change where at > %s order by id limit 1",
            (moment,),
        ).fetchone()
        assert row == (expected,)
    late = connection.execute("select max(at) from core.change").fetchone()[0]
    assert late - states[0][0] < timedelta(minutes=1)


def test_the_newest_revision_is_told_by_its_file():
    assert head_revision() == ScriptDirectory.from_config(_config(None)).get_current_head()
