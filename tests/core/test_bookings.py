"""Bookings over a real database: what is written, what is given back, what a retry gets."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import get_args
from uuid import uuid4

import psycopg
import pytest
from worlds import NOW
from worlds import book as booked_before

from reco.core.accounts import read_credit
from reco.core.booking_records import read_bookings
from reco.core.booking_rules import MOST_A_DAY, State
from reco.core.bookings import Order, book, cancel, use
from reco.core.expiry import expire
from reco.core.idempotency import MOST_AN_HOUR, MOST_KEPT
from reco.errors import InvalidInput, NotFound, RuleBroken, TooMany

FILM = Order("reader", "film-tonight")
DAY = timedelta(days=1)


def left(connection, user="reader", now=NOW):
    return read_credit(connection, user, now).left_cents


def live(connection, stock):
    return connection.execute(
        "select count(*) from core.booking b join core.stock t on t.id = b.stock_id"
        " where t.external_id = %s and b.cancelled_at is null",
        (stock,),
    ).fetchone()[0]


def ledger(connection, user="reader"):
    return connection.execute(
        "select l.kind, l.amount_cents, l.actor from core.ledger l"
        " join core.beneficiary u on u.id = l.user_id where u.external_id = %s order by l.id",
        (user,),
    ).fetchall()


def test_a_booking_takes_a_place_and_its_price(small):
    slate_id = uuid4()
    booking = book(small, replace(FILM, slate_id=slate_id), "k1", NOW)
    assert (booking.state, booking.amount_cents, booking.booked_at) == ("booked", 700, NOW)
    assert (booking.item_id, booking.category, booking.venue.venue_id) == (
        "film",
        "CINEMA",
        "cinema",
    )
    # It begins in 7.2 hours: booked late, it can only be given up at once.
    assert booking.cancellable_until == NOW
    assert booking.collect_by is None
    assert left(small) == 30_000 - 1_500 - 700
    kept = small.execute("select slate_id from core.booking where id = %s", (booking.booking_id,))
    assert kept.fetchone() == (slate_id,)
    assert ledger(small)[-1] == ("booking", -700, "user")


def test_a_cancelled_booking_gives_money_and_place_back(small):
    order = Order("reader", "classic-soon")
    booking = book(small, order, "k1", NOW)
    before = left(small)
    for _ in range(2):
        cancelled = cancel(small, booking.booking_id, "reader", NOW + DAY)
        assert (cancelled.state, cancelled.cancel_reason) == ("cancelled", "user")
        assert cancelled.cancelled_at == NOW + DAY
    assert left(small) == before + 700
    assert live(small, "classic-soon") == 0
    assert ledger(small)[-1] == ("refund", 700, "user")
    again = book(small, order, "k2", NOW + DAY)
    assert again.booking_id != booking.booking_id


def test_a_stock_may_be_booked_again_within_the_same_tick_of_the_clock(small):
    order = Order("reader", "classic-soon")
    first = book(small, order, "k1", NOW)
    cancel(small, first.booking_id, "reader", NOW)
    second = book(small, order, "k2", NOW)
    assert second.booked_at == NOW + timedelta(microseconds=1)


def test_an_event_that_was_moved_may_be_cancelled_until_it_begins(small):
    booked_at, begins = NOW, NOW + 20 * DAY
    move = "update core.stock set starts_at = %s where external_id = 'play-friday'"
    booking = book(small, Order("reader", "play-friday"), "k", booked_at)
    before = booking.starts_at
    late = booked_at + 3 * DAY
    with pytest.raises(RuleBroken, match="could be cancelled until"):
        cancel(small, booking.booking_id, "reader", late)
    small.execute(move, (begins,))
    (seen,) = (b for b in read_bookings(small, "reader").bookings if b.stock_id == "play-friday")
    assert (seen.cancellable_until, seen.booked_for) == (begins, before)
    with pytest.raises(RuleBroken, match="could be cancelled until"):
        cancel(small, booking.booking_id, "reader", begins + DAY)
    # Moved back it is what was booked.
    small.execute(move, (before,))
    with pytest.raises(RuleBroken, match="could be cancelled until"):
        cancel(small, booking.booking_id, "reader", late)
    small.execute(move, (begins,))
    assert cancel(small, booking.booking_id, "reader", late).state == "cancelled"
    # Who books it now, books the new date.
    again = book(small, Order("reader", "play-friday"), "again", late)
    assert again.cancellable_until == late + 2 * DAY


def test_too_late_to_cancel_is_told(small):
    booking = book(small, FILM, "k1", NOW)
    with pytest.raises(RuleBroken, match="1 h ago") as broken:
        cancel(small, booking.booking_id, "reader", NOW + timedelta(hours=1))
    assert broken.value.rule == "cancellation_closed"
    assert live(small, "film-tonight") == 1


def test_anothers_booking_is_not_found(small):
    booking = book(small, FILM, "k1", NOW)
    with pytest.raises(NotFound):
        cancel(small, booking.booking_id, "villager", NOW)
    for odd in ("nothing", "-1", "²", str(2**80), ""):
        with pytest.raises(NotFound):
            cancel(small, odd, None, NOW)
    assert live(small, "film-tonight") == 1


def test_a_used_booking_stays_used(small):
    booking = book(small, FILM, "k1", NOW)
    for later in (DAY, 2 * DAY):
        used = use(small, booking.booking_id, None, NOW + later)
        assert (used.state, used.used_at) == ("used", NOW + DAY)
    with pytest.raises(RuleBroken, match="is used"):
        cancel(small, booking.booking_id, None, NOW)


def test_an_event_far_off_is_used_once_its_person_can_no_longer_cancel(small):
    booking = book(small, Order("reader", "play-friday"), "k1", NOW)
    with pytest.raises(RuleBroken) as broken:
        use(small, booking.booking_id, None, NOW + DAY)
    assert broken.value.by["usable_at"] == booking.cancellable_until.isoformat()
    assert use(small, booking.booking_id, None, booking.cancellable_until).state == "used"


def test_a_cancelled_booking_cannot_be_used(small):
    booking = book(small, FILM, "k1", NOW)
    cancel(small, booking.booking_id, None, NOW)
    with pytest.raises(RuleBroken, match="is cancelled"):
        use(small, booking.booking_id, None, NOW)


def test_one_live_booking_an_offer(small):
    small.execute(
        "insert into core.stock (external_id, offer_id, price_cents, starts_at)"
        " select 'film-later', offer_id, 700, starts_at + interval '1 day'"
        " from core.stock where external_id = 'film-tonight'"
    )
    book(small, FILM, "k1", NOW)
    with pytest.raises(RuleBroken) as broken:
        book(small, Order("reader", "film-later"), "k2", NOW)
    assert broken.value.rule == "one_booking_an_offer"


def test_who_books_and_cancels_in_turns_comes_to_an_end(small):
    for number in range(1, MOST_A_DAY):
        booked_at = NOW - timedelta(seconds=number)
        booked_before(small, "free", "fair-village", booked_at, cancelled_at=NOW)
    made = book(small, Order("free", "fair-village"), "k", NOW)
    cancel(small, made.booking_id, "free", NOW)
    over = NOW + DAY - timedelta(seconds=MOST_A_DAY - 1)
    with pytest.raises(RuleBroken) as broken:
        book(small, Order("free", "fair-village"), "one more", over - timedelta(seconds=1))
    assert (broken.value.rule, broken.value.by["most"]) == ("bookings_a_day", MOST_A_DAY)
    assert book(small, Order("villager", "fair-village"), "k", NOW).state == "booked"
    assert book(small, Order("free", "fair-village"), "tomorrow", over).state == "booked"


def test_a_duo_takes_two_places(small):
    small.execute("update core.offer set is_duo = true where external_id = 'film-tonight'")
    assert book(small, replace(FILM, quantity=2), "k1", NOW).amount_cents == 1_400
    with pytest.raises(RuleBroken) as broken:
        book(small, Order("villager", "film-tonight"), "k2", NOW)
    assert (broken.value.rule, broken.value.by["left"]) == ("sold_out", 0)


@pytest.mark.parametrize(
    ("user", "stock", "rule", "short_cents"),
    [
        ("reader", "opera-dear", "credit", 32_000 + 1_500 - 30_000),
        ("broke", "film-tonight", "credit", 700),
        ("free", "film-tonight", "no_deposit", 700),
        ("reader", "ebook-online", None, None),
    ],
)
def test_money_is_judged_by_the_deposit(small, user, stock, rule, short_cents):
    order = Order(user, stock)
    if rule is None:
        assert book(small, order, "k", NOW).amount_cents == 500
        return
    with pytest.raises(RuleBroken) as broken:
        book(small, order, "k", NOW)
    assert (broken.value.rule, broken.value.by["short_cents"]) == (rule, short_cents)


def test_a_cap_counts_its_own_goods_alone(small):
    book(small, Order("reader", "film-tonight"), "k1", NOW)
    book(small, Order("reader", "ebook-online"), "k2", NOW)
    caps = {cap.kind: cap for cap in read_credit(small, "reader", NOW).caps}
    assert (caps["digital"].spent_cents, caps["digital"].left_cents) == (500, 0)
    assert (caps["physical"].spent_cents, caps["physical"].left_cents) == (1_500, 18_500)


def test_bookings_of_a_clock_ahead_count(small):
    """Another machine's clock may be a little ahead: what it booked is spent all the same."""
    booked_before(small, "reader", "play-friday", NOW + timedelta(seconds=30), 290.0)
    with pytest.raises(RuleBroken) as broken:
        book(small, FILM, "k1", NOW)
    assert broken.value.rule == "credit"


def test_by_a_clock_behind_nothing_is_undone_nor_used_before_it_was_booked(small):
    before = NOW - timedelta(seconds=1)
    novel, film = (
        book(small, Order("villager", stock), stock, NOW)
        for stock in ("novel-shop", "film-tonight")
    )
    assert cancel(small, film.booking_id, "villager", before).cancelled_at == NOW
    assert use(small, novel.booking_id, None, before).used_at == NOW


def test_a_stock_that_is_put_on_sale_after_its_offer_is_not_bookable_before(small):
    begins = NOW + timedelta(hours=1)
    small.execute(
        "update core.stock set created_at = %s where external_id = 'play-friday'", (begins,)
    )
    with pytest.raises(RuleBroken) as broken:
        book(small, Order("reader", "play-friday"), "k1", NOW)
    assert (broken.value.rule, broken.value.by["early_s"]) == ("not_yet_published", 3_600)
    assert book(small, Order("reader", "play-friday"), "k2", begins).state == "booked"


def test_the_same_key_gets_the_same_answer(small):
    first = book(small, FILM, "k1", NOW)
    cancel(small, first.booking_id, "reader", NOW)
    assert book(small, FILM, "k1", NOW + DAY) == first
    assert live(small, "film-tonight") == 0


def test_a_refusal_is_remembered_too(small):
    for _ in range(2):
        with pytest.raises(RuleBroken) as broken:
            book(small, Order("broke", "film-tonight"), "k1", NOW)
        assert (broken.value.rule, broken.value.by["short_cents"]) == ("credit", 700)
        small.execute("update core.deposit set amount_cents = 50000")
    assert book(small, Order("broke", "film-tonight"), "k2", NOW).state == "booked"


def test_a_key_is_for_one_request(small):
    book(small, FILM, "k1", NOW)
    starts_at = NOW + timedelta(hours=7.2)
    for other in (
        Order("reader", "play-friday"),
        replace(FILM, quantity=2),
        replace(FILM, expected_cents=700),
        replace(FILM, expected_starts_at=starts_at),
    ):
        with pytest.raises(InvalidInput, match="another request"):
            book(small, other, "k1", NOW)
    # Keys are each user's own.
    assert book(small, Order("villager", "film-tonight"), "k1", NOW).user_id == "villager"
    for bad in ("", "x" * 201):
        with pytest.raises(InvalidInput, match="Idempotency-Key"):
            book(small, FILM, bad, NOW)


def test_what_was_not_understood_is_not_remembered(small):
    with pytest.raises(NotFound, match="stock"):
        book(small, Order("reader", "soon-there"), "k1", NOW)
    with pytest.raises(NotFound, match="user"):
        book(small, Order("nobody", "film-tonight"), "k1", NOW)
    with pytest.raises(InvalidInput, match="quantity"):
        book(small, replace(FILM, quantity=3), "k1", NOW)
    assert book(small, FILM, "k1", NOW).state == "booked"


def test_the_last_place_is_told_to_those_who_listen(world, small):
    with psycopg.connect(world.conninfo, autocommit=True) as listener:
        listener.execute("listen core_change")

        def notices():
            # The server sends what is waiting with the answer to anything.
            listener.execute("select 1")
            return len(list(listener.notifies(timeout=0)))

        heard = []
        for user in ("reader", "villager"):
            book(small, Order(user, "film-tonight"), "k", NOW)
            heard.append(notices())
        booking = read_bookings(small, "villager").bookings[0]
        cancel(small, booking.booking_id, None, NOW)
        heard.append(notices())
        book(small, Order("reader", "manga-shop"), "goods", NOW)
        assert expire(small, NOW + 10 * DAY).bookings == 1
        heard.append(notices())
    # One place was left after the first, none after the second, one again after that; goods that
    # nobody collected are to be had again.
    assert heard == [0, 1, 1, 1]


def test_uncollected_goods_expire_once(small):
    novel = book(small, Order("villager", "novel-shop"), "k1", NOW)
    film = book(small, Order("villager", "film-tonight"), "k2", NOW)
    assert novel.collect_by == NOW + 10 * DAY
    assert expire(small, NOW + 10 * DAY - timedelta(seconds=1)).bookings == 0
    done = expire(small, NOW + 10 * DAY)
    assert (done.bookings, done.refunded_cents) == (1, 1_500)
    assert expire(small, NOW + 10 * DAY).bookings == 0
    states = {b.booking_id: b.state for b in read_bookings(small, "villager").bookings}
    assert states == {novel.booking_id: "expired", film.booking_id: "booked"}
    assert left(small, "villager", NOW + 10 * DAY) == 30_000 - 700
    assert ledger(small, "villager")[-1] == ("refund", 1_500, "expiry")
    with pytest.raises(RuleBroken, match="is expired"):
        use(small, novel.booking_id, None, NOW + 11 * DAY)


def test_many_expire_in_batches_and_nobody_is_waited_for(world, small, monkeypatch):
    monkeypatch.setattr("reco.core.expiry._BATCH", 1)
    novel, *_ = (
        book(small, Order("villager", stock), stock, NOW)
        for stock in ("novel-shop", "manga-shop", "ebook-online")
    )
    small.execute("set lock_timeout = '2s'")
    with psycopg.connect(world.conninfo) as holder:
        holder.execute("select from core.booking where id = %s for update", (novel.booking_id,))
        assert expire(small, NOW + 30 * DAY).bookings == 2
    assert expire(small, NOW + 30 * DAY).bookings == 1


def test_what_is_used_or_was_imported_does_not_expire(small):
    novel = book(small, Order("villager", "novel-shop"), "k1", NOW)
    use(small, novel.booking_id, None, NOW + DAY)
    assert expire(small, NOW + 1_000 * DAY).bookings == 0
    assert live(small, "novel-shop") == 2


def test_a_visit_of_any_day_expires_like_goods_and_what_was_imported_stands(small):
    small.execute("update core.stock set starts_at = null where external_id = 'fair-village'")
    visit = book(small, Order("reader", "fair-village"), "k1", NOW)
    assert (visit.collect_by, visit.cancellable_until) == (NOW + 30 * DAY, None)
    booked_before(small, "villager", "fair-village", NOW)
    (imported,) = read_bookings(small, "villager").bookings
    assert imported.cancellable_until == NOW
    with pytest.raises(RuleBroken, match="booked elsewhere"):
        cancel(small, imported.booking_id, "villager", NOW)
    assert expire(small, NOW + 30 * DAY).bookings == 1
    assert [b.state for b in read_bookings(small, "villager").bookings] == ["booked"]


@pytest.mark.parametrize("kind", ["SPECTACLE_REPRESENTATION", None])
def test_what_was_given_a_date_since_it_was_booked_does_not_expire_before_it(small, kind):
    """Also of a work of no known kind, which a date makes an event."""
    small.execute(
        "update core.item set subcategory_id = (select id from core.subcategory where name = %s)"
        " where external_id = 'fair'",
        (kind,),
    )
    date = "update core.stock set starts_at = %s where external_id = 'fair-village'"
    small.execute(date, (None,))
    visit = book(small, Order("reader", "fair-village"), "k1", NOW)
    begins = NOW + 90 * DAY
    small.execute(date, (begins,))
    assert expire(small, NOW + 31 * DAY).bookings == 0
    # Nobody pays for a day on which they cannot come.
    told = read_bookings(small, "reader").bookings[0]
    assert (told.cancellable_until, told.collect_by) == (begins, None)
    assert cancel(small, visit.booking_id, "reader", NOW + 31 * DAY).state == "cancelled"


def test_old_answers_are_forgotten(small):
    book(small, FILM, "k1", NOW)
    assert expire(small, NOW + 30 * DAY).forgotten_answers == 0
    assert expire(small, NOW + 31 * DAY).forgotten_answers == 1


def test_refusals_are_not_remembered_without_end(small):
    def remember(keys, at):
        small.execute(
            "insert into core.idempotent_request (user_id, key, fingerprint, answer, at)"
            " select u.id, %s || n, '', '{}', %s from core.beneficiary u,"
            " generate_series(1, %s) n where u.external_id = 'broke'",
            (str(at), at, keys),
        )

    def refuse(key, now=NOW):
        return book(small, Order("broke", "film-tonight"), key, now)

    remember(MOST_AN_HOUR - 1, NOW)
    with pytest.raises(RuleBroken) as refused:
        refuse("last")
    with pytest.raises(TooMany, match="More than 200 bookings"):
        refuse("one more")
    # What is kept is answered, and what can be done is done; so is what others ask.
    with pytest.raises(RuleBroken, match=re.escape(str(refused.value))):
        refuse("last")
    assert book(small, Order("broke", "fair-village"), "free", NOW).state == "booked"
    with pytest.raises(RuleBroken):
        book(small, replace(FILM, expected_cents=1), "another's", NOW)
    with pytest.raises(RuleBroken):
        refuse("after an hour", NOW + timedelta(hours=1))
    remember(MOST_KEPT, NOW - DAY)
    with pytest.raises(TooMany):
        refuse("after another", NOW + timedelta(hours=2))


def test_bookings_come_in_pages_without_a_repeat_or_a_gap(small):
    for number, stock in enumerate(("film-village", "classic-soon", "manga-shop", "play-friday")):
        booked_before(small, "villager", stock, NOW - number * DAY)
    booked_before(small, "villager", "film-tonight", NOW - DAY, cancelled_at=NOW)
    seen, before = [], None
    while True:
        page = read_bookings(small, "villager", n=2, before=before)
        seen += page.bookings
        # Newer ones come on the first page only.
        booked_before(small, "villager", "ebook-online", NOW + len(seen) * DAY)
        before = page.last
        if before is None:
            break
    assert [b.stock_id for b in seen] == [
        "film-village",
        "film-tonight",
        "classic-soon",
        "manga-shop",
        "play-friday",
    ]
    with pytest.raises(InvalidInput, match="state"):
        read_bookings(small, "villager", state="lost")
    with pytest.raises(NotFound):
        read_bookings(small, "nobody")


def test_bookings_of_a_state_are_those_and_no_others(small):
    stocks = ("film-tonight", "play-friday", "novel-shop", "manga-shop")
    _, play, _, manga = (
        book(small, Order("villager", stock), stock, NOW).booking_id for stock in stocks
    )
    cancel(small, play, "villager", NOW)
    use(small, manga, None, NOW)
    expire(small, NOW + 10 * DAY)
    found = {
        state: [b.stock_id for b in read_bookings(small, "villager", state=state).bookings]
        for state in get_args(State)
    }
    assert found == {
        "booked": ["film-tonight"],
        "used": ["manga-shop"],
        "cancelled": ["play-friday"],
        "expired": ["novel-shop"],
    }
    for booking in read_bookings(small, "villager").bookings:
        assert booking.stock_id in found[booking.state]
