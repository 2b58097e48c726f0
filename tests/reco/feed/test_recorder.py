"""The recorder: one bad slate costs nothing but itself, and no slate waits for a partition."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from worlds import take_changes

from reco.db.pool import open_pool
from reco.feed import recorder as recording
from reco.feed.recorder import Slate, SlateRecorder

GOOD = Slate(
    id=uuid4(),
    at=datetime(2026, 11, 23, tzinfo=UTC),
    user_id=None,
    model_version="none",
    catalogue_version="test",
    location=None,
    radius_m=1.0,
    query={},
    seed=0,
    relevance_kept=1.0,
    offers=[1],
    probabilities=[0.1],
    propensities=[1.0],
    gains=[0.0],
)


def slates(count):
    return [replace(GOOD, id=uuid4()) for _ in range(count)]


def test_a_probability_too_small_for_the_column_is_kept_as_0(world, connection):
    tiny = replace(GOOD, id=uuid4(), probabilities=[1e-60], gains=[1e-60])
    with open_pool(world.conninfo, 2) as pool, SlateRecorder(pool) as recorder:
        recorder.record(tiny)
    row = connection.execute("select probabilities, gains from reco.slate").fetchone()
    assert row == ([0.0], [0.0])


def test_many_slates_are_written_in_batches_before_it_stops(world, connection):
    many = slates(1_000)
    with open_pool(world.conninfo, 2) as pool, SlateRecorder(pool) as recorder:
        for slate in many:
            recorder.record(slate)
    assert connection.execute("select count(*) from reco.slate").fetchone() == (1_000,)


def test_no_feed_waits_where_there_is_no_room_and_it_is_told(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(recording, "_MAX_WAITING", 2)
    with open_pool(f"postgresql:///x?host={quote(str(tmp_path))}&user=reco", 1) as pool:
        recorder = SlateRecorder(pool)
        assert recorder.lateness is None
        for slate in slates(5):
            recorder.record(slate)
        assert recorder.lateness == "2 wait to be written, 3 found no room and are lost"
    assert caplog.text.count("2 slates wait; others are lost meanwhile.") == 1


def wait_until(holds):
    began = monotonic()
    while not holds():
        assert monotonic() - began < 60.0


def test_slates_wait_for_a_database_that_takes_no_changes(world, connection, monkeypatch):
    monkeypatch.setattr(recording, "_RETRY_S", 0.01)
    take_changes(connection, whether=False)
    with open_pool(world.conninfo, 1) as pool, SlateRecorder(pool) as recorder:
        recorder.record(replace(GOOD, id=uuid4()))
        wait_until(lambda: recorder.lateness)
        take_changes(connection, whether=True)
        wait_until(lambda: not recorder.lateness)
    assert connection.execute("select count(*) from reco.slate").fetchone() == (1,)


def test_slates_wait_for_a_table_that_is_not_there_yet(world, connection):
    connection.execute("alter table reco.slate rename to slate_of_later")
    with open_pool(world.conninfo, 1) as pool, SlateRecorder(pool) as recorder:
        recorder.record(replace(GOOD, id=uuid4()))
        wait_until(lambda: recorder.lateness)
        connection.execute("alter table reco.slate_of_later rename to slate")
    assert connection.execute("select count(*) from reco.slate").fetchone() == (1,)


@pytest.mark.parametrize("bad", [{"radius_m": 1e60}, {"query": {"n": 1 << 70}}])
def test_a_slate_that_cannot_be_kept_is_the_only_one_lost(world, connection, bad, caplog):
    lost, *kept = slates(3)
    with open_pool(world.conninfo, 1) as pool, SlateRecorder(pool) as recorder:
        for slate in (kept[0], replace(lost, **bad), kept[1]):
            recorder.record(slate)
    found = connection.execute("select id from reco.slate").fetchall()
    assert {row for (row,) in found} == {slate.id for slate in kept}
    assert f"The slate {lost.id} cannot be kept." in caplog.text


def test_slates_are_kept_while_a_partition_is_being_made(world, connection):
    with psycopg.connect(world.conninfo) as maker:
        maker.execute("select pg_advisory_xact_lock(hashtext('core.ensure_months'))")
        with open_pool(world.conninfo, 1) as pool, SlateRecorder(pool) as recorder:
            recorder.record(GOOD)
    kept = connection.execute("select tableoid::regclass::text from reco.slate").fetchone()
    assert kept == ("slate_default",)


def test_a_slate_whose_month_gets_its_partition_meanwhile_is_kept(world, connection):
    with (
        psycopg.connect(world.conninfo) as maker,
        open_pool(world.conninfo, 1) as pool,
        SlateRecorder(pool) as recorder,
        ThreadPoolExecutor() as threads,
    ):
        month = GOOD.at.date()
        maker.execute("select core.ensure_months(%s, %s)", (month, month))
        recorder.record(GOOD)
        stopping = threads.submit(recorder.__exit__)
        while not connection.execute("select 1 from pg_locks where not granted").fetchone():
            assert not stopping.done()
        maker.commit()
    kept = connection.execute("select tableoid::regclass::text from reco.slate").fetchone()
    assert kept == ("slate_2026_11",)
