"""Somebody in a small world who left a trace in every table that can hold one."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb
from worlds import NOW, book, small_world

from reco.db.pool import open_pool
from reco.experiments.exposure import Exposure
from reco.feed.recorder import Slate, SlateRecorder
from reco.geo.points import Point

LOU = "lou-7f3a"
"""An id that nothing else in the database looks like."""
SLATE = UUID("9b2f7c1e-0000-4000-8000-000000000001")
LATER = datetime(2026, 11, 24, tzinfo=UTC)


def slate_of(user, slate_id=SLATE, at=NOW):
    """Return a slate that a user was shown, by the user's internal id."""
    return Slate(
        id=slate_id,
        at=at,
        user_id=user,
        model_version="als-77",
        catalogue_version="catalogue-88",
        location=Point(5.721, 45.181),
        radius_m=12_345.0,
        query={"n": 4321},
        seed=987_654_321,
        relevance_kept=0.96875,
        offers=[1, 2],
        probabilities=[0.53125, 0.28125],
        propensities=[0.90625, 0.84375],
        gains=[1.15625, 2.21875],
        exposure=Exposure("experiment-44", "variant-33"),
    )


def record(world, *slates):
    with open_pool(world.conninfo, 2) as pool, SlateRecorder(pool) as recorder:
        for slate in slates:
            recorder.record(slate)


def id_of(connection, user):
    found = connection.execute(
        "select id from core.beneficiary where external_id = %s", (user,)
    ).fetchone()
    return found and found[0]


def _bookings(connection, lou):
    book(connection, LOU, "manga-shop", NOW - timedelta(days=3), 8.0)
    book(connection, LOU, "film-tonight", NOW - timedelta(days=4), 7.0)
    book(connection, LOU, "classic-past", NOW - timedelta(days=5), 7.0)
    book(connection, LOU, "play-friday", NOW - timedelta(days=6), 12.0, 2, NOW - timedelta(days=5))
    for stock, changes in (
        ("manga-shop", {"collect_by": NOW + timedelta(days=7), "slate_id": SLATE}),
        ("classic-past", {"used_at": NOW - timedelta(hours=23)}),
        ("play-friday", {"cancel_reason": "venue", "booked_for": NOW + timedelta(days=9)}),
    ):
        for column, value in changes.items():
            connection.execute(
                f"update core.booking set {column} = %s where user_id = %s"
                " and stock_id = (select id from core.stock where external_id = %s)",
                (value, lou, stock),
            )


def _events(connection, lou):
    for offer, kind, at, value, split in (
        ("film-tonight", "view", NOW - timedelta(hours=3), 2.59375, None),
        ("opera-dear", "dismiss", None, None, "train"),
    ):
        connection.execute(
            "insert into core.interaction (user_id, offer_id, kind, at, value, slate_id, split)"
            " select %s, id, %s, %s, %s, %s, %s from core.offer where external_id = %s",
            (lou, kind, at, value, SLATE, split, offer),
        )


def inhabit(world, connection):
    """Fill an empty world: the small one, whose reader is `LOU` and did all that can be done.

    Of Lou's live bookings one can be cancelled (the manga), one cannot (tonight's film), and of one
    nobody knows whether it was collected (the novel).
    """
    small_world(connection)
    connection.execute(
        "update core.beneficiary set external_id = %s, birth_date = '2008-02-29',"
        " department = '38-Isere', created_at = %s where external_id = 'reader'",
        (LOU, NOW - timedelta(days=101)),
    )
    lou = id_of(connection, LOU)
    connection.execute(
        "update core.deposit set age = 18, offer_limit_cents = 30011 where user_id = %s", (lou,)
    )
    _bookings(connection, lou)
    _events(connection, lou)
    connection.execute(
        "insert into core.idempotent_request (user_id, key, fingerprint, answer, at)"
        " values (%s, 'key-55', 'print-66', %s, %s)",
        (lou, Jsonb({"done": {"user_id": LOU}}), NOW - timedelta(minutes=7)),
    )
    connection.execute(
        "insert into core.taste (user_id, kind, value, at) values (%s, 'genre', 'genre-99', %s)",
        (lou, NOW - timedelta(days=99)),
    )
    record(world, slate_of(lou))
