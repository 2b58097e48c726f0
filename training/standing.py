"""Which bookings stand: as of today, or, of those made before a cutoff, as it was known there.

A service that learned at the cutoff would have had what was cancelled only later. On what came
after it a model is tested: there counts what stands today.
"""

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

STANDS = """(b.cancelled_at is null or (b.booked_at < %(cutoff)s::timestamptz
    and b.cancelled_at >= %(cutoff)s::timestamptz))"""
"""Condition of a query on the bookings `b`; a cutoff of null is today."""


def standing(bookings: pa.Table, cutoff: datetime | None) -> pa.Table:
    """Return the rows of a frame of bookings that stand, as `STANDS` has it.

    Parameters
    ----------
    cutoff
        With a zone; None: as of today.
    """
    booked_at, cancelled_at = bookings["booked_at"], bookings["cancelled_at"]
    stands = cancelled_at.is_null()
    if cutoff is not None:
        border = pa.scalar(cutoff, booked_at.type)
        was_known = pc.and_(pc.less(booked_at, border), pc.greater_equal(cancelled_at, border))
        stands = pc.or_kleene(stands, was_known)
    return bookings.filter(stands)
