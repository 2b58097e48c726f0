"""Cursors: what was shown comes back unchanged, or not at all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.errors import InvalidInput
from reco.feed.cursor import read_cursor, write_cursor
from reco.feed.query import feed_query

SECRET = "a secret of at least thirty-two bytes"
QUERY = feed_query(
    now=datetime(2026, 11, 23, tzinfo=UTC), default_radius_m=5e4, user_id="u1", lat=45.0, lon=5.0
)


@given(st.frozensets(st.integers(1, 2**62), max_size=50))
def test_round_trip(shown):
    assert read_cursor(write_cursor(shown, QUERY, SECRET), QUERY, SECRET) == shown


def test_the_clock_goes_on_between_pages():
    later = replace(QUERY, now=QUERY.now + timedelta(minutes=5), shown_items=frozenset({1}))
    assert read_cursor(write_cursor(frozenset({1, 2}), QUERY, SECRET), later, SECRET) == {1, 2}


def test_another_question_is_refused():
    cursor = write_cursor(frozenset({1}), QUERY, SECRET)
    with pytest.raises(InvalidInput, match="another question"):
        read_cursor(cursor, replace(QUERY, user_id="u2"), SECRET)


def test_another_signature_is_refused():
    forged = write_cursor(frozenset({1}), QUERY, "another secret, just as long as that one")
    with pytest.raises(InvalidInput, match="not made by this service"):
        read_cursor(forged, QUERY, SECRET)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é"])
def test_nonsense_is_refused(text):
    with pytest.raises(InvalidInput, match="cursor"):
        read_cursor(text, QUERY, SECRET)
