"""People to look at: whose agendas show what the service does."""

from datetime import timedelta

from worlds import NOW, book, small_world

from reco.feed.people import people_to_look_at


def test_whoever_books_this_week_stays_who_is_looked_at(connection):
    small_world(connection)
    before = people_to_look_at(connection, NOW, 8)
    for stock in ("film-tonight", "novel-shop"):
        book(connection, "villager", stock, NOW)
    book(connection, "reader", "film-tonight", NOW)
    after = people_to_look_at(connection, NOW, 8)
    assert [one.user_id for one in after] == [one.user_id for one in before]
    assert (before[0].user_id, before[0].bookings, before[0].categories) == ("reader", 1, 1)
    # What is told of them is what there is now.
    assert (after[0].bookings, after[0].categories) == (2, 2)


def test_by_next_week_what_they_booked_counts(connection):
    small_world(connection)
    for stock in ("film-tonight", "novel-shop"):
        book(connection, "villager", stock, NOW)
    assert people_to_look_at(connection, NOW + timedelta(days=6.4), 1)[0].user_id == "reader"
    assert people_to_look_at(connection, NOW + timedelta(days=6.6), 1)[0].user_id == "villager"
