"""What a person can afford at the moment of a request."""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from features.credit import (
    MOST_DAYS,
    UNLIMITED_BUDGET,
    Budget,
    budget_of,
    expected_bookings,
)
from reco.catalogue.shelf import CAPS
from reco.core.deposits import Deposit
from reco.feed.state import UserState

_DAY = timedelta(days=1)


def budget_at(state: UserState, now: datetime) -> Budget:
    """Return what the person can afford a booking; without a deposit, whatever it costs."""
    deposit = state.person.deposit if state.person else None
    credit = state.credit
    if deposit is None or credit.total_cents is None:
        return UNLIMITED_BUDGET
    ends_in = deposit.expires_at - now if deposit.expires_at else timedelta(days=MOST_DAYS)
    expected = expected_bookings(
        _paid_since(state, deposit), (now - deposit.granted_at) / _DAY, ends_in / _DAY
    )
    caps = (None, credit.digital_cents, credit.physical_cents)
    left_cents = np.array([np.inf if cents is None else float(cents) for cents in caps])
    return budget_of(float(credit.total_cents), left_cents, expected)


def _paid_since(state: UserState, deposit: Deposit) -> NDArray[np.int64]:
    """Return the bookings since the deposit that cost anything (3,), by cap."""
    paid = [
        CAPS.index(booking.cap)
        for booking in state.bookings
        if booking.amount_cents and booking.at is not None and booking.at >= deposit.granted_at
    ]
    return np.bincount(np.array(paid, dtype=np.int64), minlength=len(CAPS))
