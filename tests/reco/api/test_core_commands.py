"""The commands that look after the core, on a real world."""

from datetime import UTC, datetime, timedelta

import pytest

from reco.core.bookings import Order, book
from reco.core.expiry import check_clock
from reco.errors import InvalidInput, SetupError


def test_what_nobody_collected_expires_once(reco, connection):
    long_ago = datetime.now(UTC) - timedelta(days=20)
    connection.execute("update core.deposit set expires_at = null, granted_at = '2020-01-01'")
    connection.execute("update core.offer set published_at = null")
    book(connection, Order("villager", "novel-shop"), "k", long_ago)
    assert "1 bookings expired, 15 € given back" in reco("bookings", "expire").stdout
    assert "0 bookings expired, 0 € given back" in reco("bookings", "expire").stdout


def test_a_clock_that_is_not_the_databases_expires_nothing(reco, connection, monkeypatch):
    class Fast(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=11)

    booked_at = datetime.now(UTC)
    connection.execute("update core.deposit set expires_at = null, granted_at = '2020-01-01'")
    connection.execute("update core.offer set published_at = null")
    book(connection, Order("villager", "novel-shop"), "k", booked_at)
    with monkeypatch.context() as patch:
        patch.setattr("reco.api.core_commands.datetime", Fast)
        with pytest.raises(SetupError, match="set the clock that is wrong"):
            reco("bookings", "expire")
    for seconds in (-30, 30):
        check_clock(connection, datetime.now(UTC) + timedelta(seconds=seconds))
    with pytest.raises(SetupError, match="set the clock that is wrong"):
        check_clock(connection, datetime.now(UTC) - timedelta(minutes=2))
    assert "0 bookings expired" in reco("bookings", "expire").stdout


def test_a_policy_is_followed_by_another(reco):
    new = ("--amount-eur", "300", "--digital-cap-eur", "100", "--from", "2027-01-01")
    told = reco("policies", "add", "--age", "18", *new).stdout
    for cell in ("500 €", "300 €", "100 €", "none", "2027-01-01", "ever"):
        assert cell in told
    with pytest.raises(InvalidInput, match="valid_from"):
        reco("policies", "add", "--age", "18", "--amount-eur", "150", "--from", "2026-12-01")
    assert reco("policies", "list").stdout == told


def test_partitions_are_made_ahead_and_once(reco, connection):
    told = [reco("db", "partitions", "--months", "2").stdout for _ in range(2)]
    assert told[0] == told[1]
    assert "of the next 2 months are there" in told[0]
    months = "select count(*) from pg_inherits where inhparent = 'reco.slate'::regclass"
    # This one, the two after it, and the default one; a day that is far enough needs one more.
    assert connection.execute(months).fetchone()[0] in {4, 5}
