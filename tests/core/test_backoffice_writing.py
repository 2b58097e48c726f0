"""Rows of a partner's catalogue: what becomes of them, and every rule that refuses one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from worlds import NOW, book, small_world

from reco.core.backoffice.rows import OfferRow, StockRow, VenueRow, WorkRow
from reco.core.backoffice.writing import write_rows
from reco.core.partners import bind_venues, create_partner, find_partner
from reco.errors import NotFound

VENUE = VenueRow("hall", "Hall", 45.19, 5.72, "theatre", "Europe/Paris", "daily")
WORK = WorkRow("w", "Lune", "SPECTACLE", "SPECTACLE_REPRESENTATION", ("jazz", "rock"), "About.")
OFFER = OfferRow("o", "hall", None, WORK, True, "https://x.fr", NOW - timedelta(days=1))
STOCK = StockRow(
    "s",
    "o",
    1_200,
    NOW + timedelta(days=9),
    NOW + timedelta(days=9, hours=2),
    50,
    NOW + timedelta(days=8),
)
BOOK = OfferRow("b", "hall", "novel")
ALL = [VENUE, OFFER, STOCK]


@pytest.fixture
def lune(connection):
    small_world(connection)
    create_partner(connection, "lune", "Lune")
    create_partner(connection, "soleil", "Soleil")
    return find_partner(connection, "lune").id


@pytest.fixture
def soleil(connection, lune):
    bind_venues(connection, "soleil", ["theatre"])
    return find_partner(connection, "soleil").id


@pytest.fixture
def write(connection, lune):
    def write(*rows, partner=lune, now=NOW):
        return write_rows(connection, partner, rows, now)

    return write


def results(outcomes):
    return [outcome.outcome for outcome in outcomes]


def error(outcomes):
    """Return field and detail of the only error of the last row."""
    *_, last = outcomes
    assert last.outcome == "refused"
    (fault,) = last.errors
    return fault


def count(connection, table):
    return connection.execute(f"select count(*) from core.{table}").fetchone()[0]


def test_a_catalogue_is_created_and_then_unchanged(connection, write):
    made = write(*ALL)
    assert results(made) == ["created"] * 3
    assert [o.public_id for o in made] == ["lune:hall", "lune:o", "lune:s"]
    assert not any(o.warnings or o.errors for o in made)
    logged = count(connection, "change")
    assert results(write(*ALL)) == ["unchanged"] * 3
    assert count(connection, "change") == logged
    row = connection.execute(
        "select o.external_id, i.external_id, i.title, i.genres, v.external_id, s.price_cents,"
        " s.quantity, s.created_at, o.is_duo"
        " from core.stock s join core.offer o on o.id = s.offer_id"
        " join core.item i on i.id = o.item_id join core.venue v on v.id = o.venue_id"
        " where s.external_id = 'lune:s'"
    ).fetchone()
    assert row == (
        "lune:o", "lune:w", "Lune", ["jazz", "rock"], "lune:hall", 1_200, 50, NOW, True,
    )  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        replace(VENUE, name="Other"),
        replace(VENUE, lon=5.73),
        replace(VENUE, opening=None),
        replace(OFFER, is_duo=False),
        replace(OFFER, venue_id=None),
        replace(OFFER, withdrawn_at=NOW),
        replace(OFFER, work=None, item_id="play"),
        replace(OFFER, work=replace(WORK, genres=("jazz",))),
        replace(OFFER, work=replace(WORK, subcategory=None)),
        replace(STOCK, price_cents=0),
        replace(STOCK, quantity=None),
        replace(STOCK, starts_at=STOCK.starts_at + timedelta(hours=1)),
        replace(STOCK, booking_limit_at=None),
    ],
)
def test_what_differs_is_changed_once(connection, write, changed):
    write(*ALL)
    assert results(write(changed)) == ["changed"]
    logged = count(connection, "change")
    assert results(write(changed)) == ["unchanged"]
    assert count(connection, "change") == logged


def test_of_rows_with_one_id_the_later_wins(connection, write):
    dearer = replace(STOCK, price_cents=1_300)
    assert results(write(VENUE, OFFER, STOCK, dearer, dearer, STOCK, dearer)) == [
        "created", "created", "created", "changed", "unchanged", "changed", "changed",
    ]  # fmt: skip
    kept = connection.execute("select price_cents from core.stock where partner_ref = 's'")
    assert kept.fetchall() == [(1_300,)]
    assert results(write(dearer)) == ["unchanged"]


def test_parents_may_follow_their_children_in_a_batch(write):
    assert results(write(STOCK, OFFER, VENUE)) == ["created"] * 3


def test_a_refused_row_takes_its_children_with_it_alone(connection, write):
    outcomes = write(replace(VENUE, lat=91.0), OFFER, STOCK, replace(BOOK, venue_id=None))
    assert results(outcomes) == ["refused", "refused", "refused", "created"]
    assert [o.errors[0].field for o in outcomes[:3]] == ["lat", "venue_id", "offer_id"]
    assert [o.public_id for o in outcomes] == [None, None, None, "lune:b"]
    assert count(connection, "item") == 9


def test_a_refused_change_leaves_the_row_as_it_was(connection, write):
    write(*ALL)
    (outcome,) = write(replace(STOCK, price_cents=-1))
    assert (outcome.outcome, outcome.public_id) == ("refused", "lune:s")
    assert results(write(STOCK)) == ["unchanged"]


def test_a_work_has_the_offers_id_where_it_has_none_of_its_own_and_may_be_shared(connection, write):
    other = replace(OFFER, id="o2")
    assert results(write(VENUE, OFFER, other)) == ["created"] * 3
    assert count(connection, "item") == 10
    # A work that both describe, each in its own way: the later wins, and both offers say so.
    again = replace(other, work=replace(WORK, title="Soleil"))
    assert results(write(again)) == ["changed"]


def test_an_unknown_partner_writes_nothing(write):
    with pytest.raises(NotFound):
        write(*ALL, partner=-1)


# Venues


@pytest.mark.parametrize(
    ("lat", "lon", "field", "said"),
    [
        (91.0, 5.0, "lat", "91.0"),
        (-90.1, 5.0, "lat", "-90.1"),
        (45.0, 180.1, "lon", "180.1"),
        (165.5, -22.2, "lat", "swapped"),
    ],
)
def test_coordinates_lie_on_the_globe(write, lat, lon, field, said):
    fault = error(write(replace(VENUE, lat=lat, lon=lon)))
    assert fault.field == field
    assert said in fault.detail


def test_coordinates_outside_the_country_are_a_warning(write):
    (outcome,) = write(replace(VENUE, lat=52.52, lon=13.4))
    assert outcome.outcome == "created"
    assert "outside France" in outcome.warnings[0].detail
    assert "swapped" not in outcome.warnings[0].detail
    (swapped,) = write(replace(VENUE, lat=5.72, lon=45.19))
    assert "swapped" in swapped.warnings[0].detail
    (again,) = write(replace(VENUE, lat=5.72, lon=45.19))
    assert (again.outcome, len(again.warnings)) == ("unchanged", 1)


@pytest.mark.parametrize(
    ("lat", "lon"),
    [(48.85, 2.35), (16.24, -61.53), (14.6, -61.07), (4.93, -52.33), (-20.88, 55.45),
     (-12.78, 45.23), (46.78, -56.18), (18.07, -63.08), (-13.28, -176.18), (-17.54, -149.57),
     (-22.27, 166.44), (41.92, 8.74)],
)  # fmt: skip
def test_the_overseas_territories_are_the_country(write, lat, lon):
    (outcome,) = write(replace(VENUE, lat=lat, lon=lon))
    assert outcome.warnings == ()


def test_a_venue_that_moves_by_more_than_a_kilometre_is_told(write):
    write(VENUE)
    (near,) = write(replace(VENUE, lat=45.198))
    assert (near.outcome, near.warnings) == ("changed", ())
    (far,) = write(replace(VENUE, lat=45.208))
    assert (far.outcome, "more than 1 km" in far.warnings[0].detail) == ("changed", True)


# Offers


def test_a_category_is_known(write):
    fault = error(write(VENUE, replace(OFFER, work=replace(WORK, category="CIRQUE"))))
    assert (fault.field, fault.accepted) == ("item.category", ("CINEMA", "LIVRE", "SPECTACLE"))


def test_a_subcategory_is_one_of_its_category(write):
    fault = error(write(VENUE, replace(OFFER, work=replace(WORK, subcategory="SEANCE_CINE"))))
    assert fault.field == "item.subcategory"
    assert fault.accepted == ("SPECTACLE_REPRESENTATION",)


def test_an_offer_has_one_work(write):
    both = replace(OFFER, item_id="novel")
    neither = replace(OFFER, work=None)
    for row in (both, neither):
        assert error(write(VENUE, row)).field == "item_id"
    unknown = error(write(VENUE, replace(BOOK, item_id="nothing")))
    assert (unknown.field, "unknown" in unknown.detail) == ("item_id", True)


def test_goods_without_a_venue_are_told_to_count_as_digital(write):
    (goods, event, digital) = write(
        replace(BOOK, venue_id=None),
        replace(OFFER, venue_id=None),
        OfferRow("e", None, "ebook"),
    )
    assert [f.field for f in goods.warnings] == ["venue_id"]
    assert event.warnings == digital.warnings == ()


# Stocks


def test_a_price_is_within_the_programmes_limit(connection, write):
    fault = error(write(VENUE, OFFER, replace(STOCK, price_cents=32_050)))
    assert fault.field == "price_cents"
    assert "20.50 € above the 300 €" in fault.detail
    assert error(write(replace(STOCK, price_cents=-1))).field == "price_cents"
    assert results(write(replace(STOCK, price_cents=30_000))) == ["created"]
    connection.execute("update core.deposit_policy set offer_limit_cents = null")
    assert results(write(replace(STOCK, price_cents=90_000))) == ["changed"]


def test_a_session_lies_ahead(write):
    write(VENUE, OFFER)
    past = replace(STOCK, starts_at=NOW, ends_at=None, booking_limit_at=None)
    assert error(write(past)).field == "starts_at"
    write(STOCK)
    later = STOCK.starts_at + timedelta(days=1)
    assert results(write(STOCK, now=later)) == ["unchanged"]
    # What was is over, but may be put right.
    assert results(write(replace(STOCK, price_cents=1), now=later)) == ["changed"]
    moved = replace(STOCK, starts_at=STOCK.starts_at + timedelta(minutes=1))
    assert error(write(moved, now=later)).field == "starts_at"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"booking_limit_at": STOCK.starts_at + timedelta(seconds=1)}, "booking_limit_at"),
        ({"ends_at": STOCK.starts_at - timedelta(seconds=1)}, "ends_at"),
    ],
)
def test_times_are_in_order(write, changes, field):
    assert error(write(VENUE, OFFER, replace(STOCK, **changes))).field == field


def test_an_event_has_a_date_and_goods_have_none(write):
    undated = {"starts_at": None, "ends_at": None, "booking_limit_at": None}
    assert error(write(VENUE, OFFER, replace(STOCK, **undated))).field == "starts_at"
    goods = replace(STOCK, offer_id="b")
    assert "no date" in error(write(BOOK, goods)).detail
    assert results(write(replace(goods, **undated))) == ["created"]
    assert error(write(replace(goods, **undated | {"ends_at": NOW}))).field == "ends_at"


def test_stocks_that_do_not_fit_what_their_work_becomes_are_told(write):
    paper = replace(OFFER, work=replace(WORK, category="LIVRE", subcategory="LIVRE_PAPIER"))
    undated = replace(STOCK, starts_at=None, ends_at=None, booking_limit_at=None)
    write(*ALL)
    (done,) = write(paper)
    (fault,) = done.warnings
    assert (done.outcome, fault.field) == ("changed", "item.subcategory")
    assert fault.detail == "1 stock has a date, and goods have none: cancel and make another"
    (back,) = write(OFFER)
    assert (back.outcome, back.warnings) == ("changed", ())
    both = write(paper, undated)
    assert results(both) == ["changed"] * 2
    assert not any(outcome.warnings for outcome in both)
    write(replace(undated, id="s2"))
    (done,) = write(OFFER)
    (fault,) = done.warnings
    assert fault.detail == "2 stocks have no date, and an event has one: cancel and make another"


def test_where_an_offer_goes_to_another_work_the_warning_names_what_was_sent(write):
    write(*ALL)
    (done,) = write(replace(OFFER, work=None, item_id="novel"))
    (fault,) = done.warnings
    assert (done.outcome, fault.field) == ("changed", "item_id")
    assert fault.detail.startswith("1 stock has a date, and goods have none")


def test_nobody_is_told_to_cancel_what_is_over(write):
    paper = replace(OFFER, work=replace(WORK, category="LIVRE", subcategory="LIVRE_PAPIER"))
    write(*ALL)
    (done,) = write(paper, now=STOCK.starts_at)
    assert (done.outcome, done.warnings) == ("changed", ())


def test_a_subcategory_that_tells_nothing_leaves_both(connection, write):
    connection.execute("update core.subcategory set is_event = null")
    undated = replace(STOCK, id="s2", starts_at=None, ends_at=None, booking_limit_at=None)
    assert results(write(VENUE, OFFER, STOCK, undated)) == ["created"] * 4


def test_what_is_booked_bounds_what_may_change(connection, write):
    write(VENUE, OFFER, STOCK, replace(OFFER, id="o2"))
    book(connection, "free", "lune:s", quantity=2)
    book(connection, "late", "lune:s", cancelled_at=NOW)
    book(connection, "reader", "lune:s")
    fault = error(write(replace(STOCK, quantity=2)))
    assert (fault.field, "2 is below the 3" in fault.detail) == ("quantity", True)
    assert error(write(replace(STOCK, offer_id="o2"))).field == "offer_id"
    (moved,) = write(replace(STOCK, quantity=3, starts_at=STOCK.starts_at + timedelta(hours=1)))
    assert moved.outcome == "changed"
    assert "3 places are booked" in moved.warnings[0].detail


def test_what_bookings_count_against_cannot_change_under_them(connection, write):
    goods = StockRow("g", "b", 1_000)
    write(VENUE, BOOK, goods)
    assert results(write(replace(BOOK, venue_id=None), BOOK)) == ["changed", "changed"]
    book(connection, "free", "lune:g", price_eur=10)
    for other, field in (
        (replace(BOOK, venue_id=None), "venue_id"),
        (replace(BOOK, venue_id="barn"), "venue_id"),
        (replace(BOOK, item_id="play"), "item_id"),
        # Of the same nature, and yet not what was booked.
        (replace(BOOK, item_id="manga"), "item_id"),
        (
            replace(BOOK, item_id=None, work=replace(WORK, category="LIVRE", subcategory=None)),
            "item",
        ),
    ):
        fault = error(write(replace(VENUE, id="barn"), other))
        assert (fault.field, "bookings stand (1)" in fault.detail) == (field, True)
    assert results(write(replace(BOOK, url="https://y.fr"))) == ["changed"]


def test_a_work_that_is_booked_elsewhere_keeps_its_nature(connection, write, soleil):
    paper = replace(WORK, category="LIVRE", subcategory="LIVRE_PAPIER")
    write(VENUE, replace(OFFER, work=paper))
    theirs = OfferRow("t", "theatre", "lune:w")
    assert results(write(theirs, StockRow("t", "t", 500), partner=soleil)) == ["created"] * 2
    book(connection, "free", "soleil:t", price_eur=5)
    digital = replace(OFFER, work=replace(paper, subcategory="LIVRE_NUMERIQUE"))
    fault = error(write(digital))
    assert (fault.field, "(1)" in fault.detail) == ("item", True)
    assert results(write(replace(OFFER, work=replace(paper, title="New")))) == ["changed"]


# Others


def test_what_is_anothers_is_refused(connection, write, soleil):
    write(*ALL)
    for row in (
        replace(VENUE, id="theatre"),
        replace(OFFER, id="play-friday"),
        replace(OFFER, id="new", venue_id="theatre"),
        replace(STOCK, id="play-friday"),
        replace(STOCK, id="new", offer_id="play-friday"),
    ):
        assert error(write(row)).is_foreign
    for row in (
        replace(VENUE, id="lune:hall"),
        replace(OFFER, id="lune:o", venue_id=None),
        replace(OFFER, id="new", venue_id="lune:hall"),
        replace(STOCK, id="new", offer_id="lune:o"),
    ):
        assert error(write(row, partner=soleil)).is_foreign


def test_a_public_id_is_no_own_id(write):
    write(*ALL)
    for row in (
        replace(VENUE, id="lune:hall"),
        replace(OFFER, id="new", venue_id="lune:hall"),
        replace(STOCK, id="lune:s"),
    ):
        fault = error(write(row))
        assert ("without 'lune:'" in fault.detail, fault.is_foreign) == (True, False)


def test_partners_may_use_the_same_own_ids(write, soleil):
    write(*ALL)
    assert results(write(*ALL, partner=soleil)) == ["created"] * 3
    assert results(write(*ALL)) == ["unchanged"] * 3


def test_a_public_id_that_is_in_use_is_not_taken_twice(connection, write):
    for table in ("venue", "item"):
        connection.execute(f"update core.{table} set external_id = 'lune:w' where id = 1")
    assert error(write(replace(VENUE, id="w"))).is_foreign
    assert error(write(VENUE, OFFER)).field == "item.id"


def test_what_a_partner_made_in_another_world_is_its_own_again(connection, write):
    write(*ALL)
    for table in ("venue", "item", "offer", "stock"):
        # As an import of what was exported there leaves them.
        connection.execute(
            f"update core.{table} set partner_id = null, partner_ref = null"
            " where external_id like 'lune:%%'"
        )
    bind_venues(connection, "lune", ["lune:hall"])
    assert results(write(*ALL)) == ["unchanged"] * 3
    assert results(write(replace(OFFER, work=replace(OFFER.work, title="Else")))) == ["changed"]


def test_a_work_of_ones_own_is_not_named_by_its_public_id(write):
    fault = error(write(VENUE, replace(OFFER, work=replace(OFFER.work, id="lune:w"))))
    assert (fault.field, "goes without 'lune:'" in fault.detail) == ("item.id", True)


def test_a_bound_venue_is_changed_under_its_public_id(connection, write):
    bind_venues(connection, "lune", ["cinema"])
    (outcome,) = write(replace(VENUE, id="cinema"))
    assert (outcome.outcome, outcome.public_id) == ("changed", "cinema")
    film = OfferRow("film-tonight", "cinema", "film", published_at=NOW - timedelta(days=30))
    assert results(write(film)) == ["unchanged"]
    evening = StockRow("film-tonight", "film-tonight", 700, NOW + timedelta(days=0.3), None, 2)
    assert results(write(evening, replace(evening, price_cents=600))) == ["unchanged", "changed"]
