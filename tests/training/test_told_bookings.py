"""Bookings that a frame of interactions tells, as a database would keep them."""

from datetime import UTC, datetime

import pyarrow as pa

from reco.db.arrays import NEVER_US, micros
from training.told_bookings import told_bookings

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_each_booking_of_a_known_person_and_offer_is_told_once():
    rows = [
        ("mia", "play", "booking", AT),
        ("mia", "play", "booking", AT),
        ("mia", "film", "booking", None),
        ("tom", "play", "booking", AT),
        ("tom", "film", "view", AT),
        ("somebody", "play", "booking", AT),
        ("tom", "something", "booking", AT),
    ]
    user, offer, kind, at = zip(*rows, strict=True)
    frame = pa.table({
        "user_id": user, "offer_id": offer, "kind": kind,
        "at": pa.array(at, pa.timestamp("us", "UTC")),
    })  # fmt: skip
    offers = pa.chunked_array([["film", "play"]])
    at_us, row = told_bookings(frame, pa.array(["mia", "tom"]), offers)
    told = sorted(zip(at_us.tolist(), row.tolist(), strict=True))
    assert told == [(NEVER_US, 0), (micros(AT), 1), (micros(AT), 1)]
