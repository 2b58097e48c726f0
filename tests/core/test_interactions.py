"""Recording interactions: all or nothing, once, also while a month gets its partition."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from worlds import NOW, small_world

from reco.core.interactions import Interaction, record_interactions
from reco.errors import InvalidInput


@pytest.fixture
def filled(connection):
    small_world(connection)
    return connection


def click(at=NOW, **changes):
    sent = {"user_id": "free", "offer_id": "manga-shop", "kind": "click", "at": at}
    return Interaction(**sent | changes)


def partitions(connection):
    rows = connection.execute("select tableoid::regclass::text from core.interaction order by 1")
    return [row[0] for row in rows]


def test_what_is_sent_twice_is_kept_once(filled):
    batch = [click(), click(NOW - timedelta(hours=1)), click()]
    assert record_interactions(filled, batch) == 2
    assert record_interactions(filled, batch) == 0
    assert len(partitions(filled)) == 2


def test_the_first_unknown_one_is_named_and_nothing_is_kept(filled):
    with pytest.raises(InvalidInput) as caught:
        record_interactions(filled, [click(), click(offer_id="x"), click(user_id="y")])
    assert caught.value.field == "interactions[1].offer_id"
    assert partitions(filled) == []


def test_a_month_may_get_its_partition_meanwhile(filled, world):
    def one_waits():
        found = filled.execute("select count(*) from pg_locks where not granted").fetchone()
        return found[0] > 0

    month = datetime(2027, 3, 1, tzinfo=UTC)
    with (
        psycopg.connect(world.conninfo) as maker,
        psycopg.connect(world.conninfo, autocommit=True) as sender,
        ThreadPoolExecutor() as threads,
    ):
        maker.execute("select core.ensure_months(%s, %s)", (month.date(), month.date()))
        sending = threads.submit(record_interactions, sender, [click(month)])
        while not one_waits():
            assert not sending.done(), "it did not wait for the partition"
        maker.commit()
        assert sending.result(timeout=30) == 1
    assert partitions(filled) == ["core.interaction_2027_q1"]


def test_a_kind_that_cannot_be_is_refused_by_the_database(filled):
    with pytest.raises(psycopg.errors.CheckViolation, match="kind"):
        record_interactions(filled, [click(kind="shout")])
    assert partitions(filled) == []
