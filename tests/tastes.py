"""Small worlds of events for the tests of training."""

import numpy as np

from features.interactions import BOOKING, Events

START = np.datetime64("2025-01-01", "us")
FOREVER = np.datetime64("NaT", "us")


def events_of(
    user,
    item,
    day=None,
    *,
    kind=BOOKING,
    split=-1,
    users=None,
    items=None,
    closes=None,
    cancelled=None,
):
    """Return events from rows of users and items and the days on which they happened.

    `cancelled` holds days too, None where a booking stands.
    """
    count = len(user)
    users = int(np.max(user, initial=-1)) + 1 if users is None else users
    items = int(np.max(item, initial=-1)) + 1 if items is None else items
    at = np.full(count, FOREVER) if day is None else START + np.asarray(day).astype("m8[D]")
    return Events(
        users=np.array([f"u{n:04}".encode() for n in range(users)], dtype=np.bytes_),
        items=np.array([f"i{n:04}".encode() for n in range(items)], dtype=np.bytes_),
        user=np.asarray(user, dtype=np.int32),
        item=np.asarray(item, dtype=np.int32),
        kind=np.broadcast_to(np.asarray(kind, dtype=np.int8), count).copy(),
        at=at,
        value=np.full(count, np.nan, dtype=np.float32),
        split=np.broadcast_to(np.asarray(split, dtype=np.int8), count).copy(),
        closes=np.full(items, FOREVER) if closes is None else closes,
        cancelled=None if cancelled is None else np.array([moment(day) for day in cancelled]),
    )


def moment(day):
    """Return a day as events have it, from `START`; never where it is None."""
    return FOREVER if day is None else START + np.timedelta64(day, "D")


def two_tastes(seed=0, users=60, items=40, bookings=12, days=100):
    """Return bookings of people who like the even items, or the odd ones; a tenth goes astray.

    The last user booked nothing, and nobody booked the last item.
    """
    generator = np.random.default_rng(seed)
    user = np.repeat(np.arange(users - 1), bookings)
    own = 2 * generator.integers(0, items // 2 - 1, len(user)) + user % 2
    astray = generator.random(len(user)) < 0.1
    item = np.where(astray, generator.integers(0, items - 1, len(user)), own)
    day = generator.integers(0, days, len(user))
    return events_of(user, item, day, users=users, items=items)


def fashion():
    """Return bookings of a classic long ago by many, and of this month's hit by few, then more."""
    classic = [(user, 0, 0) for user in range(40)]
    hit = [(user, 1, 700) for user in range(40, 60)]
    later = [(user, 1, 720) for user in range(60, 80)]
    return events_of(*map(np.array, zip(*(classic + hit + later), strict=True)))


def checkerboard(size=50):
    """Return bookings of item i by user u where u + i is even, but for u = i."""
    user, item = np.indices((size, size)).reshape(2, -1)
    met = ((user + item) % 2 == 0) & (user != item)
    return events_of(user[met], item[met], np.arange(met.sum()) % 90, users=size, items=size)
