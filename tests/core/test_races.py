"""Many threads on the real database: never more sold than there is, never more spent."""

import random
import threading
from collections import Counter
from datetime import timedelta

import pytest
from worlds import NOW, small_world

from reco.core.bookings import Order, book, cancel, use
from reco.core.expiry import expire
from reco.core.stocks import cancel_stocks
from reco.db.pool import connected, open_pool
from reco.errors import RuleBroken

USERS = 200
PLACES = 100
ATTEMPTS = 1_000
CONNECTIONS = 16


@pytest.fixture
def crowd(world, connection):
    """A small world with a crowd of users who have 500 € each, and one concert of 100 places."""
    small_world(connection)
    connection.execute(
        "insert into core.beneficiary (external_id) select 'c' || n from generate_series(1, %s) n",
        (USERS,),
    )
    connection.execute(
        "insert into core.deposit (user_id, amount_cents, digital_cap_cents, physical_cap_cents,"
        " offer_limit_cents, granted_at)"
        " select id, 50000, 20000, 20000, 30000, %s from core.beneficiary"
        " where external_id ~ '^c[0-9]+$'",
        (NOW,),
    )
    connection.execute(
        "update core.stock set quantity = %s, price_cents = 1100 where external_id = 'play-friday'",
        (PLACES,),
    )
    return world


def in_threads(world, jobs):
    """Run the jobs, each called with a connection, on as many threads as connections."""
    outcomes, lock, waiting = Counter(), threading.Lock(), iter(jobs)

    def work(pool):
        while True:
            with lock:
                job = next(waiting, None)
            if job is None:
                return
            with connected(pool) as connection:
                # Who wins is tested, not how soon: the machine may be busy.
                connection.execute("set statement_timeout = '30s'")
                try:
                    told = job(connection)
                except RuleBroken as broken:
                    told = broken.rule
            with lock:
                outcomes[told] += 1

    with open_pool(world.conninfo, CONNECTIONS) as pool:
        threads = [threading.Thread(target=work, args=(pool,)) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return outcomes


def booking(user, stock, key, quantity=1):
    return lambda connection: book(connection, Order(user, stock, quantity), key, NOW).state


def spent_by_user(connection):
    """What each user has spent, by the bookings and by the ledger."""
    return connection.execute(
        "select u.external_id, coalesce(b.spent, 0), coalesce(l.spent, 0)"
        " from core.beneficiary u"
        " left join (select user_id, sum(amount_cents) as spent from core.booking"
        "   where cancelled_at is null group by user_id) b on b.user_id = u.id"
        " left join (select user_id, -sum(amount_cents) as spent from core.ledger"
        "   where kind <> 'grant' group by user_id) l on l.user_id = u.id"
        " where u.external_id ~ '^c[0-9]+$'"
    ).fetchall()


def test_a_thousand_attempts_on_a_hundred_places(crowd, connection):
    chance = random.Random(1)
    attempts = [(f"c{chance.randint(1, USERS)}", n) for n in range(ATTEMPTS)]
    outcomes = in_threads(crowd, [booking(user, "play-friday", f"k{n}") for user, n in attempts])
    assert outcomes["booked"] == PLACES
    assert outcomes.total() == ATTEMPTS
    assert set(outcomes) <= {"booked", "sold_out", "one_booking_an_offer"}
    spent = spent_by_user(connection)
    assert Counter(by_bookings for _, by_bookings, _ in spent) == {1_100: PLACES, 0: USERS - PLACES}
    assert all(by_bookings == by_ledger for _, by_bookings, by_ledger in spent)


def test_one_users_many_hands_spend_no_more_than_the_deposit_and_its_caps(crowd, connection):
    connection.execute(
        "with made as ("
        "  insert into core.offer (external_id, item_id, venue_id)"
        "  select kind || n, i.id, case when kind = 'novel' then v.id end"
        "  from generate_series(1, 30) n, core.venue v, (values ('novel'), ('ebook')) k(kind)"
        "  join core.item i on i.external_id = kind where v.external_id = 'bookshop'"
        "  returning id, external_id)"
        " insert into core.stock (external_id, offer_id, price_cents)"
        " select external_id, id, 2300 from made"
    )
    jobs = [booking("c1", f"{kind}{n}", f"{kind}{n}") for n in range(1, 31) for kind in
            ("novel", "ebook")]  # fmt: skip
    random.Random(2).shuffle(jobs)
    outcomes = in_threads(crowd, jobs)
    # Eight of 23 EUR fit under each cap of 200 EUR; sixteen leave 132 EUR of the deposit.
    assert outcomes == {"booked": 16, "digital_cap": 22, "physical_cap": 22}
    spent = {user: (a, b) for user, a, b in spent_by_user(connection)}
    assert spent["c1"] == (16 * 2_300, 16 * 2_300)


def test_one_key_on_many_connections_books_once(crowd, connection):
    outcomes = in_threads(crowd, [booking("c1", "play-friday", "one key") for _ in range(100)])
    assert outcomes == {"booked": 100}
    assert connection.execute(
        "select count(*) from core.booking b join core.stock s on s.id = b.stock_id"
        " where s.external_id = 'play-friday'"
    ).fetchone() == (1,)


def test_booking_and_cancelling_in_circles_keep_money_and_places(crowd, connection):
    """No deadlock, nothing lost or doubled; expiry in between finds nothing."""
    connection.execute("update core.stock set quantity = 5 where external_id = 'play-friday'")
    chance = random.Random(3)

    def turn(number):
        user, stock = f"c{chance.randint(1, 12)}", chance.choice(["play-friday", "novel-shop"])

        def there_and_back(connection):
            made = book(connection, Order(user, stock), f"t{number}", NOW)
            return cancel(connection, made.booking_id, user, NOW).state

        return there_and_back

    jobs = [turn(number) for number in range(300)]
    jobs += [booking(f"c{n}", "novel-shop", f"s{n}") for n in range(13, 33)]
    jobs += [lambda c: f"{expire(c, NOW).bookings} expired" for _ in range(20)]
    chance.shuffle(jobs)
    outcomes = in_threads(crowd, jobs)
    assert outcomes["booked"] == 20
    assert outcomes["cancelled"] > 0
    assert outcomes["0 expired"] == 20
    assert set(outcomes) <= {"booked", "cancelled", "sold_out", "one_booking_an_offer", "0 expired"}
    spent = spent_by_user(connection)
    assert all(by_bookings == by_ledger for _, by_bookings, by_ledger in spent)
    assert sum(by_bookings for _, by_bookings, _ in spent) == 20 * 1_500
    # Each booking and cancellation in the order in which they were logged.
    most = connection.execute(
        "select max(standing) from (select sum(case c.operation when 'insert' then 1 else -1 end)"
        "   over (order by c.id) as standing"
        " from core.change c join core.booking b on b.id = c.entity_id"
        " join core.stock s on s.id = b.stock_id"
        " where c.entity = 'booking' and s.external_id = 'play-friday') counted"
    ).fetchone()[0]
    assert 1 <= most <= 5


def test_every_booking_ends_in_one_way(crowd, connection):
    """Cancelled, used, expired and closed by the venue at the same moment: one of them wins."""
    later = NOW + timedelta(days=11)
    for number in range(1, 81):
        book(connection, Order(f"c{number}", "novel-shop"), f"b{number}", NOW)
    ids = [
        str(id_)
        for (id_,) in connection.execute("select id from core.booking where booked_at = %s", (NOW,))
    ]
    (stock,) = connection.execute(
        "select id from core.stock where external_id = 'novel-shop'"
    ).fetchone()
    jobs = [lambda c, i=i: cancel(c, i, None, later).state for i in ids[:60]]
    jobs += [lambda c, i=i: use(c, i, None, later).state for i in ids[20:]]
    jobs += [lambda c: bool(expire(c, later)) and "expiry ran" for _ in range(2)]
    random.Random(5).shuffle(jobs)
    jobs.insert(70, lambda c: cancel_stocks(c, [stock], "partner:shop", later) >= 0 and "closed")
    outcomes = in_threads(crowd, jobs)
    assert outcomes["closed"] == 1
    assert outcomes["expiry ran"] == 2
    assert set(outcomes) <= {"cancelled", "used", "closed", "expiry ran", "state"}
    ends = connection.execute(
        "select coalesce(cancel_reason, case when used_at is not null then 'used' end), count(*)"
        " from core.booking where booked_at = %s group by 1",
        (NOW,),
    ).fetchall()
    assert sum(count for _, count in ends) == 80
    assert {reason for reason, _ in ends} <= {"user", "venue", "expired", "used"}
    spent = spent_by_user(connection)
    assert all(by_bookings == by_ledger for _, by_bookings, by_ledger in spent)
    used = dict(ends).get("used", 0)
    assert sum(by_bookings for _, by_bookings, _ in spent) == used * 1_500
