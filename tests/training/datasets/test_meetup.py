"""Meetup as frames: hand-written files for the rules, the real ones for what they must show."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from reco.errors import InvalidInput
from training.datasets.meetup import read_meetup

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"

MEETUP = {
    "groups.csv": "id,name\n7,Tango\n8,Hiking\n",
    "groups_topics.csv": 'groupId,name\n7,"Dance"\n7,"Argentina"\n',
    "members.csv": "id\nm1\nm2\nm2\n",
    "venues.csv": "id,name,city,lat,lon\n"
    "v1,Hall,Missoula,46.8,-114.0\n"
    "v2,Park,Missoula,0,0\n"
    "v3,Elsewhere,TBD,0,0\n"
    "v4,Cabin,Seeley,47.2,-113.5\n",
    "events.csv": "id,name,time,utc_offset,group_id,venue_id\n"
    "e1,Practica,1600000000000,-21600000,7,v1\n"
    "e1,Practica,1600000000000,-21600000,7,v1\n"
    "e2,  practica ,1700000000000,-25200000,7,v1\n"
    "e3,Practica,1700000000000,-25200000,7,v2\n"
    "e4,Milonga,1700000000000,-25200000,7,\n"
    "e5,Walk,1700000000000,-25200000,8,v3\n"
    "e6,Retreat 2014,1700000000000,-21600000,7,v4\n"
    "e7,RETREAT - may 2015,1710000000000,-21600000,7,v4\n",
    "rsvps.csv": "event_id,member_id,guests,response,created\n"
    "e1,m1,0,yes,1599000000000\n"
    "e1,m3,2,yes,1598000000000\n"
    "e2,m1,0,no,1690000000000\n"
    "e3,m1,0,no,1690000000000\n"
    "e3,m1,0,yes,1691000000000\n"
    "e2,m3,0,yes,1680000000000\n"
    "e2,m3,0,no,1690000000000\n",
}


def written(folder, files):
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def by_id(table, key):
    return {row[key]: row for row in table.to_pylist()}


@pytest.fixture
def meetup(tmp_path):
    return read_meetup(written(tmp_path, MEETUP))


@pytest.mark.parametrize(
    ("file", "of"), [("events.csv", "1600000000000"), ("rsvps.csv", "1599000000000")]
)
def test_what_is_no_moment_is_told(file, of, tmp_path):
    written(tmp_path, MEETUP | {file: MEETUP[file].replace(of, "1e300")})
    with pytest.raises(InvalidInput, match=f"{file}.* is no moment in ms"):
        read_meetup(tmp_path)


def test_a_series_is_one_item_however_its_name_is_spelt(meetup):
    offers = by_id(meetup["offers"], "offer_id")
    items = {
        stock["stock_id"]: offers[stock["offer_id"]]["item_id"]
        for stock in meetup["stocks"].to_pylist()
    }
    assert items["e1"] == items["e2"] == items["e3"]
    assert items["e6"] == items["e7"]
    assert len(set(items.values())) == 4
    item = by_id(meetup["items"], "item_id")[items["e1"]]
    assert (item["title"], item["category"], item["genre"]) == (
        "Practica",
        "Tango",
        "Argentina|Dance",
    )
    assert by_id(meetup["items"], "item_id")[items["e6"]]["title"] == "Retreat"


def test_an_event_is_published_with_its_first_answer_or_never_before_it_starts(meetup):
    stocks = by_id(meetup["stocks"], "stock_id")
    assert len(stocks) == meetup["stocks"].num_rows == 7
    assert stocks["e1"]["created_at"] == datetime.fromtimestamp(1_598_000_000, UTC)
    assert stocks["e1"]["starts_at"] == datetime.fromtimestamp(1_600_000_000, UTC)
    assert stocks["e4"]["created_at"] == stocks["e4"]["starts_at"]


def test_an_offer_is_published_with_the_first_of_its_events(meetup):
    published = {}
    for stock in meetup["stocks"].to_pylist():
        published.setdefault(stock["offer_id"], []).append(stock["created_at"])
    offers = by_id(meetup["offers"], "offer_id")
    assert {offer: min(times) for offer, times in published.items()} == {
        offer: row["published_at"] for offer, row in offers.items()
    }


def test_a_last_answer_yes_is_a_booking_with_guests_and_a_no_is_nothing(meetup):
    bookings = [
        (b["user_id"], b["stock_id"], b["quantity"]) for b in meetup["bookings"].to_pylist()
    ]
    assert sorted(bookings) == [("m1", "e1", 1), ("m1", "e3", 1), ("m3", "e1", 3)]
    assert meetup["bookings"]["booked_at"].to_pylist()[0] == datetime.fromtimestamp(1_598e6, UTC)
    assert set(by_id(meetup["users"], "user_id")) == {"m1", "m2", "m3"}


def test_unknown_places_are_where_the_city_or_the_group_is(meetup):
    venues = by_id(meetup["venues"], "venue_id")
    assert (venues["v2"]["lat"], venues["v2"]["lon"]) == (46.8, -114.0)
    assert (venues["group-7"]["lat"], venues["group-7"]["lon"]) == (46.8, -114.0)
    assert "v3" not in venues
    assert venues["group-8"]["lat"] == 46.8


def test_a_zone_is_told_by_the_offsets_of_a_venue_s_events(meetup):
    venues = by_id(meetup["venues"], "venue_id")
    assert venues["v1"]["timezone"] == "America/Denver"
    # Six hours behind Greenwich is no time of the Rockies in November.
    assert venues["v4"]["timezone"] is None


def test_two_events_of_one_id_are_refused(tmp_path):
    twice = MEETUP["events.csv"] + "e1,Milonga,1600000000000,-21600000,7,v1\n"
    with pytest.raises(InvalidInput, match=r"events.csv: two events have the id 'e1'"):
        read_meetup(written(tmp_path, MEETUP | {"events.csv": twice}))


def test_venues_without_any_place_are_refused(tmp_path):
    nowhere = "id,name,city,lat,lon\nv1,Hall,Missoula,0,0\n"
    with pytest.raises(InvalidInput, match=r"venues.csv: no venue has a place"):
        read_meetup(written(tmp_path, MEETUP | {"venues.csv": nowhere}))


def test_a_missing_column_is_named(tmp_path):
    written(tmp_path, MEETUP | {"rsvps.csv": "event_id,member_id\n"})
    with pytest.raises(InvalidInput, match=r"rsvps.csv.*missing columns.*created"):
        read_meetup(tmp_path)


@pytest.mark.parametrize("cell", ["soon", "16e"])
def test_a_cell_that_is_no_number_is_named(cell, tmp_path):
    events = MEETUP["events.csv"].replace("1600000000000", cell, 1)
    with pytest.raises(InvalidInput, match=rf"events.csv: line 2, column time: '{cell}' is no"):
        read_meetup(written(tmp_path, MEETUP | {"events.csv": events}))


@pytest.mark.parametrize("text", [b"", b"id,name\n\xff\xfe,x\n"])
def test_what_is_no_text_table_is_named(text, tmp_path):
    written(tmp_path, MEETUP)
    (tmp_path / "groups.csv").write_bytes(text)
    with pytest.raises(InvalidInput, match=r"groups.csv"):
        read_meetup(tmp_path)


@pytest.fixture(scope="module")
def real():
    folder = SHARED / "meetup_montana"
    if not folder.is_dir():
        pytest.skip("the data set meetup_montana is not beside the project (../shared/data)")
    return read_meetup(folder)


def test_half_of_what_was_answered_after_june_2015_was_a_series_known_before(real):
    frames = real
    item = {offer["offer_id"]: offer["item_id"] for offer in frames["offers"].to_pylist()}
    stock = {row["stock_id"]: row["offer_id"] for row in frames["stocks"].to_pylist()}
    cutoff = datetime(2015, 6, 1, tzinfo=UTC)
    known, later = set(), []
    for booking in frames["bookings"].to_pylist():
        series = item[stock[booking["stock_id"]]]
        if booking["booked_at"] < cutoff:
            known.add(series)
        else:
            later.append(series)
    assert len(later) == 1950
    assert sum(series in known for series in later) == 968


def test_the_evenings_to_come_in_june_2015_were_announced_before(real):
    stocks = real["stocks"].to_pylist()
    now = datetime(2015, 6, 15, tzinfo=UTC)
    open_then = [s for s in stocks if s["created_at"] < now < s["starts_at"]]
    assert len(open_then) == 82
    assert min(s["starts_at"] for s in stocks) == datetime(2008, 12, 11, 2, tzinfo=UTC)
