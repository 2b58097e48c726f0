"""What happens while a booking waits for a lock is seen by it: nothing is judged by what was."""

import threading
from contextlib import contextmanager
from datetime import UTC, timedelta

import psycopg
import pytest
from worlds import NOW

from reco.core.accounts import Person, read_credit, register
from reco.core.backoffice.removing import cancel_stock
from reco.core.backoffice.rows import OfferRow, StockRow, VenueRow, WorkRow
from reco.core.backoffice.writing import write_rows
from reco.core.bookings import Order, book
from reco.core.partners import bind_venues, create_partner, find_partner
from reco.core.policies import read_policies
from reco.errors import NotFound, RuleBroken
from reco.frames.upserts import UPSERTS

LATER = NOW + timedelta(seconds=1)
"""By the clock of the one that is waited for: it began after the booking."""


@pytest.fixture
def lune(small):
    """A partner that owns the theatre and the bookshop."""
    create_partner(small, "lune", "Lune")
    bind_venues(small, "lune", ["theatre", "bookshop"])
    return find_partner(small, "lune").id


@contextmanager
def waited_for(world, connection, order):
    """Yield a connection in a transaction; when it ends, `order` has waited for it.

    The order begins where the body sets `begin`, and its outcome is in `told` after.
    """
    told = []

    def attempt():
        with psycopg.connect(world.conninfo, autocommit=True) as mine:
            try:
                told.append(book(mine, order, "k", NOW).state)
            except (RuleBroken, NotFound) as error:
                told.append(getattr(error, "rule", str(error)))

    thread = threading.Thread(target=attempt)
    with psycopg.connect(world.conninfo) as holder:
        with holder.transaction():
            _lock(holder, order.stock_id)
            thread.start()
            _until_waiting(connection, 1)
            yield holder, told
        thread.join()


def _lock(connection, stock):
    connection.execute(
        "select 1 from core.stock where external_id = %s for no key update", (stock,)
    )


_WAITS = """
select count(*) from pg_stat_activity
where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0
  and not pg_blocking_pids(pid) && %s::integer[]
"""
"""How many wait for somebody who is none of these."""


def _until_waiting(connection, number, but_for=()):
    """Return once so many wait for a lock, those not counted who wait for some processes."""
    while connection.execute(_WAITS, (list(but_for),)).fetchone() != (number,):
        pass


def test_the_last_place_is_taken_meanwhile(world, small):
    small.execute("update core.stock set quantity = 1 where external_id = 'play-friday'")
    with waited_for(world, small, Order("villager", "play-friday")) as (holder, told):
        book(holder, Order("reader", "play-friday"), "k", NOW)
        assert told == []
    assert told == ["sold_out"]


def test_the_venue_cancels_meanwhile_by_a_clock_that_is_ahead(world, small, lune):
    with waited_for(world, small, Order("reader", "play-friday")) as (holder, told):
        cancel_stock(holder, lune, "play-friday", LATER)
    assert told == ["stock_cancelled"]
    assert read_credit(small, "reader", LATER).spent_cents == 1_500


def test_the_price_changes_meanwhile(world, small):
    order = Order("reader", "play-friday", expected_cents=1_200)
    with waited_for(world, small, order) as (holder, told):
        holder.execute("update core.stock set price_cents = 9 where external_id = 'play-friday'")
    assert told == ["price_changed"]


def test_a_work_counts_against_another_cap_meanwhile(world, small, lune):
    """The reader has 5 EUR left for what is digital."""
    work = WorkRow("guide", "Guide", "LIVRE", "LIVRE_PAPIER")
    rows = [
        VenueRow("cellar", "Cellar", 45.19, 5.72),
        OfferRow("guide", "cellar", None, work),
        StockRow("guide", "guide", 600),
    ]
    assert [done.outcome for done in write_rows(small, lune, rows, NOW)] == ["created"] * 3
    digital = WorkRow("guide", "Guide", "LIVRE", "LIVRE_NUMERIQUE")
    with waited_for(world, small, Order("reader", "lune:guide")) as (holder, told):
        (done,) = write_rows(holder, lune, [OfferRow("guide", "cellar", None, digital)], NOW)
        assert done.outcome == "changed"
    assert told == ["digital_cap"]


def test_a_stock_moves_to_another_offer_meanwhile(world, small, lune):
    moved = StockRow("play-friday", "opera-dear", 1_300, NOW + timedelta(days=4))
    with waited_for(world, small, Order("reader", "play-friday")) as (holder, told):
        (done,) = write_rows(holder, lune, [moved], NOW)
        assert done.outcome == "changed"
    assert told == ["booked"]


def test_somebody_registers_meanwhile(world, small):
    """Two bookings of somebody who was not there to be locked could overspend together."""
    with waited_for(world, small, Order("new", "play-friday")) as (_, told):
        person = Person("new", NOW.date().replace(year=NOW.year - 18), None, None)
        register(small, person, read_policies(small), NOW, UTC)
    assert told == ["There is no user 'new'."]
    assert read_credit(small, "new", NOW).spent_cents == 0


def test_a_deposit_of_a_clock_ahead_counts_and_is_spent(small):
    person = Person("new", NOW.date().replace(year=NOW.year - 18), None, None)
    register(small, person, read_policies(small), LATER, UTC)
    booking = book(small, Order("new", "play-friday"), "k", NOW)
    assert booking.booked_at == LATER
    assert read_credit(small, "new", LATER).spent_cents == 1_200


def test_the_erased_cannot_be_booked_for(small):
    small.execute(
        "update core.beneficiary set external_id = 'erased:1', erased_at = %s"
        " where external_id = 'reader'",
        (NOW,),
    )
    with pytest.raises(NotFound):
        book(small, Order("erased:1", "play-friday"), "k", NOW)
    with pytest.raises(NotFound):
        read_credit(small, "erased:1", NOW)


def test_imports_lock_users_before_stocks_as_bookings_do():
    tables = [upsert.table for upsert in UPSERTS]
    assert tables.index("beneficiary") < tables.index("stock") < tables.index("booking")


def test_a_batch_does_not_move_what_is_booked_to_another_cap(small, lune):
    """A work that nobody booked becomes an event, and a booked digital offer moves to it."""

    def work(subcategory, category):
        return WorkRow("w", "W", category, subcategory)

    rows = [
        VenueRow("cellar", "Cellar", 45.19, 5.72),
        OfferRow("unbooked", "cellar", None, work("LIVRE_NUMERIQUE", "LIVRE")),
        OfferRow("booked", None, "ebook", None),
        StockRow("booked", "booked", 400),
    ]
    write_rows(small, lune, rows, NOW)
    book(small, Order("reader", "lune:booked"), "k", NOW)
    batch = [
        OfferRow("unbooked", "cellar", None, work("SEANCE_CINE", "CINEMA")),
        OfferRow("booked", None, "lune:w", None),
    ]
    done = write_rows(small, lune, batch, NOW)
    assert [row.outcome for row in done] == ["changed", "refused"]
    assert "bookings stand (1)" in done[1].errors[0].detail


_OWN, _OTHER = "own", "other"


def test_partners_who_change_works_of_each_others_offers_wait_in_one_line(world, small):
    """Each changes what its own work counts against, and the stock of its offer of the other's."""
    create_partner(small, "lune", "Lune")
    create_partner(small, "soleil", "Soleil")
    partners = {name: find_partner(small, name).id for name in ("lune", "soleil")}
    for partner in partners.values():
        write_rows(small, partner, [_work_of("LIVRE_PAPIER")], NOW)
    for name, of in (("lune", "soleil"), ("soleil", "lune")):
        rows = [OfferRow(_OTHER, None, f"{of}:work"), StockRow(_OWN, _OWN, 100)]
        write_rows(small, partners[name], [*rows, StockRow(_OTHER, _OTHER, 100)], NOW)
    told = {}

    def change(name):
        with psycopg.connect(world.conninfo, autocommit=True) as mine:
            rows = [_work_of("LIVRE_NUMERIQUE"), StockRow(_OTHER, _OTHER, 200)]
            try:
                done = write_rows(mine, partners[name], rows, NOW)
                told[name] = [outcome.outcome for outcome in done]
            except psycopg.errors.DeadlockDetected:
                told[name] = ["deadlock"]

    threads = [threading.Thread(target=change, args=(name,)) for name in partners]
    with psycopg.connect(world.conninfo) as second:
        with psycopg.connect(world.conninfo) as first:
            holders = [first.info.backend_pid, second.info.backend_pid]
            _lock(first, "lune:own")
            _lock(second, "soleil:own")
            for number, thread in enumerate(threads, start=1):
                thread.start()
                _until_waiting(small, number)
        # The one goes on until it waits for the other, which then goes on.
        _until_waiting(small, 1, but_for=holders)
    for thread in threads:
        thread.join()
    assert told == {name: ["changed", "changed"] for name in partners}


def _work_of(subcategory):
    return OfferRow(_OWN, None, None, WorkRow("work", "Work", "LIVRE", subcategory))
