"""Each rule alone, without a database: who may book what, until when, and by how much they fail."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reco.core.booking_rules import (
    MOST_A_DAY,
    Buyer,
    Sale,
    Standing,
    cancellable_until,
    check_cancellation,
    check_pace,
    check_start,
    check_use,
    collect_by,
    price_of,
    state_of,
)
from reco.core.deposits import (
    EMPTY,
    Credit,
    Deposit,
    Policy,
    Spent,
    credit_left,
    due_deposit,
    months_after,
)
from reco.errors import InvalidInput, RuleBroken, status_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PARIS = ZoneInfo("Europe/Paris")

DEPOSIT = Deposit(50_000, 20_000, 20_000, 30_000, NOW - 30 * DAY, NOW + 700 * DAY, 18)
BUYER = Buyer(DEPOSIT, Spent(), has_booked_offer=False)
PLAY = Sale(
    price_cents=1_200,
    cap="none",
    is_event=True,
    is_duo=True,
    collect_days=30,
    opens_at=NOW - DAY,
    starts_at=NOW + 5 * DAY,
    booking_limit_at=NOW + 4 * DAY,
    withdrawn_at=None,
    cancelled_at=None,
    left=10,
)
BOOK = replace(PLAY, cap="physical", is_event=False, is_duo=False, starts_at=None, collect_days=10)


def test_an_order_that_breaks_no_rule_costs_its_price():
    assert price_of(PLAY, BUYER, 1, NOW) == 1_200
    assert price_of(PLAY, BUYER, 2, NOW) == 2_400


@pytest.mark.parametrize(
    ("sale", "buyer", "quantity", "rule", "by", "words"),
    [
        ({"opens_at": NOW + HOUR}, {}, 1, "not_yet_published", {"early_s": 3600}, "in 1 h"),
        ({"withdrawn_at": NOW}, {}, 1, "offer_withdrawn", {"late_s": 0}, "withdrew"),
        ({"cancelled_at": NOW - DAY}, {}, 1, "stock_cancelled", {}, "cancelled it 2026-11-22"),
        ({"cancelled_at": NOW + DAY}, {}, 1, "stock_cancelled", {}, "cancelled it 2026-11-24"),
        ({"starts_at": NOW}, {}, 1, "event_past", {"late_s": 0}, "It began"),
        ({"booking_limit_at": NOW - 3 * DAY}, {}, 1, "booking_limit_past", {}, "3 days ago"),
        ({"is_duo": False}, {}, 2, "no_duo", {"most": 1}, "one person"),
        ({"left": 0}, {}, 1, "sold_out", {"left": 0, "asked": 1}, "no place is left"),
        ({"left": 1}, {}, 2, "sold_out", {"left": 1, "asked": 2}, "1 of 2 places are left"),
        ({}, {"has_booked_offer": True}, 1, "one_booking_an_offer", {}, "booked already"),
        ({}, {"deposit": None}, 1, "no_deposit", {"short_cents": 1_200}, "12 €"),
        ({}, {"deposit": replace(DEPOSIT, granted_at=NOW + HOUR)}, 1, "no_deposit", {}, "12 €"),
        (
            {},
            {"deposit": replace(DEPOSIT, expires_at=NOW - 2 * HOUR)},
            1,
            "deposit_expired",
            {"late_s": 7_200},
            "2 h ago",
        ),
        (
            {"price_cents": 15_001},
            {},
            2,
            "offer_limit",
            {"short_cents": 2, "limit_cents": 30_000},
            "0.02 € over the limit of an offer",
        ),
        (
            {},
            {"spent": Spent(49_000)},
            1,
            "credit",
            {"short_cents": 200, "limit_cents": 50_000},
            "2 € short of the credit",
        ),
        (
            {"cap": "digital"},
            {"spent": Spent(20_050, digital_cents=20_050)},
            1,
            "digital_cap",
            {"short_cents": 1_250},
            "12.50 € short of the digital cap.",
        ),
        (
            {"cap": "physical"},
            {"spent": Spent(19_000, physical_cents=19_000)},
            1,
            "physical_cap",
            {"short_cents": 200},
            "2 € short of the physical cap.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_rule_says_which_and_by_how_much(sale, buyer, quantity, rule, by, words):
    with pytest.raises(RuleBroken) as broken:
        price_of(replace(PLAY, **sale), replace(BUYER, **buyer), quantity, NOW)
    assert broken.value.rule == rule
    assert by.items() <= broken.value.by.items()
    assert words in str(broken.value)
    assert status_of(broken.value) == 409


def test_events_count_against_no_cap():
    spent = Spent(40_000, digital_cents=20_000, physical_cents=20_000)
    assert price_of(PLAY, replace(BUYER, spent=spent), 1, NOW) == 1_200


@pytest.mark.parametrize("deposit", [None, replace(DEPOSIT, expires_at=NOW)])
def test_what_is_free_needs_no_deposit(deposit):
    assert price_of(replace(PLAY, price_cents=0), replace(BUYER, deposit=deposit), 1, NOW) == 0


@pytest.mark.parametrize("quantity", [0, 3, -1])
def test_a_quantity_is_one_or_two(quantity):
    with pytest.raises(InvalidInput, match="quantity"):
        price_of(PLAY, BUYER, quantity, NOW)


@given(
    st.integers(0, 60_000),
    st.integers(0, 60_000),
    st.sampled_from(["none", "digital", "physical"]),
    st.integers(0, 25_000),
)
def test_what_the_credit_allows_is_what_the_rules_allow(price_cents, total, cap, of_cap):
    """The feed filters by `Credit.limit_cents`; a booking is judged by `price_of`."""
    of_cap = min(of_cap, total)
    spent = Spent(total, of_cap if cap == "digital" else 0, of_cap if cap == "physical" else 0)
    limit_cents = credit_left(DEPOSIT, spent, NOW).limit_cents(cap)
    sale = replace(PLAY, price_cents=price_cents, cap=cap)
    try:
        price_of(sale, replace(BUYER, spent=spent), 1, NOW)
    except RuleBroken:
        assert price_cents > limit_cents
    else:
        assert price_cents == 0 or price_cents <= limit_cents


@pytest.mark.parametrize(
    ("starts_in_h", "closes_in_h"),
    [
        (1_000, 48),  # far away: two days to think it over
        (72, 24),  # until two days before
        (48, 0),  # just now
        (10, 0),  # booked late: at once or never
    ],
)
def test_an_event_may_be_cancelled_for_two_days_and_until_two_days_before(starts_in_h, closes_in_h):
    booking = Standing(True, NOW + starts_in_h * HOUR, NOW, None, None, None)
    until = cancellable_until(booking)
    assert until == NOW + closes_in_h * HOUR
    assert cancellable_until(replace(booking, booked_for=booking.starts_at)) == until
    check_cancellation(booking, until)
    with pytest.raises(RuleBroken) as broken:
        check_cancellation(booking, until + 90 * HOUR)
    assert (broken.value.rule, broken.value.by["late_s"]) == ("cancellation_closed", 324_000)
    assert "3 days ago" in str(broken.value)


def test_goods_may_be_cancelled_until_they_are_collected_or_expire():
    booking = Standing(False, None, NOW, None, None, None, collect_by=NOW + 10 * DAY)
    assert cancellable_until(booking) is None
    check_cancellation(booking, NOW + 9 * DAY)
    assert collect_by(BOOK, NOW) == NOW + 10 * DAY
    assert collect_by(replace(BOOK, collect_days=30), NOW) == NOW + 30 * DAY
    assert collect_by(PLAY, NOW) is None
    # A visit of any day is used like goods.
    assert collect_by(replace(PLAY, starts_at=None), NOW) == NOW + 30 * DAY


@pytest.mark.parametrize("is_event", [False, True])
@pytest.mark.parametrize("is_stock_cancelled", [False, True])
def test_what_has_no_date_and_was_booked_elsewhere_may_have_been_used(is_event, is_stock_cancelled):
    booking = Standing(
        is_event, None, NOW - 200 * DAY, None, None, None, is_stock_cancelled=is_stock_cancelled
    )
    assert cancellable_until(booking) == booking.booked_at
    with pytest.raises(RuleBroken, match="booked elsewhere") as broken:
        check_cancellation(booking, NOW)
    assert (broken.value.rule, status_of(broken.value)) == ("made_elsewhere", 409)
    # A date that was taken away since makes goods of what was booked here.
    check_cancellation(replace(booking, booked_for=NOW), NOW)


def test_what_the_venue_cancelled_may_be_cancelled_at_any_time():
    booking = Standing(True, NOW, NOW - 5 * DAY, None, None, None)
    with pytest.raises(RuleBroken, match="could be cancelled until"):
        check_cancellation(booking, NOW)
    off = replace(booking, is_stock_cancelled=True)
    assert cancellable_until(off) is None
    check_cancellation(off, NOW + DAY)


@pytest.mark.parametrize(
    ("starts_in_h", "moved_by_h", "usable_in_h"),
    [
        (1_000, 0, 48),  # far away: when its person has thought it over
        (72, 0, 24),
        (48, 0, None),
        (10, 0, None),  # booked late, maybe at the door
        (1_000, 100, 1_052),  # moved: they may cancel until it begins, and come a little before
        (10, 30, None),
        (None, 0, None),  # a visit of any day
    ],
)
def test_an_event_far_off_is_not_used_while_its_person_may_cancel(
    starts_in_h, moved_by_h, usable_in_h
):
    booked_for = None if starts_in_h is None else NOW + starts_in_h * HOUR
    starts_at = None if booked_for is None else booked_for + moved_by_h * HOUR
    booking = Standing(True, starts_at, NOW, None, None, None, booked_for)
    if usable_in_h is not None:
        usable_at = NOW + usable_in_h * HOUR
        check_cancellation(booking, usable_at)
        with pytest.raises(RuleBroken, match="can be used from") as broken:
            check_use(booking, usable_at - 2 * HOUR)
        assert (broken.value.rule, broken.value.by["early_s"]) == ("too_early", 7_200)
        assert broken.value.by["usable_at"] == usable_at.isoformat()
    check_use(booking, NOW + (usable_in_h or 0) * HOUR)
    # Goods of a date are handed over at any time.
    check_use(replace(booking, is_event=False), NOW)


def test_so_many_bookings_are_made_in_a_day():
    check_pace(None, NOW)
    check_pace(NOW - DAY, NOW)
    with pytest.raises(RuleBroken, match="the next can be in 3 h") as broken:
        check_pace(NOW - 21 * HOUR, NOW)
    assert broken.value.rule == "bookings_a_day"
    assert broken.value.by == {"most": MOST_A_DAY, "again_at": (NOW + 3 * HOUR).isoformat()}


def test_a_start_is_the_one_that_was_shown():
    check_start(NOW, None)
    check_start(NOW, NOW.astimezone(PARIS))
    with pytest.raises(RuleBroken, match="begins 2026-11-24") as broken:
        check_start(NOW + DAY, NOW)
    assert (broken.value.rule, broken.value.by) == (
        "date_changed",
        {
            "starts_at": "2026-11-24T12:00:00+00:00",
            "expected_starts_at": "2026-11-23T12:00:00+00:00",
        },
    )
    with pytest.raises(RuleBroken, match="no date any more"):
        check_start(None, NOW)


@pytest.mark.parametrize(
    ("used", "cancelled", "reason", "state"),
    [
        (None, None, None, "booked"),
        (NOW, None, None, "used"),
        (None, NOW, "user", "cancelled"),
        (None, NOW, "venue", "cancelled"),
        (None, NOW, None, "cancelled"),
        (None, NOW, "expired", "expired"),
    ],
)
def test_states(used, cancelled, reason, state):
    booking = Standing(False, None, NOW - DAY, used, cancelled, reason, collect_by=NOW + DAY)
    assert state_of(booking) == state
    for check in (lambda: check_cancellation(booking, NOW), lambda: check_use(booking, NOW)):
        if state == "booked":
            check()
        else:
            with pytest.raises(RuleBroken, match=state) as broken:
                check()
            assert broken.value.by == {"state": state}


def policy(**changes):
    kept = {
        "age": 18,
        "amount_cents": 50_000,
        "digital_cap_cents": 20_000,
        "physical_cap_cents": 20_000,
        "offer_limit_cents": 30_000,
        "months": 24,
        "valid_from": NOW - 1_000 * DAY,
        "valid_until": None,
    }
    return Policy(**kept | changes)


BORN = date(2008, 11, 23)
"""Eighteen on the day of `NOW`."""


def test_the_deposit_of_eighteen_lasts_two_years():
    due = due_deposit([policy()], BORN, [], NOW, UTC)
    assert (due.amount_cents, due.granted_at, due.age) == (50_000, NOW, 18)
    assert due.expires_at == datetime(2028, 11, 23, 12, tzinfo=UTC)


def test_months_are_counted_where_the_programme_is():
    first_hour = datetime(2026, 3, 1, 0, 30, tzinfo=PARIS)
    due = due_deposit([policy()], date(2008, 3, 1), [], first_hour.astimezone(UTC), PARIS)
    assert due.expires_at == datetime(2028, 3, 1, 0, 30, tzinfo=PARIS)
    assert (due.granted_at.tzinfo, due.expires_at.tzinfo) == (UTC, UTC)


def test_a_day_that_a_month_lacks_is_its_last():
    days = [(month, 31) for month in (1, 3, 8)] + [(1, 30), (2, 28)]
    later = [months_after(datetime(2026, *day, 9, tzinfo=UTC), 1) for day in days]
    assert [(moment.month, moment.day) for moment in later] == [
        (2, 28), (4, 30), (9, 30), (2, 28), (3, 28)
    ]  # fmt: skip
    assert months_after(datetime(2026, 3, 30, tzinfo=UTC), 24).day == 30


@pytest.mark.parametrize("birth_date", [date(2008, 11, 24), date(2007, 11, 23)])
def test_none_is_due_the_day_before_or_the_year_after(birth_date):
    assert due_deposit([policy()], birth_date, [], NOW, UTC) is None


def test_a_successor_is_a_row():
    end, born = NOW - DAY, BORN - 2 * DAY
    before = policy(valid_until=end)
    after = policy(amount_cents=15_000, digital_cap_cents=None, valid_from=end)
    assert due_deposit([before, after], born, [], NOW, UTC).amount_cents == 15_000
    assert due_deposit([before, after], born, [], end - DAY, UTC).amount_cents == 50_000
    assert due_deposit([before], born, [], NOW, UTC) is None


@pytest.mark.parametrize(
    ("granted", "is_due"),
    [
        ([DEPOSIT], False),
        ([replace(DEPOSIT, expires_at=NOW - DAY)], False),
        ([replace(DEPOSIT, age=17)], True),
        ([replace(DEPOSIT, age=None, granted_at=NOW)], False),
        ([replace(DEPOSIT, age=None, granted_at=NOW, expires_at=NOW)], False),
        ([replace(DEPOSIT, age=None, granted_at=NOW - DAY)], True),
    ],
)
def test_one_deposit_an_age(granted, is_due):
    assert bool(due_deposit([policy()], BORN, granted, NOW, UTC)) is is_due


@pytest.mark.parametrize("birthday", ["2026-07-14", "2026-11-14"])
@pytest.mark.parametrize(
    ("granted_after_h", "is_due"), [(-0.01, True), (0, False), (0.99, False), (1.99, False)]
)
def test_a_birthday_begins_at_midnight_of_the_programme(birthday, granted_after_h, is_due):
    """Midnight in Paris is 22:00 or 23:00 of the day before in UTC."""
    midnight = datetime.fromisoformat(birthday).replace(tzinfo=PARIS)
    granted_at = (midnight + granted_after_h * HOUR).astimezone(UTC)
    granted = [replace(DEPOSIT, age=None, granted_at=granted_at)]
    born = midnight.date().replace(year=2008)
    assert bool(due_deposit([policy()], born, granted, midnight + DAY, PARIS)) is is_due
    first = [replace(DEPOSIT, age=17)]
    assert due_deposit([policy()], born, first, midnight.astimezone(UTC), PARIS).age == 18
    assert due_deposit([policy()], born, first, midnight - HOUR, PARIS) is None


def test_what_is_left_before_during_and_after():
    spent = Spent(12_345, 5_000, 25_000)
    left = credit_left(DEPOSIT, spent, NOW)
    assert left == Credit(37_655, 15_000, 0, 30_000)
    assert left.limit_cents("none") == 30_000
    assert left.limit_cents("digital") == 15_000
    assert Credit(None, None, None).limit_cents("digital") is None
    # Data of elsewhere may know of more bookings than the deposit pays.
    assert credit_left(DEPOSIT, Spent(50_100, 20_100), NOW) == Credit(0, 0, 20_000, 30_000)
    assert credit_left(DEPOSIT, spent, DEPOSIT.granted_at - HOUR) == EMPTY
    assert credit_left(DEPOSIT, spent, DEPOSIT.expires_at) == EMPTY
