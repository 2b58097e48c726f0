"""Accounts, the deposit that is granted once, policies as rows, and the ledger of all money."""

import threading
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from worlds import GRENOBLE, NOW
from worlds import book as booked_before

from reco.core.accounts import Person, account_number, read_credit, register
from reco.core.deposits import Policy
from reco.core.policies import add_policy, read_policies
from reco.errors import InvalidInput, NotFound

DAY = timedelta(days=1)
EIGHTEEN = date(2008, 6, 1)


def put(connection, user="new", birth_date=EIGHTEEN, now=NOW, home=GRENOBLE):
    person = Person(user, birth_date, *(home or (None, None)))
    return register(connection, person, read_policies(connection), now, UTC)


def test_eighteen_is_granted_five_hundred_euros_for_two_years(small):
    done = put(small)
    assert done.granted
    credit = done.credit
    assert (credit.deposit_cents, credit.left_cents, credit.spent_cents) == (50_000, 50_000, 0)
    assert (credit.granted_at, credit.expires_at) == (NOW, NOW.replace(year=2028))
    assert {cap.kind: cap.cap_cents for cap in credit.caps} == {
        "digital": 20_000,
        "physical": 20_000,
    }
    assert credit.offer_limit_cents == 30_000
    assert not credit.is_over
    assert read_credit(small, "new", NOW.replace(year=2028)).is_over


def test_a_second_registration_changes_the_person_and_grants_nothing(small):
    put(small)
    again = put(small, birth_date=date(2008, 6, 2), home=None, now=NOW + DAY)
    assert not again.granted
    assert again.credit.deposit_cents == 50_000
    row = small.execute(
        "select birth_date, home, created_at from core.beneficiary where external_id = 'new'"
    ).fetchone()
    assert row == (date(2008, 6, 2), None, NOW)


@pytest.mark.parametrize("birth_date", [None, date(2010, 1, 1), date(2000, 1, 1)])
def test_other_ages_are_granted_nothing(small, birth_date):
    done = put(small, birth_date=birth_date)
    assert not done.granted
    assert (done.credit.deposit_cents, done.credit.left_cents, done.credit.caps) == (None, 0, ())


def test_an_imported_deposit_is_that_of_the_age_at_which_it_was_granted(small):
    # Over or not; granted a hundred days ago.
    assert not put(small, "reader").granted
    assert not put(small, "late").granted
    assert put(small, "villager", birth_date=(NOW - 50 * DAY).date().replace(year=2008)).granted
    assert put(small, "free").granted


@pytest.mark.parametrize("birth_date", [NOW.date() + DAY, date(1900, 1, 1)])
def test_a_birth_date_is_of_somebody_alive(small, birth_date):
    with pytest.raises(InvalidInput, match="birth_date"):
        put(small, birth_date=birth_date)
    with pytest.raises(NotFound):
        read_credit(small, "new", NOW)


def test_who_was_born_today_was_where_the_programme_is(small):
    first_hour = datetime(2026, 11, 24, 0, 30, tzinfo=ZoneInfo("Europe/Paris"))
    person = Person("new", first_hour.date(), *GRENOBLE)
    now = first_hour.astimezone(UTC)
    assert not register(small, person, [], now, first_hour.tzinfo).granted
    with pytest.raises(InvalidInput, match="birth_date"):
        register(small, person, [], now, UTC)


def test_an_id_of_the_erased_is_not_to_be_had(small):
    with pytest.raises(InvalidInput, match="user_id"):
        put(small, "erased:1")
    assert account_number(small, "reader") is not None
    small.execute("update core.beneficiary set erased_at = %s where external_id = 'reader'", (NOW,))
    assert account_number(small, "reader") is None


def test_of_many_registrations_at_once_one_grants(world, small):
    together, granted = threading.Barrier(8), []

    def register_once():
        with psycopg.connect(world.conninfo, autocommit=True) as connection:
            together.wait()
            granted.append(put(connection).granted)

    threads = [threading.Thread(target=register_once) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(granted) == [False] * 7 + [True]
    count = small.execute(
        "select count(*) from core.deposit d join core.beneficiary u on u.id = d.user_id"
        " where u.external_id = 'new'"
    )
    assert count.fetchone() == (1,)


def successor(**changes):
    kept = {
        "age": 18,
        "amount_cents": 15_000,
        "digital_cap_cents": None,
        "physical_cap_cents": None,
        "offer_limit_cents": 30_000,
        "months": 36,
        "valid_from": NOW + 10 * DAY,
        "valid_until": None,
    }
    return Policy(**kept | changes)


def test_a_successor_is_a_row_and_deposits_stay_as_granted(small):
    put(small)
    add_policy(small, successor())
    add_policy(small, successor(age=17, amount_cents=5_000))
    assert put(small, "same day", now=NOW + 9 * DAY).credit.deposit_cents == 50_000
    later = put(small, "later", now=NOW + 10 * DAY).credit
    assert (later.deposit_cents, later.caps) == (15_000, ())
    younger = put(small, "younger", date(2009, 6, 1), now=NOW + 10 * DAY)
    assert younger.credit.deposit_cents == 5_000
    assert read_credit(small, "new", NOW + 10 * DAY).deposit_cents == 50_000
    # A year on, the younger one is granted what eighteen gets; the new deposit is what counts.
    assert put(small, "younger", date(2009, 6, 1), now=NOW + 300 * DAY).granted
    assert read_credit(small, "younger", NOW + 300 * DAY).deposit_cents == 15_000


def test_the_deposit_granted_last_counts_and_what_was_booked_since(small):
    begins = NOW + 10 * DAY
    small.execute(
        "insert into core.deposit (user_id, amount_cents, granted_at, expires_at)"
        " select id, 20000, %s, %s from core.beneficiary where external_id = 'reader'",
        (begins, begins + 300 * DAY),
    )
    before = read_credit(small, "reader", begins - DAY)
    assert (before.deposit_cents, before.spent_cents, before.left_cents) == (30_000, 1_500, 28_500)
    after = read_credit(small, "reader", begins)
    assert (after.deposit_cents, after.spent_cents, after.left_cents) == (20_000, 0, 20_000)
    booked_before(small, "reader", "manga-shop", begins, 8.0)
    assert read_credit(small, "reader", begins).left_cents == 19_200


def test_policies_do_not_overlap(small):
    add_policy(small, successor())
    for early in (NOW + 10 * DAY, NOW + 5 * DAY):
        with pytest.raises(InvalidInput, match="valid_from"):
            add_policy(small, successor(valid_from=early))
    assert len(read_policies(small)) == 2
    # Those before the last one, and those of another age, hold as long as they did.
    add_policy(small, successor(valid_from=NOW + 20 * DAY))
    add_policy(small, successor(age=17, valid_from=NOW + 30 * DAY))
    assert [(p.age, p.valid_until) for p in read_policies(small)] == [
        (17, None),
        (18, NOW + 10 * DAY),
        (18, NOW + 20 * DAY),
        (18, None),
    ]


def lines(connection, user):
    return connection.execute(
        "select l.kind, l.amount_cents from core.ledger l join core.beneficiary u"
        " on u.id = l.user_id where u.external_id = %s order by l.id",
        (user,),
    ).fetchall()


def test_every_change_of_money_is_in_the_ledger_whoever_makes_it(small):
    assert lines(small, "reader") == [("grant", 30_000), ("booking", -1_500)]
    booked_before(small, "reader", "manga-shop", NOW, 8.0, cancelled_at=NOW)
    small.execute("update core.deposit set amount_cents = amount_cents + 100")
    small.execute("update core.booking set amount_cents = 1400 where amount_cents = 1500")
    small.execute("update core.booking set cancelled_at = now() where amount_cents = 1400")
    small.execute("delete from core.booking")
    small.execute("delete from core.deposit")
    assert lines(small, "reader")[2:] == [
        ("booking", -800),
        ("refund", 800),
        ("adjustment", 100),
        ("adjustment", 100),
        ("refund", 1_400),
        ("adjustment", -30_100),
    ]
    total = small.execute("select sum(amount_cents) from core.ledger").fetchone()
    assert total == (0,)


def test_what_costs_nothing_to_change_is_no_change_of_money(small):
    before = lines(small, "reader")
    small.execute("update core.booking set used_at = booked_at")
    small.execute("update core.deposit set expires_at = expires_at + interval '1 day'")
    assert lines(small, "reader") == before


@pytest.mark.parametrize(
    "rewriting",
    ["update core.ledger set amount_cents = 0", "delete from core.ledger", "truncate core.ledger"],
)
def test_the_ledger_is_append_only(small, rewriting):
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        small.execute(rewriting)
