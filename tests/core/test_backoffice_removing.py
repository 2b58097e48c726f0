"""What a venue takes back: offers are withdrawn, stocks cancelled and refunded, at once or not."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from worlds import NOW
from worlds import book as booked_before

from reco.core.backoffice.listing import Span, list_offers, list_stocks, list_venues
from reco.core.backoffice.removing import (
    Cancelled,
    Withdrawn,
    cancel_stock,
    withdraw_offer,
    withdraw_venue,
)
from reco.core.backoffice.rows import StockRow
from reco.core.backoffice.writing import write_rows
from reco.core.bookings import Order, book, cancel, use
from reco.core.partners import bind_venues, create_partner, find_partner
from reco.core.stocks import cancel_stocks, refund_cancelled
from reco.errors import Forbidden, NotFound, RuleBroken

PLAY = StockRow("play-friday", "play-friday", 1_200, NOW + timedelta(days=4.3))
LATER_BY = timedelta(hours=1)
LATER = NOW + LATER_BY
OVER = PLAY.starts_at + timedelta(hours=1)
PEOPLE = 40


@pytest.fixture
def lune(small):
    """The partner of the theatre; forty people with 500 €."""
    create_partner(small, "lune", "Lune")
    create_partner(small, "soleil", "Soleil")
    bind_venues(small, "lune", ["theatre"])
    small.execute(
        "insert into core.beneficiary (external_id) select 'c' || n from generate_series(1, %s) n",
        (PEOPLE,),
    )
    small.execute(
        "insert into core.deposit (user_id, amount_cents, digital_cap_cents, physical_cap_cents,"
        " offer_limit_cents, granted_at) select id, 50000, 20000, 20000, 30000, %s"
        " from core.beneficiary where external_id like 'c%%'",
        (NOW,),
    )
    return find_partner(small, "lune").id


def order(connection, user, stock="play-friday"):
    return book(connection, Order(user, stock), f"{user} {stock}", NOW)


def states(connection):
    return dict(
        connection.execute(
            "select u.external_id, coalesce(b.cancel_reason, b.used_at::text, 'booked')"
            " from core.booking b join core.beneficiary u on u.id = b.user_id"
            " join core.stock s on s.id = b.stock_id where s.external_id = 'play-friday'"
        ).fetchall()
    )


def unbalanced(connection):
    """Bookings of which the ledger says something else than they do."""
    return connection.execute(
        "select b.id from core.booking b left join core.ledger l on l.booking_id = b.id"
        " group by b.id having coalesce(-sum(l.amount_cents), 0)"
        " <> case when b.cancelled_at is null then b.amount_cents else 0 end"
    ).fetchall()


def test_a_cancelled_stock_refunds_what_is_booked_and_lets_what_is_used_stand(small, lune):
    order(small, "c1")
    used = order(small, "c2")
    given_up = order(small, "c3")
    use(small, used.booking_id, lune, PLAY.starts_at - timedelta(minutes=10))
    cancel(small, given_up.booking_id, None, NOW)
    assert cancel_stock(small, lune, "play-friday", OVER) == Cancelled(
        "play-friday", "play-friday", 1
    )
    kept = states(small)
    assert (kept["c1"], kept["c3"]) == ("venue", "user")
    assert kept["c2"] not in {"venue", "user", "booked"}
    refund = small.execute(
        "select l.amount_cents, l.actor from core.ledger l where l.kind = 'refund'"
        " and l.actor like 'partner:%'"
    ).fetchall()
    assert refund == [(1_200, "partner:lune")]
    assert unbalanced(small) == []
    assert cancel_stock(small, lune, "play-friday", OVER + LATER_BY).refunded == 0
    when = "select cancelled_at from core.stock where external_id = 'play-friday'"
    assert small.execute(when).fetchone() == (OVER,)
    with pytest.raises(RuleBroken, match="cancelled"):
        book(small, Order("c4", "play-friday"), "k", LATER)


def test_nobody_was_at_an_event_that_is_cancelled_before_it_begins(small, lune):
    # Goods of a date are handed over before it.
    small.execute(
        "update core.stock set starts_at = %s where external_id = 'novel-shop'", (PLAY.starts_at,)
    )
    ticket, book_of_it = order(small, "c1"), order(small, "c1", "novel-shop")
    early = ticket.cancellable_until
    for booking in (ticket, book_of_it):
        use(small, booking.booking_id, None, early)
    stocks = small.execute(
        "select id from core.stock where external_id in ('play-friday', 'novel-shop')"
    )
    cancel_stocks(small, [id_ for (id_,) in stocks], "partner:lune", early)
    ends = small.execute(
        "select id::text, used_at, cancel_reason from core.booking where booked_at = %s", (NOW,)
    )
    assert set(ends.fetchall()) == {
        (ticket.booking_id, None, "venue"),
        (book_of_it.booking_id, early, None),
    }
    assert unbalanced(small) == []


def test_who_was_let_in_stays_where_a_file_had_cancelled_it_before(small, lune):
    used = order(small, "c1")
    use(small, used.booking_id, lune, PLAY.starts_at - timedelta(minutes=10))
    when = "update core.stock set cancelled_at = %s where external_id = 'play-friday'"
    small.execute(when, (NOW,))
    assert cancel_stock(small, lune, "play-friday", OVER).refunded == 0
    assert states(small)["c1"] != "venue"


@pytest.mark.parametrize(
    ("cancelled_h", "used_h", "is_refunded"),
    [
        (-50, None, True),
        (1, None, True),
        # It is cancelled later: nobody knows it yet.
        (3, None, False),
        # Used long before the doors open, or before it was cancelled: nobody was there.
        (-50, -20, True),
        (-5, -6, True),
        (-50, -1, False),
        # It took place, and was cancelled for who comes too late.
        (1, -1, False),
    ],
)
def test_of_what_a_file_cancelled_who_was_not_there_is_refunded(
    small, lune, cancelled_h, used_h, is_refunded
):
    """Hours are from the start on; the file is read two hours after it."""
    booking = order(small, "c1")
    booked_before(small, "c2", "play-friday", NOW, 12.0)
    at = {hours: PLAY.starts_at + timedelta(hours=hours) for hours in (cancelled_h, used_h or 0, 2)}
    if used_h is not None:
        small.execute(
            "update core.booking set used_at = %s where id = %s", (at[used_h], booking.booking_id)
        )
    small.execute(
        "update core.stock set cancelled_at = %s where external_id = 'play-friday'",
        (at[cancelled_h],),
    )
    assert refund_cancelled(small, "import", at[2]) == int(is_refunded)
    kept = states(small)
    assert (kept["c1"] == "venue") == is_refunded
    # What was booked elsewhere is refunded where it was.
    assert kept["c2"] == "booked"
    assert refund_cancelled(small, "import", at[2]) == 0
    assert unbalanced(small) == []


def test_a_refund_that_fails_cancels_nothing(small, lune):
    order(small, "c1")
    small.execute(
        "create function pg_temp.fail() returns trigger language plpgsql as"
        " $$ begin raise 'no money moves today'; end $$"
    )
    small.execute(
        "create trigger fail before insert on core.ledger"
        " for each row execute function pg_temp.fail()"
    )
    with pytest.raises(psycopg.errors.RaiseException):
        cancel_stock(small, lune, "play-friday", NOW)
    assert states(small) == {"c1": "booked"}
    assert small.execute(
        "select cancelled_at from core.stock where external_id = 'play-friday'"
    ).fetchone() == (None,)


def test_several_stocks_are_cancelled_in_one_go(small, lune):
    order(small, "c1")
    order(small, "c1", "film-tonight")
    stocks = [
        id_
        for (id_,) in small.execute(
            "select id from core.stock where external_id in ('play-friday', 'film-tonight')"
        )
    ]
    assert cancel_stocks(small, stocks[::-1], "partner:lune", NOW) == 2
    assert unbalanced(small) == []
    assert cancel_stocks(small, [], "partner:lune", NOW) == 0


def test_offers_are_withdrawn_and_bookings_stand(small, lune):
    order(small, "c1")
    assert withdraw_offer(small, lune, "play-friday", NOW) == Withdrawn(
        "play-friday", "play-friday", 1
    )
    assert withdraw_offer(small, lune, "play-friday", LATER).offers == 0
    assert states(small) == {"c1": "booked"}
    with pytest.raises(RuleBroken, match="withdrew"):
        order(small, "c2")
    assert withdraw_venue(small, lune, "theatre", LATER).offers == 2
    assert withdraw_venue(small, lune, "theatre", LATER).offers == 0
    times = small.execute(
        "select o.external_id, o.withdrawn_at from core.offer o where o.partner_id = %s", (lune,)
    ).fetchall()
    assert dict(times) == {"play-friday": NOW, "opera-dear": LATER, "circus-secret": LATER}


@pytest.mark.parametrize(
    ("remove", "own_id"),
    [(withdraw_venue, "theatre"), (withdraw_offer, "play-friday"), (cancel_stock, "play-friday")],
)
def test_only_ones_own_is_taken_back(small, lune, remove, own_id):
    soleil = find_partner(small, "soleil").id
    logged = "select count(*) from core.change"
    before = small.execute(logged).fetchone()
    with pytest.raises(Forbidden):
        remove(small, soleil, own_id, NOW)
    with pytest.raises(NotFound):
        remove(small, lune, "nothing", NOW)
    with pytest.raises(NotFound):
        remove(small, -1, own_id, NOW)
    assert small.execute(logged).fetchone() == before


def test_lists_are_of_the_partner_alone(small, lune):
    everything = Span(10)
    assert [v.id for v in list_venues(small, lune, everything).rows] == ["theatre"]
    assert len(list_offers(small, lune, everything, "theatre").rows) == 3
    first = list_stocks(small, lune, Span(2))
    assert ([s.id for s in first.rows], first.last) == (
        ["circus-secret", "opera-dear"],
        "opera-dear",
    )
    rest = list_stocks(small, lune, Span(2, first.last))
    assert ([s.id for s in rest.rows], rest.last) == (["play-friday"], None)
    assert list_venues(small, find_partner(small, "soleil").id, everything).rows == ()


def race(world, jobs):
    """Run each job on a thread and connection of its own, all at once; returns what they said."""
    gate = threading.Barrier(len(jobs))

    def work(job):
        with psycopg.connect(world.conninfo, autocommit=True) as connection:
            gate.wait()
            try:
                return job(connection)
            except RuleBroken as broken:
                return broken.rule

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(work, jobs))


@pytest.mark.parametrize("seed", range(3))
def test_a_cancel_races_bookings_and_everybody_has_the_money_back(world, small, lune, seed):
    jobs = [lambda c, n=n: order(c, f"c{n}").state for n in range(1, 15)]
    jobs += [lambda c: cancel_stock(c, lune, "play-friday", NOW).refunded] * 2
    random.Random(seed).shuffle(jobs)
    said = race(world, jobs)
    refunds = [told for told in said if isinstance(told, int)]
    assert sum(refunds) == said.count("booked")
    assert said.count("booked") + said.count("stock_cancelled") == 14
    assert set(states(small).values()) <= {"venue"}
    assert unbalanced(small) == []


def test_lowering_a_quantity_races_bookings_and_nothing_is_oversold(world, small, lune):
    write_rows(small, lune, [replace(PLAY, quantity=30)], NOW)
    jobs = [lambda c, n=n: order(c, f"c{n}").state for n in range(1, 13)]
    lower = replace(PLAY, quantity=6)
    jobs.insert(5, lambda c: write_rows(c, lune, [lower], NOW)[0].outcome)
    said = race(world, jobs)
    booked = said.count("booked")
    (quantity,) = small.execute(
        "select quantity from core.stock where external_id = 'play-friday'"
    ).fetchone()
    assert booked <= quantity
    assert quantity == (6 if "changed" in said else 30)
    assert ("refused" in said) == (quantity == 30)


def test_batches_that_touch_the_same_stocks_do_not_wait_in_a_circle(world, small, lune):
    rows = [replace(PLAY, id=f"s{n}", quantity=100) for n in range(20)]
    write_rows(small, lune, rows, NOW)
    cheaper = [replace(row, price_cents=1_000 + n) for n, row in enumerate(rows)]
    jobs = [
        lambda c: len(write_rows(c, lune, cheaper, NOW)),
        lambda c: len(write_rows(c, lune, rows[::-1], NOW)),
        lambda c: sum(cancel_stock(c, lune, f"s{n}", NOW).refunded for n in range(5)),
        *(lambda c, n=n: order(c, f"c{n}", f"lune:s{n % 20}").state for n in range(1, 12)),
    ]
    said = race(world, jobs)
    assert said[:2] == [20, 20]
    assert set(said[3:]) <= {"booked", "stock_cancelled"}
    assert unbalanced(small) == []
