"""The commands that look after the core, on a real world."""

from datetime import UTC, datetime, timedelta

import pytest

from reco.core.bookings import Order, book
from reco.errors import InvalidInput


def test_what_nobody_collected_expires_once(reco, connection):
    long_ago = datetime.now(UTC) - timedelta(days=20)
    connection.execute("update core.deposit set expires_at = null, granted_at = '2020-01-01'")
    connection.execute("update core.offer set published_at = null")
    book(connection, Order("villager", "novel-shop"), "k", long_ago)
    assert "1 bookings expired, 15 € given back" in reco("bookings", "expire").stdout
    assert "0 bookings expired, 0 € given back" in reco("bookings", "expire").stdout


def test_a_policy_is_followed_by_another(reco):
    new = ("--amount-eur", "300", "--digital-cap-eur", "100", "--from", "2027-01-01")
    told = reco("policies", "add", "--age", "18", *new).stdout
    for cell in ("500 €", "300 €", "100 €", "none", "2027-01-01", "ever"):
        assert cell in told
    with pytest.raises(InvalidInput, match="valid_from"):
        reco("policies", "add", "--age", "18", "--amount-eur", "150", "--from", "2026-12-01")
    assert reco("policies", "list").stdout == told
