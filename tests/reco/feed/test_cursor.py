"""Cursors: what was shown comes back unchanged, in time, for its question, or not at all."""

import base64
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.errors import CursorExpired, InvalidInput
from reco.feed import cursor as cursors
from reco.feed.cursor import LIFETIME, MAX_CHARACTERS, MAX_SHOWN, read_cursor, write_cursor
from reco.feed.dials import Dials
from reco.feed.query import feed_query
from reco.sealing import sealed, unsealed

SECRET = "a secret of at least thirty-two bytes"
ASKED = {
    "now": datetime(2026, 11, 23, tzinfo=UTC),
    "default_radius_m": 5e4,
    "user_id": "u1",
    "lat": 45.0,
    "lon": 5.0,
}
QUERY = feed_query(**ASKED)
SHOWN = {5: 0.25, 3: 0.5, 2**40: 0.125}

probabilities = st.floats(0, 1, width=32)


@given(st.dictionaries(st.integers(1, 2**62), probabilities, max_size=50))
def test_round_trip(shown):
    read = read_cursor(write_cursor(shown, QUERY, SECRET), QUERY, SECRET)
    assert list(read.items()) == sorted(shown.items())


@given(st.integers(0, 2**32), st.sampled_from([2**20, 2**31, 2**62]))
def test_no_cursor_is_long(seed, largest_id):
    chance = np.random.default_rng(seed)
    ids = np.unique(chance.integers(1, largest_id, MAX_SHOWN - 1))
    shown = dict(zip(ids.tolist(), chance.random(len(ids)), strict=True))
    assert len(write_cursor(shown, QUERY, SECRET)) <= MAX_CHARACTERS


def test_the_clock_goes_on_between_pages_and_their_length_may_change():
    later = replace(QUERY, now=QUERY.now + timedelta(minutes=5), shown_offers=SHOWN, n=50)
    assert read_cursor(write_cursor(SHOWN, QUERY, SECRET), later, SECRET) == SHOWN


@pytest.mark.parametrize(
    "other",
    [
        {"user_id": "u2"},
        {"user_id": None},
        {"lat": 45.1},
        {"lat": None, "lon": None},
        {"radius_km": 50.0},
        # Unless another one is asked for, a radius is widened as far as this one reaches.
        {"radius_km": 200.0},
        {"floor": 1.0},
        {"intensity": 10.0},
        {"points_a_booking": 180.0},
        {"min_new_categories": 1},
        {"max_per_category": 2},
        {"plan": True},
        {"max_price_eur": 10.0},
        {"categories": ["LIVRE"]},
        {"starts_from": ASKED["now"]},
        {"starts_before": ASKED["now"] + timedelta(days=1)},
    ],
)
def test_another_question_is_refused(other):
    cursor = write_cursor(SHOWN, QUERY, SECRET)
    with pytest.raises(InvalidInput, match="another question"):
        read_cursor(cursor, feed_query(**{**ASKED, **other}), SECRET)


@pytest.mark.parametrize("price", [None, 60.0])
def test_another_price_is_another_question_though_the_floor_is_the_same(price):
    asked = {**ASKED, "floor": 0.9, "points_a_booking": 180.0}
    cursor = write_cursor(SHOWN, feed_query(**asked), SECRET)
    with pytest.raises(InvalidInput, match="another question"):
        read_cursor(cursor, feed_query(**{**asked, "points_a_booking": price}), SECRET)


def test_what_was_left_to_the_service_may_change_between_pages():
    cursor = write_cursor(SHOWN, QUERY, SECRET)
    tried = replace(QUERY.with_dials(Dials(0.9, 10.0, 60.0)), language="en")
    assert read_cursor(cursor, tried, SECRET) == SHOWN


def test_the_same_question_in_other_words_is_the_same():
    asked = {"categories": ["LIVRE", "THÉÂTRE"], "starts_from": ASKED["now"]}
    cursor = write_cursor(SHOWN, feed_query(**ASKED, **asked), SECRET)
    # In another order, with letters and accents apart, by another clock.
    same = {
        "categories": [unicodedata.normalize("NFD", "THÉÂTRE"), "LIVRE"],
        "starts_from": ASKED["now"].astimezone(ZoneInfo("Europe/Paris")),
    }
    assert read_cursor(cursor, feed_query(**ASKED, **same), SECRET) == SHOWN


@pytest.mark.parametrize(
    ("later", "is_good"),
    [(timedelta(), True), (LIFETIME, True), (LIFETIME + timedelta(seconds=1), False)],
)
def test_a_cursor_is_over_after_half_an_hour(later, is_good):
    cursor = write_cursor(SHOWN, QUERY, SECRET)
    then = replace(QUERY, now=QUERY.now + later)
    if is_good:
        assert read_cursor(cursor, then, SECRET) == SHOWN
    else:
        with pytest.raises(CursorExpired, match="30 minutes after its page"):
            read_cursor(cursor, then, SECRET)


@given(st.data())
def test_a_changed_bit_is_refused_as_changed_not_as_old(data):
    signed = base64.urlsafe_b64decode(_padded(write_cursor(SHOWN, QUERY, SECRET)))
    at = data.draw(st.integers(0, 8 * len(signed) - 1))
    changed = bytearray(signed)
    changed[at // 8] ^= 1 << at % 8
    forged = base64.urlsafe_b64encode(changed).decode().rstrip("=")
    with pytest.raises(InvalidInput, match="was changed"):
        read_cursor(forged, replace(QUERY, now=QUERY.now + 2 * LIFETIME), SECRET)


def test_another_signature_is_refused():
    forged = write_cursor(SHOWN, QUERY, "another secret, just as long as that one")
    with pytest.raises(InvalidInput, match="not made by this service"):
        read_cursor(forged, QUERY, SECRET)


def test_a_cursor_of_another_path_is_refused():
    body = unsealed(write_cursor(SHOWN, QUERY, SECRET), "feed", SECRET)
    with pytest.raises(InvalidInput, match="not made by this service for this path"):
        read_cursor(sealed(body, "search", SECRET), QUERY, SECRET)


def test_a_cursor_of_another_layout_is_not_read(monkeypatch):
    monkeypatch.setattr(cursors, "_VERSION", cursors._VERSION - 1)
    old = write_cursor(SHOWN, QUERY, SECRET)
    monkeypatch.undo()
    with pytest.raises(InvalidInput, match="ask its first page again"):
        read_cursor(old, QUERY, SECRET)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é", "A" * 60, "\x00", "====", "A" * 100_000])
def test_nonsense_is_refused(text):
    with pytest.raises(InvalidInput, match="not made by this service"):
        read_cursor(text, QUERY, SECRET)


def _padded(text):
    return text + "=" * (-len(text) % 4)
