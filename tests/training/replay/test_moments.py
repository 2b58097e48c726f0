"""A past told by arrays is the past that the database tells: what could be booked, who had what."""

from datetime import timedelta

import numpy as np
import psycopg
import pytest
from worlds import NOW

from reco.catalogue.build import build_catalogue
from reco.db.arrays import NEVER_US
from reco.feed.generation import generation
from reco.feed.query import feed_query
from reco.feed.situation import read_situation
from reco.frames.exporting import export_frames
from training.replay.catalogues import catalogue_at
from training.replay.reading import past_from_folder
from training.replay.recorded import past_from_database
from training.replay.states import Biographer

MOMENTS = [NOW, NOW - timedelta(days=2), NOW - timedelta(days=12), NOW - timedelta(days=40)]


@pytest.fixture
def connection(lived):
    with psycopg.connect(lived.conninfo, autocommit=True) as connection:
        yield connection


@pytest.fixture(params=["database", "folder"])
def past(request, lived, tmp_path):
    if request.param == "database":
        return past_from_database(lived.conninfo)
    export_frames(lived, tmp_path / "frames", "csv", lambda *_: None)
    return past_from_folder(tmp_path / "frames")


@pytest.mark.usefixtures("far_clocks")
@pytest.mark.parametrize("at", MOMENTS)
def test_what_could_be_booked(past, connection, at):
    told, built = catalogue_at(past, at), build_catalogue(connection, at, at)
    for name, column in built.base.arrays().items():
        np.testing.assert_array_equal(getattr(told.base, name), column, err_msg=name)
    np.testing.assert_array_equal(told.items.item_external_id, built.items.item_external_id)
    np.testing.assert_array_equal(told.items.item_genres, built.items.item_genres)
    assert len(told.base.offer_id) > 0
    assert (told.genres, told.venue_types, told.users) == (
        built.genres,
        built.venue_types,
        built.users,
    )


def facts_of(state):
    return (
        state.person,
        state.liked,
        sorted(state.bookings, key=lambda booked: (booked.item, booked.at)),
        sorted(state.interactions, key=lambda done: (done.item, done.kind)),
    )


@pytest.mark.parametrize("at", MOMENTS)
def test_what_was_known_of_people(past, connection, at, request):
    serving = generation(build_catalogue(connection, at, at), None)
    is_whole = request.node.callspec.params["past"] == "database"
    for row, name in enumerate(past.people.names):
        query = feed_query(now=at, as_of=at, default_radius_m=5e4, user_id=name)
        told, read = Biographer(past).state_at(row, at), read_situation(
            connection, serving, query
        ).state  # fmt: skip
        if is_whole:
            assert facts_of(told) == facts_of(read)
            assert told.credit == read.credit
        else:
            # Frames know neither tastes nor the caps of a deposit.
            assert facts_of(told)[2] == facts_of(read)[2]
            assert told.credit.total_cents == read.credit.total_cents


def test_what_was_changed_is_taken_back(lived, connection):
    before = connection.execute("select clock_timestamp()").fetchone()[0]
    connection.execute("update core.stock set price_cents = 900 where external_id = 'manga-shop'")
    between = connection.execute("select clock_timestamp()").fetchone()[0]
    connection.execute("update core.stock set price_cents = 950 where external_id = 'manga-shop'")
    connection.execute(
        "update core.stock set starts_at = %s where external_id = 'play-friday'",
        (between + timedelta(days=400),),
    )
    connection.execute(
        "update core.offer set withdrawn_at = %s where external_id = 'ebook-online'", (between,)
    )
    after = connection.execute("select clock_timestamp()").fetchone()[0]
    past = past_from_database(lived.conninfo)
    manga = past.names.stock_id.to_pylist().index("manga-shop") + 1
    play = past.names.stock_id.to_pylist().index("play-friday") + 1
    ebook = past.names.offer_id.to_pylist().index("ebook-online") + 1

    def told(at):
        shelf = catalogue_at(past, at).base
        price = dict(zip(shelf.stock_id.tolist(), shelf.stock_price_cents.tolist(), strict=True))
        starts = dict(zip(shelf.stock_id.tolist(), shelf.stock_starts_us.tolist(), strict=True))
        return price[manga], starts.get(play), ebook in shelf.offer_id

    first, second, last = told(before), told(between), told(after)
    assert (first[0], second[0], last[0]) == (800, 900, 950)
    assert (first[2], second[2], last[2]) == (True, True, False)
    assert first[1] == second[1] != last[1]


@pytest.mark.parametrize("at", MOMENTS)
def test_who_is_erased_has_taken_places(lived, connection, at):
    connection.execute(
        "update core.beneficiary set erased_at = %s where external_id in ('late', 'broke')",
        (NOW,),
    )
    past = past_from_database(lived.conninfo)
    told, built = catalogue_at(past, at), build_catalogue(connection, at, at)
    assert not {"late", "broke"} & set(past.people.names)
    for name, column in built.base.arrays().items():
        np.testing.assert_array_equal(getattr(told.base, name), column, err_msg=name)
    assert told.users == built.users == len(past.people) + 2


def test_a_booking_after_the_moment_takes_no_place(lived):
    past = past_from_database(lived.conninfo)
    tonight = past.names.stock_id.to_pylist().index("film-tonight") + 1
    # Two places, taken 4 and 8 days ago by two of four; the first booking was the oldest.
    by_day = {
        days: tonight in catalogue_at(past, NOW - timedelta(days=days)).base.stock_id
        for days in (0, 30)
    }
    assert by_day == {0: False, 30: True}
    assert NEVER_US not in past.bookings.at_us
