"""What a fit knows of items beside who met them."""

from dataclasses import replace

import numpy as np
import pytest

from features.interactions import BOOKING, VIEW, Events
from reco.errors import InvalidInput
from training.models.ials import IalsParameters
from training.models.known_items import RECENT_HALF_LIFE_DAYS, KnownItems
from training.split import Part
from training.tune import rehearse

AS_OF = np.datetime64("2026-06-01", "us")
NEVER = np.datetime64("NaT", "us")


def events_of(rows):
    """Return events from (user, item, kind, days before `AS_OF` or None)."""
    user, item, kind, days = zip(*rows, strict=True)
    at = [NEVER if d is None else AS_OF - np.timedelta64(round(d * 24), "h") for d in days]
    return Events(
        users=np.array([f"u{n}".encode() for n in range(max(user) + 1)]),
        items=np.array([f"i{n}".encode() for n in range(max(item) + 1)]),
        user=np.array(user, dtype=np.int32),
        item=np.array(item, dtype=np.int32),
        kind=np.array(kind, dtype=np.int8),
        at=np.array(at, dtype="datetime64[us]"),
        value=np.full(len(rows), np.nan, dtype=np.float32),
        split=np.full(len(rows), -1, dtype=np.int8),
        closes=np.full(max(item) + 1, NEVER),
    )


def test_recent_interest_halves_in_its_days_and_is_unknown_where_a_time_is():
    # A view before a booking adds nothing to it.
    rows = [(0, 0, VIEW, RECENT_HALF_LIFE_DAYS), (0, 0, BOOKING, RECENT_HALF_LIFE_DAYS),
            (1, 0, BOOKING, 2 * RECENT_HALF_LIFE_DAYS),
            (0, 1, BOOKING, None), (1, 2, VIEW, RECENT_HALF_LIFE_DAYS)]  # fmt: skip
    known = KnownItems.of(events_of(rows), AS_OF)
    np.testing.assert_allclose(known.recent, [0.75, np.nan, 0.05], rtol=1e-6)
    assert KnownItems.of(events_of(rows), None).recent is None


def test_a_training_tells_its_fit_what_is_wanted_now():
    # Two items, each met by every other person: the first lately, the second long ago.
    rows = [(user, user % 2, BOOKING, 1 if user % 2 == 0 else 100) for user in range(40)]
    rows += [(user, 2, BOOKING, 50) for user in range(40)]
    events = events_of(rows)
    part = Part(events, events.take(np.zeros(0, dtype=int)), AS_OF)

    def preference(balance, of):
        settings = IalsParameters(factors=2, recency_balance=balance)
        one_of_each = rehearse(replace(part, past=of), settings, lambda: None).fitted
        scores = one_of_each.score_users(np.array([0, 1], dtype=np.int32))
        return scores[1, 0] / scores[0, 1]

    assert preference(2.0, events) > preference(0.0, events)
    undated = replace(events, at=np.full(len(events), NEVER))
    assert preference(2.0, undated) == pytest.approx(preference(0.0, undated), rel=1e-3)


def test_interest_that_fades_as_fast_as_that_of_the_last_days_is_refused():
    events = events_of([(0, 0, BOOKING, 1), (1, 1, BOOKING, 9)])
    part = Part(events, events.take(np.zeros(0, dtype=int)), AS_OF)
    settings = IalsParameters(factors=2, half_life_days=RECENT_HALF_LIFE_DAYS)
    rehearse(part, settings, lambda: None)
    with pytest.raises(InvalidInput, match=r"half_life_days.*recency_balance"):
        rehearse(part, replace(settings, recency_balance=1.0), lambda: None)
