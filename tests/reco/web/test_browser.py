"""The page in a real browser, over the small world: gauge, booking, cancelling, on a phone too."""

import contextlib
import socket
import threading
from collections import Counter
from datetime import timedelta

import psycopg
import pytest
import uvicorn
from starlette.responses import Response
from webdriver import MISSING, WIDE, browsing
from worlds import GRENOBLE, NOW, small_world

from reco.api.app import create_app
from reco.api.tokens import issue_token
from reco.core.accounts import account_number
from reco.settings import Settings
from reco.worker import Worker

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}")

ENTER, ESCAPE, END, HOME = "\ue007", "\ue00c", "\ue010", "\ue011"
SECRET = "a secret of at least thirty-two bytes"
CARD = ".card[data-offer='{}']"
SETTLED = "document.querySelector('#agenda[aria-busy=false]')"
LEFT = "document.querySelector('.deposit strong')?.textContent === args[0]"
BOOKED = "[...document.querySelectorAll('.line h3')].some(title => title.textContent === args[0])"


class Losing:
    """The application behind a proxy that loses answers: what was asked is done, and not told.

    Or that does not reach it for a while.
    """

    def __init__(self, worker):
        self.app = create_app(worker, clock=lambda: self.now, with_demo=True)
        self.now = NOW
        self.lost = 0
        """How many answers to bookings are still to be lost."""
        self.keys = []
        """The keys of all attempts."""
        self.away = Counter()
        """By path, how many are still to be asked of a service that is away."""
        self.retry_after_s = 1

    async def __call__(self, scope, receive, send):
        path = scope.get("path")
        if self.away[path]:
            self.away[path] -= 1
            later = {"Retry-After": str(self.retry_after_s)}
            return await Response(status_code=503, headers=later)(scope, receive, send)
        if scope["type"] != "http" or (scope["method"], path) != ("POST", "/v1/bookings"):
            return await self.app(scope, receive, send)
        self.keys.append(dict(scope["headers"])[b"idempotency-key"])
        if not self.lost:
            return await self.app(scope, receive, send)
        self.lost -= 1
        await self.app(scope, receive, _unheard)
        return await Response(status_code=503)(scope, receive, send)


async def _unheard(message):
    pass


@contextlib.contextmanager
def served(app):
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    serving.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        server.should_exit = True
        serving.join()


@pytest.fixture(scope="module")
def database(new_world):
    world = new_world()
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
        connection.world = world
        yield connection


@pytest.fixture(scope="module")
def proxy(database):
    worker = Worker(Settings(home=database.world.folder), database.world, SECRET, lambda: NOW)
    return Losing(worker)


@pytest.fixture(scope="module")
def address(proxy):
    with served(proxy) as address:
        yield address


@pytest.fixture(scope="module")
def wide_database(new_world):
    """Beside the small world many free books, which `reader` knows, and few dear concerts."""
    world = new_world()
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
        connection.execute("insert into core.category (name) values ('MUSIQUE_LIVE')")
        for number in range(40):
            kind, category = ("hall", "MUSIQUE_LIVE") if number >= 30 else ("bookshop", "LIVRE")
            add_offer(connection, f"more{number}", category, kind, 40_00 if kind == "hall" else 0)
        connection.world = world
        yield connection


@pytest.fixture(scope="module")
def wide_proxy(wide_database):
    """Its floor is one that the dial has no place for."""
    world = wide_database.world
    return Losing(Worker(Settings(home=world.folder, floor=0.505), world, SECRET, lambda: NOW))


@pytest.fixture(scope="module")
def wide_address(wide_proxy):
    with served(wide_proxy) as address:
        yield address


def add_offer(connection, name, category, kind, price_cents):
    """Add an undated offer at a venue of its own, three of it."""
    connection.execute(
        "insert into core.venue (external_id, name, venue_type, location) values"
        " (%s, %s, %s, st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
        (name, name, kind, *GRENOBLE),
    )
    connection.execute(
        "insert into core.item (external_id, title, category_id)"
        " select %s, %s, id from core.category where name = %s",
        (name, name, category),
    )
    connection.execute(
        "insert into core.offer (external_id, item_id, venue_id) select %s, i.id, v.id"
        " from core.item i, core.venue v where i.external_id = %s and v.external_id = %s",
        (name, name, name),
    )
    connection.execute(
        "insert into core.stock (external_id, offer_id, price_cents, quantity)"
        " select %s, id, %s, 3 from core.offer where external_id = %s",
        (name, price_cents, name),
    )


@pytest.fixture(scope="module")
def window():
    with browsing("en") as browser:
        yield browser


@pytest.fixture
def page(window, address, database):
    """The page at desk width, looking at `reader`, who has 285 € left."""
    database.execute("delete from core.booking where booked_at >= %s", (NOW,))
    window.resize(1280, 900)
    window.open(address)
    look_at(window, "reader")
    assert window.run(LEFT, "€285")
    return window


def look_at(browser, user, database=None):
    """Choose a person, with a database also one whom the list has not: as who has just left it."""
    browser.wait(SETTLED)
    if database:
        token = issue_token(user, account_number(database, user), SECRET, NOW).token
        browser.run("sessionStorage.setItem('token', args[0])", token)
    browser.run(
        "(person => { person.add(new Option(args[0], args[0])); person.value = args[0];"
        " person.dispatchEvent(new Event('change')); })(document.getElementById('person'))",
        user,
    )
    browser.wait(SETTLED)


def choose(browser, field, value):
    browser.run(
        "(field => { field.value = args[1];"
        " field.dispatchEvent(new Event('change', {bubbles: true})); })"
        "(document.querySelector(args[0]))",
        field,
        value,
    )


def book(browser, offer):
    browser.click(f"{CARD.format(offer)} .primary")
    browser.click(f"{CARD.format(offer)} .booking button.primary")


def cancel(browser):
    """Give up the first booking of the list, what is told read and put away."""
    browser.click("#close-notice")
    browser.click(".line .actions button")
    browser.click(".line .actions button.risky")


def test_book_and_cancel(page):
    card = CARD.format("play-friday")
    book(page, "play-friday")
    page.wait("!document.querySelector(args[0])", card)
    page.wait(LEFT, "€273")
    page.wait(BOOKED, "Play")
    told = page.run("document.querySelector('#notice p').textContent")
    assert told.startswith("Booked: Play, Fri, Nov 27")
    assert "€12. It can be cancelled until Wed, Nov 25" in told
    # Focus went to what took the card's place.
    assert page.run("document.activeElement.matches('.card h3')")
    cancel(page)
    page.wait(LEFT, "€285")
    page.wait("document.querySelector(args[0])", card)
    assert not page.run(BOOKED, "Play")
    assert page.run("document.querySelector('#notice p').textContent") == (
        "Cancelled: Play. Given back: €12."
    )


@contextlib.contextmanager
def session_of_the_play(database, stock, starts_at):
    """Another session of Friday's play, for 15 euros, as long as it lasts."""
    database.execute(
        "insert into core.stock (external_id, offer_id, price_cents, starts_at)"
        " select %s, id, 1500, %s from core.offer where external_id = 'play-friday'",
        (stock, starts_at),
    )
    try:
        yield
    finally:
        database.execute("delete from core.stock where external_id = %s", (stock,))


TERMS = "document.querySelector('.booking [role=status]')"


def test_before_it_is_booked_it_is_told_whether_it_can_be_cancelled(page, database):
    with session_of_the_play(database, "premiere", NOW + timedelta(hours=47)):
        choose(page, "#filters [name=max_price_eur]", "50")
        page.wait(SETTLED)
    for offer, words in (
        ("film-tonight", "An event so near cannot be cancelled once it is booked."),
        ("manga-shop", "It can be cancelled."),
        ("play-friday", "An event so near cannot be cancelled once it is booked."),
    ):
        page.click(f"{CARD.format(offer)} .primary")
        assert page.run(f"{TERMS}.textContent") == words
        # Of the button that books it is told as well.
        described = "document.querySelector('.booking .primary').getAttribute('aria-describedby')"
        assert page.run(f"document.getElementById({described}) === {TERMS}")
        if offer != "play-friday":
            page.click(f"{CARD.format(offer)} .primary")
    page.press(".booking [value=play-friday]", " ")
    until = page.run(f"{TERMS}.textContent")
    assert until.startswith("It can be cancelled until Wed, Nov 25")
    for width in (320, 160):
        page.resize(width, 640)
        assert page.run(WIDE) == []
    page.resize(1280, 900)
    page.click(f"{CARD.format('play-friday')} .booking button.primary")
    page.wait(BOOKED, "Play")
    # The same is told of it once it is booked.
    assert until in page.run("document.querySelector('#notice p').textContent")
    cancel(page)
    page.wait(LEFT, "€285")


def test_what_is_kept_is_told_by_the_services_clock_and_once(page, proxy, database):
    keep = f"{CARD.format('play-friday')} .actions button:nth-child(2)"
    proxy.away["/v1/interactions"] = 1
    page.click(keep)
    page.wait("document.querySelector('#notice p').textContent.includes('does not answer')")
    assert page.run("document.querySelector(args[0]).textContent", keep) == "Keep"
    page.run("[1, 2].forEach(() => document.querySelector(args[0]).click())", keep)
    page.wait(
        "document.querySelector(args[0]).textContent.includes('Kept')", CARD.format("play-friday")
    )
    told = "select at from core.interaction where kind = 'favourite'"
    ((at,),) = database.execute(told).fetchall()
    # Not the moment in which it arrived, and not what the reader's clock says.
    assert timedelta() < at - NOW < timedelta(minutes=5)


def test_the_page_stays_with_the_person_when_it_is_loaded_anew(page, proxy, address, database):
    look_at(page, "late", database)
    proxy.away["/texts.json"] = 1
    page.open(address)
    page.wait("document.body.innerText.includes('The agenda does not answer.')")
    page.click("[lang=en] a")
    page.wait(SETTLED)
    assert page.run("document.getElementById('person').value") == "late"
    # Somebody else is shown to whom has no token of somebody who is not listed.
    page.run("sessionStorage.removeItem('token')")
    page.open(address)
    page.wait(SETTLED)
    assert page.run("document.getElementById('person').value") == "reader"


def test_an_answer_that_is_lost_is_asked_for_again_and_booked_once(page, proxy, database):
    proxy.lost, proxy.keys[:] = 1, []
    book(page, "manga-shop")
    page.wait("document.querySelector('.told')?.textContent.includes('same request goes out')")
    page.wait(LEFT, "€277")
    assert len(proxy.keys) == 2
    assert len(set(proxy.keys)) == 1
    live = "select count(*) from core.booking b join core.stock s on s.id = b.stock_id"
    live += " where s.external_id = 'manga-shop' and b.cancelled_at is null"
    assert database.execute(live).fetchone() == (1,)
    page.wait(BOOKED, "Manga")
    cancel(page)
    page.wait(LEFT, "€285")


TIMERS = """(() => {
  const [set, clear] = [setTimeout, clearTimeout];
  window.timers = new Set();
  window.setTimeout = (work, ms) => {
    const timer = set(work, ms);
    // The browser's driver has timers of its own.
    if (ms === 600_000) timers.add(timer);
    return timer;
  };
  window.clearTimeout = (timer) => { timers.delete(timer); clear(timer); };
})()"""


def test_while_nobody_answers_one_request_waits_however_often_a_filter_is_changed(page, proxy):
    page.run(TIMERS)
    proxy.away["/v1/feed"], proxy.retry_after_s = 3, 600
    for price in ("10", "20", "50"):
        choose(page, "#filters [name=max_price_eur]", price)
        page.wait(SETTLED)
    assert not proxy.away.total()
    assert page.run("timers.size") == 1
    page.click("#status button")
    page.wait(SETTLED)
    assert page.run("timers.size") == 0
    assert "ideas within" in page.run("document.getElementById('status').textContent")


def test_a_page_that_does_not_come_is_asked_for_again_and_what_was_read_stays(
    window, wide_address, wide_proxy
):
    window.resize(1280, 900)
    window.open(wide_address)
    look_at(window, "reader")
    works = "[...document.querySelectorAll('.card')].map(card => card.dataset.offer)"
    read = set(window.run(works))
    wide_proxy.away["/v1/feed"], wide_proxy.retry_after_s = 1, 1
    window.click("#more")
    window.wait(f"{works}.length > args[0]", len(read))
    assert not wide_proxy.away.total()
    assert read < set(window.run(works))


def test_that_nobody_answers_is_told_in_words_and_where_it_is_seen(wide, wide_proxy):
    wide.resize(390, 844)
    status = "document.getElementById('status').textContent"
    wide.run("document.getElementById('more').scrollIntoView({block: 'end'})")
    wide_proxy.away["/v1/feed"], wide_proxy.retry_after_s = 1, 2
    read = wide.run(WORKS)
    wide.run("document.getElementById('more').click()")
    wide.wait(f"{NOTICE} === 'The agenda does not answer.'")
    assert wide.run(status) == "The agenda does not answer. Try again"
    # It is asked again, and answers; then that is no longer told.
    wide.wait(f"{WORKS}.length > args[0]", len(read))
    wide.wait(f"!{NOTICE}")
    assert "ideas within" in wide.run(status)
    # Where the head of the list is on the screen it is told there alone.
    wide_proxy.away["/v1/feed"] = 1
    wide.run("document.getElementById('status').scrollIntoView({block: 'center'})")
    choose(wide, "#filters [name=max_price_eur]", "50")
    wide.wait(f"{status} === 'The agenda does not answer. Try again'")
    assert not wide.run(NOTICE)


def test_who_asks_for_more_goes_on_where_the_list_ended(wide):
    read = wide.run(WORKS)
    top = "document.querySelector(args[0]).getBoundingClientRect().top"
    while wide.run("!document.getElementById('more').hidden"):
        wide.run("document.getElementById('more').scrollIntoView({block: 'end'})")
        ended = CARD.format(wide.run(WORKS)[-1])
        stood = wide.run(top, ended)
        wide.press("#more", ENTER)
        wide.wait(f"{WORKS}.length > args[0]", len(read))
        wide.wait(SETTLED)
        now = wide.run(WORKS)
        # It follows what was the last, which is where it was unless there is no room.
        assert wide.run(f"{AT}.dataset.offer") not in read
        assert wide.run(f"{AT}.dataset.offer") == now[now.index(read[-1]) + 1]
        assert wide.run(SEEN)
        assert wide.run(top, ended) <= stood + 1.0
        read = now


def test_a_page_that_is_asked_for_twice_comes_once(window, wide_address):
    window.open(wide_address)
    look_at(window, "reader")
    works = "[...document.querySelectorAll('.card')].map(card => card.dataset.offer)"
    read = window.run(works)
    window.run("document.getElementById('more').click() ?? document.getElementById('more').click()")
    window.wait(SETTLED)
    shown = window.run(works)
    assert len(set(shown)) == len(shown) > len(read)


def for_two(database, whether):
    """Say whether the film is for two."""
    change = "update core.offer set is_duo = %s where external_id = 'film-tonight'"
    database.execute(change, (whether,))


def test_an_offer_for_one_cannot_be_chosen_for_two(page):
    page.click(f"{CARD.format('film-tonight')} .primary")
    assert page.run("document.querySelector('.booking [value=\"2\"]').disabled")


def test_a_card_says_how_many_sessions_there_are_beside_those_that_it_has(page, database):
    database.execute(
        "insert into core.stock (external_id, offer_id, price_cents, starts_at)"
        " select 'play ' || n, id, 1500, %s + n * interval '1 day'"
        " from core.offer, generate_series(6, 25) n where external_id = 'play-friday'",
        (NOW,),
    )
    try:
        choose(page, "#filters [name=to]", "2026-12-31")
        page.wait(SETTLED)
    finally:
        database.execute("delete from core.stock where external_id like 'play %'")
    card = page.run("document.querySelector(args[0]).textContent", CARD.format("play-friday"))
    assert "+ 20 more dates" in card


def test_a_refusal_is_told_in_the_readers_language_and_a_new_attempt_has_a_new_key(
    page, proxy, database
):
    proxy.keys.clear()
    for_two(database, True)
    page.click("#language")
    page.wait(SETTLED)
    film = CARD.format("film-tonight")
    page.click(f"{film} .primary")
    page.click(f"{film} .booking [name=quantity][value='2']")
    # Since it was shown, it has come to be for one.
    for_two(database, False)
    assert page.run("document.querySelector('.booking .primary').textContent") == (
        "Réserver pour 14\N{NO-BREAK SPACE}€"
    )
    page.click(f"{film} .booking button.primary")
    page.wait("document.querySelector('.told')?.textContent.includes('pas pour deux')")
    # Two can no longer be chosen; one is.
    page.wait("document.querySelector('.booking .primary').textContent.includes('7')")
    assert page.run("document.querySelector('.booking [value=\"2\"]').disabled")
    page.click(f"{film} .booking button.primary")
    page.wait(LEFT, "278\N{NO-BREAK SPACE}€")
    assert len(set(proxy.keys)) == 2
    # It begins tonight.
    page.wait(BOOKED, "Film")
    line = page.run("document.querySelector('.line').textContent")
    assert "Ne peut plus être annulé." in line
    assert not page.run("document.querySelector('.line').querySelector('button')")


def test_what_costs_more_than_a_cap_is_told_with_the_amount(page, database):
    database.execute("update core.stock set price_cents = 650 where external_id = 'ebook-online'")
    try:
        book(page, "ebook-online")
        page.wait("document.querySelector('.told')?.textContent.startsWith('€1.50 over the cap')")
        assert page.run(LEFT, "€285")
    finally:
        database.execute(
            "update core.stock set price_cents = 500 where external_id = 'ebook-online'"
        )


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("free", "No credit: whatever is free can be booked."),
        ("late", "Your credit ended on November 22, 2026"),
        ("villager", "No caps"),
        ("reader", "Digital goods €5 of €5"),
        ("reader", "to spend until September 19, 2027"),
    ],
)
def test_every_credit_is_said_in_words(page, database, user, words):
    database.execute(
        "update core.deposit set digital_cap_cents = null, physical_cap_cents = null"
        " where user_id = (select id from core.beneficiary where external_id = 'villager')"
    )
    look_at(page, user, database)
    assert words in page.run("document.getElementById('credit').textContent")


GAUGES = """import('./credit.js').then(({ drawCredit }) => {
  const section = document.createElement('section');
  drawCredit(section, args[0]);
  return [...section.querySelectorAll('.gauge')].map((gauge) =>
    [gauge.textContent, gauge.querySelector('.fill').style.inlineSize]);
})"""


def test_of_a_cap_no_more_is_left_than_of_all(page):
    caps = [
        {"kind": "digital", "cap_cents": 200_00, "left_cents": 200_00},
        {"kind": "physical", "cap_cents": 200_00, "left_cents": 5_00},
    ]
    credit = {"deposit_cents": 500_00, "left_cents": 8_00, "is_over": False, "caps": caps}
    assert page.run(GAUGES, credit) == [
        ["Credit €8 of €500", "1.6%"],
        ["Digital goods €8 of €200", "4%"],
        ["Objects €5 of €200", "2.5%"],
    ]


CAPS_AT = """import('./credit.js').then(({ drawCredit }) => {
  const section = document.getElementById('credit');
  drawCredit(section, args[0]);
  return [...section.querySelectorAll('#credit > .gauge strong')].map((one) =>
    one.getBoundingClientRect().top);
})"""


def test_the_gauges_of_caps_stand_beside_each_other(page):
    caps = [
        {"kind": "digital", "cap_cents": 200_00, "left_cents": 190_50},
        {"kind": "physical", "cap_cents": 200_00, "left_cents": 16_30},
    ]
    credit = {"deposit_cents": 500_00, "left_cents": 262_30, "is_over": False, "caps": caps}
    page.run("document.getElementById('language').click()")
    page.wait(SETTLED)
    digital, physical = page.run(CAPS_AT, credit)
    assert digital == physical


SPARE = """(credit => {
  const [first, last] = [credit.firstElementChild, credit.lastElementChild];
  return credit.getBoundingClientRect().height
    - (last.getBoundingClientRect().bottom - first.getBoundingClientRect().top);
})(document.getElementById('credit'))"""
"""How much higher the card of the credit is than what stands in it, in CSS pixels."""


def test_the_card_of_the_credit_is_no_higher_than_what_stands_in_it(page):
    page.click("#all-values summary")
    for width in (800, 900, 1200, 1280):
        page.resize(width, 900)
        # Its padding, and the room for a line more.
        assert page.run(SPARE) < 50
        assert page.run(WIDE) == []
    page.click("#all-values summary")


HELD = """(ask => {
  [window.held, window.told] = [[], 0];
  window.fetch = async (...given) => {
    if (!String(given[0]).includes('/users/')) return ask(...given);
    await new Promise((release) => held.push(release));
    const answer = await ask(...given);
    const read = answer.json.bind(answer);
    answer.json = async () => {
      const body = await read();
      // By then the page has done with it what it does.
      setTimeout(() => { told += 1; });
      return body;
    };
    return answer;
  };
})(fetch)"""


def test_bookings_are_those_of_the_state_that_was_chosen_last(page):
    page.run(HELD)
    choose(page, "#state", "used")
    choose(page, "#state", "booked")
    page.wait("held.length === 4")
    for answered, first in ((2, 2), (4, 0)):
        page.run("held.slice(args[0], args[0] + 2).forEach((release) => release())", first)
        page.wait("told === args[0]", answered)
        assert page.run(BOOKED, "Novel")


def test_where_nothing_is_ahead_it_is_not_said_that_nothing_was_booked(page, database):
    listed = "document.getElementById('booked').textContent"
    used = "update core.booking set used_at = %s where booked_at < %s"
    database.execute(used, (NOW - timedelta(days=9), NOW))
    try:
        look_at(page, "reader")
        ahead = "Nothing is ahead. Choose another state to see what is past."
        page.wait(f"{listed} === args[0]", ahead)
        choose(page, "#state", "used")
        page.wait(BOOKED, "Novel")
        choose(page, "#state", "expired")
        page.wait(f"{listed} === 'Nothing here yet.'")
    finally:
        database.execute(used, (None, NOW))
        choose(page, "#state", "booked")
    page.wait(BOOKED, "Novel")


def test_days_are_the_readers_and_the_clock_is_the_venues(page, database):
    database.execute("update core.venue set timezone = 'Europe/Paris' where name = 'Cinema'")
    with page.elsewhere("Pacific/Noumea"):
        # In Paris it is still Friday.
        for day in ("from", "to"):
            choose(page, f"#filters [name={day}]", "2026-11-28")
        page.wait(SETTLED)
        assert page.run("!!document.querySelector(args[0])", CARD.format("play-friday"))
        sold = "update core.stock set booking_limit_at = %s where external_id = 'classic-soon'"
        database.execute(sold, (NOW - timedelta(hours=1),))
        try:
            book(page, "classic-soon")
            page.wait("document.querySelector('.told')?.textContent.includes('closed on')")
        finally:
            database.execute(sold, (None,))
        assert "Mon, Nov 23, 12:00" in page.run("document.querySelector('.told').textContent")
    # The clock goes forward in the night between.
    told = "import('./text.js').then(({ day }) => args.slice(1).map((at) =>"
    told += " day(new Date(at), 'Europe/Paris', new Date(args[0])).name))"
    eve, next_day, day_after = "2027-03-27T22:30Z", "2027-03-28T08:00Z", "2027-03-29T08:00Z"
    assert page.run(told, eve, eve, next_day, day_after) == [
        "Today",
        "Tomorrow",
        "Monday, March 29",
    ]


UNTOLD = """(ask => {
  window.fetch = async (path, ...given) =>
    path.endsWith('/interactions') ? new Response('{}') : ask(path, ...given);
})(fetch)"""
"""Says that interactions were taken, and sends none."""


def test_what_is_over_is_asked_anew_and_dates_that_cannot_be_are_told(
    window, wide_address, wide_proxy
):
    works = "[...document.querySelectorAll('.card')].map(card => card.dataset.offer)"
    status = "document.getElementById('status').textContent"
    window.open(wide_address)
    look_at(window, "reader")
    wide_proxy.now += timedelta(minutes=31)
    window.click("#more")
    window.wait(SETTLED)
    assert "ideas within" in window.run(status)
    read = window.run(works)
    choose(window, "#filters [name=to]", "2026-11-01")
    window.wait(SETTLED)
    assert window.run(status).startswith("These dates do not work")
    assert not window.run(
        "!!document.querySelector('#status button, .card, .venue, #more:not([hidden])')"
    )
    # Nor does it need the dots of the map.
    wide_proxy.away["/v1/venues/near"] = 1
    choose(window, "#filters [name=to]", "")
    window.wait(SETTLED)
    assert window.run(works) == read
    assert not wide_proxy.away.total()
    few = "[...document.querySelectorAll('.few')].map(told => told.textContent)"
    assert set(window.run(few)) == {"3 left", "only 2 left"}
    # Once all are dismissed the next come.
    window.run(UNTOLD)
    window.run(
        "document.querySelectorAll('.actions button:last-child').forEach(one => one.click())"
    )
    window.wait(f"(now => now.length && !now.some(work => args[0].includes(work)))({works})", read)
    window.wait(SETTLED)
    assert "ideas within" in window.run(status)


def test_the_keyboard_is_enough(page):
    card = CARD.format("play-friday")
    page.press(f"{card} .primary", ENTER)
    page.wait("document.activeElement.matches('.booking [name=stock]')")
    page.press(f"{card} [name=stock]", ESCAPE)
    page.wait("document.activeElement.matches('.card .primary[aria-expanded=false]')")
    assert not page.run("document.querySelector('.booking')")


def test_who_keeps_an_offer_or_puts_away_what_is_told_goes_on_where_they_were(page):
    page.run(UNTOLD)
    keep = f"{CARD.format('play-friday')} {KEEP}"
    page.press(keep, ENTER)
    page.wait("document.querySelector(args[0]).ariaDisabled === 'true'", keep)
    assert page.run("document.activeElement.ariaLabel") == "Kept: Play"
    book(page, "manga-shop")
    page.wait(BOOKED, "Manga")
    page.wait(SETTLED)
    at = page.run(f"{AT}.dataset.offer")
    page.run("document.getElementById('close-notice').focus()")
    page.press(":focus", ENTER)
    page.wait(f"!{NOTICE}")
    assert page.run(f"{AT}?.dataset.offer") == at


@pytest.fixture
def nothing_told(database):
    """Of nobody anything is on record but bookings."""
    database.execute("delete from core.interaction")
    yield
    database.execute("delete from core.interaction")


@pytest.mark.usefixtures("nothing_told")
def test_a_dismissal_can_be_taken_back(page, proxy, database):
    card, away = CARD.format("play-friday"), ".away[data-offer='play-friday']"
    found = page.run("document.getElementById('status').textContent")
    page.press(f"{card} .actions button:last-child", ENTER)
    page.wait("document.activeElement.matches('.away h3')")
    assert page.run("document.activeElement.textContent") == "Play: will not come up again."
    assert page.run("document.getElementById('status').textContent") != found
    # It stays while nobody answers, and on a small phone that shows all twice as large.
    page.type(TAB)
    assert page.run("document.activeElement.ariaLabel") == "Undo: Play"
    proxy.away["/v1/interactions"] = 1
    page.type(ENTER)
    page.wait(f"{NOTICE}.includes('does not answer')")
    page.resize(160, 400)
    assert page.run(WIDE) == []
    assert page.run("document.activeElement.closest('.away')?.dataset.offer") == "play-friday"
    page.type(ENTER)
    page.wait(f"{AT}?.dataset.offer === 'play-friday'")
    assert page.run("document.activeElement.matches('h3')")
    assert page.run("document.getElementById('status').textContent") == found
    assert not page.run("document.querySelector(args[0])", away)
    told = "select kind from core.interaction where kind in ('dismiss', 'restore') order by at"
    assert database.execute(told).fetchall() == [("dismiss",), ("restore",)]
    # It is in the agenda that is asked for next, as it is not while it is dismissed.
    for kind, is_shown in (("none", True), ("dismiss", False)):
        if kind == "dismiss":
            page.click(f"{card} .actions button:last-child")
            page.wait("document.querySelector(args[0])", away)
        choose(page, "#filters [name=max_price_eur]", "50")
        page.wait(SETTLED)
        assert ("play-friday" in page.run(WORKS)) is is_shown
        assert not page.run("document.querySelector('.away')")


def test_what_is_alike_is_shown_and_put_away_by_the_same_button(page):
    alike = f"{CARD.format('play-friday')} .actions button:nth-child(3)"
    shown = "[document.querySelector(args[0]).ariaExpanded,"
    shown += " document.querySelector(args[0]).closest('.card').querySelectorAll('.more *').length]"
    assert page.run(shown, alike) == ["false", 0]
    page.press(alike, ENTER)
    page.wait("document.querySelector(args[0]).ariaExpanded === 'true'", alike)
    assert page.run(shown, alike)[1] > 0
    page.press(alike, ENTER)
    page.wait("document.querySelector(args[0]).ariaExpanded === 'false'", alike)
    assert page.run(shown, alike)[1] == 0


LATE = """(ask => {
  const gate = new Promise((open) => { window.letThrough = open; });
  window.fetch = async (...given) => {
    const answer = await ask(...given);
    if (!String(given[0]).startsWith('/v1/feed')) return answer;
    window.isAnswered = true;
    await gate;
    return answer;
  };
})(fetch)"""
"""Holds back what feeds have answered."""


@pytest.mark.usefixtures("nothing_told")
def test_what_is_put_back_while_the_agenda_is_asked_for_is_in_it(page):
    page.press(f"{CARD.format('play-friday')} .actions button:last-child", ENTER)
    page.wait("document.querySelector('.away')")
    page.run(LATE)
    choose(page, "#filters [name=max_price_eur]", "50")
    page.wait("window.isAnswered")
    page.press(".away button", ENTER)
    page.wait(f"{WORKS}.includes('play-friday')")
    page.run("letThrough()")
    page.wait(SETTLED)
    assert "play-friday" in page.run(WORKS)


ALIKE = "[...document.querySelectorAll('.card .short')].map(line => line.dataset.offer)"


def test_what_is_alike_is_booked_by_the_same_form(page, proxy, database):
    proxy.keys.clear()
    page.press(f"{CARD.format('play-friday')} {SIMILAR}", ENTER)
    page.wait(f"{ALIKE}.includes('film-tonight')")
    line = ".card .short[data-offer='film-tonight']"
    told = page.run("document.querySelector(args[0]).textContent", line)
    assert told.startswith("FilmCinema")
    # That is how far it is from the play.
    assert " away" not in told
    page.press(f"{line} .primary", ENTER)
    page.wait("document.activeElement.matches('.card .short [name=stock]')")
    for width in (320, 160):
        page.resize(width, 640)
        assert page.run(WIDE) == []
    page.resize(1280, 900)
    # What was entered is there when the list was folded, and again when it was shown.
    for shown in (False, True):
        page.press(f"{CARD.format('play-friday')} {SIMILAR}", ENTER)
        page.wait(f"{ALIKE}.length > 0 === {str(shown).lower()}")
    assert page.run("document.querySelector(args[0]).ariaExpanded", f"{line} .primary") == "true"
    # Its card has a form of its own, and of both one is booked.
    page.press(f"{CARD.format('film-tonight')} .primary", ENTER)
    sold = "update core.stock set booking_limit_at = %s where external_id = 'film-tonight'"
    database.execute(sold, (NOW - timedelta(hours=1),))
    try:
        page.press(f"{line} .booking button.primary", ENTER)
        page.wait(
            "document.querySelector('.short .told').textContent.startsWith('Bookings closed')"
        )
    finally:
        database.execute(sold, (None,))
    proxy.lost = 1
    page.press(f"{line} .booking button.primary", ENTER)
    page.wait(BOOKED, "Film")
    page.wait(SETTLED)
    assert [page.run(f"({works}).includes('film-tonight')") for works in (WORKS, ALIKE)] == [
        False
    ] * 2
    assert page.run(f"{AT}.dataset.offer") == "play-friday"
    assert page.run(NOTICE).startswith("Booked: Film, ")
    # Refused, asked for, and asked for again.
    assert [proxy.keys.count(key) for key in dict.fromkeys(proxy.keys)] == [1, 2]


def test_what_is_alike_stays_unfolded_when_the_agenda_is_drawn_anew(page):
    alike = f"{CARD.format('play-friday')} {SIMILAR}"
    page.press(alike, ENTER)
    page.wait(f"{ALIKE}.includes('manga-shop')")
    works = page.run(ALIKE)
    line = ".card .short[data-offer='film-tonight']"
    page.press(f"{line} .primary", ENTER)
    page.wait("document.activeElement.matches('.card .short [name=stock]')")
    choose(page, "#filters [name=max_price_eur]", "50")
    page.wait(SETTLED)
    assert page.run(ALIKE) == works
    assert page.run("document.querySelector(args[0]).ariaExpanded", alike) == "true"
    # What is open there stays so, too, and has the focus.
    assert page.run("document.activeElement.matches('.card .short [name=stock]')")
    book(page, "manga-shop")
    page.wait(BOOKED, "Manga")
    page.wait(SETTLED)
    assert page.run(ALIKE) == [work for work in works if work != "manga-shop"]
    page.run("document.querySelector(args[0]).click()", alike)
    assert page.run(ALIKE) == []
    choose(page, "#filters [name=max_price_eur]", "")
    page.wait(SETTLED)
    assert page.run(ALIKE) == []
    # Nor does it stay where the card has gone, or for somebody else.
    for again in ("LIVRE", None):
        page.press(alike, ENTER)
        page.wait(f"{ALIKE}.length > 0")
        if again:
            choose(page, "#filters [name=category]", again)
            page.wait(SETTLED)
            choose(page, "#filters [name=category]", "")
            page.wait(SETTLED)
        else:
            look_at(page, "reader")
        assert page.run(WORKS)
        assert page.run(ALIKE) == []


LISTED = "[...document.querySelectorAll('#kept .short')].map(line => line.dataset.item).join()"


@pytest.mark.usefixtures("nothing_told")
def test_what_was_kept_is_listed_and_booked_from_there(page, proxy, address, database, monkeypatch):
    page.click("#my-kept summary")
    empty = "Nothing yet: “Keep” puts an idea here."
    assert page.run("document.getElementById('kept').textContent") == empty
    for offer, works in (("play-friday", "play"), ("manga-shop", "manga,play")):
        page.press(f"{CARD.format(offer)} {KEEP}", ENTER)
        page.wait(f"{LISTED} === args[0]", works)
    assert page.run("document.getElementById('kept-count').textContent") == "2"
    monkeypatch.setattr(proxy, "now", NOW + timedelta(minutes=1))
    # It stays so when the page is loaded anew, and goes when it is put away until that is undone.
    page.open(address)
    look_at(page, "reader")
    keep = f"{CARD.format('manga-shop')} {KEEP}"
    assert page.run("document.querySelector(args[0]).ariaLabel", keep) == "Kept: Manga"
    page.press("#my-kept summary", ENTER)
    page.press(f"{CARD.format('manga-shop')} .actions button:last-child", ENTER)
    page.wait(f"{LISTED} === 'play'")
    page.press(".away button", ENTER)
    page.wait(f"{LISTED} === 'manga,play'")
    assert page.run("document.querySelector(args[0]).ariaLabel", keep) == "Kept: Manga"
    # What is open and held there stays so in another language, on a small phone.
    page.press("#kept [data-item=play] .primary", ENTER)
    page.wait("document.activeElement.matches('#kept .booking [name=stock]')")
    page.run("document.getElementById('language').click()")
    page.wait(SETTLED)
    assert page.run("document.querySelector('#my-kept h2').textContent") == "Ce que j'ai gardé"
    assert page.run("document.activeElement.matches('#kept .booking [name=stock]')")
    for width in (320, 160):
        page.resize(width, 640)
        assert page.run(WIDE) == []
    page.resize(1280, 900)
    page.run("document.getElementById('language').click()")
    page.wait(SETTLED)
    page.press("#kept .booking button.primary", ENTER)
    page.wait(BOOKED, "Play")
    page.wait(SETTLED)
    page.wait("!document.querySelector('#kept .booking')")
    assert "play-friday" not in page.run(WORKS)
    assert page.run("document.activeElement.closest('#kept .short')?.dataset.item") == "play"
    assert page.run(NOTICE).startswith("Booked: Play, ")
    # What cannot be booked says so, and somebody else has kept nothing.
    sold = "update core.stock set cancelled_at = %s where external_id = 'manga-shop'"
    database.execute(sold, (NOW,))
    try:
        look_at(page, "villager")
        page.wait("document.getElementById('kept').textContent === args[0]", empty)
        look_at(page, "reader")
        page.wait(f"{LISTED} === 'manga,play'")
    finally:
        database.execute(sold, (None,))
    assert page.run("document.querySelector('#kept [data-item=manga]').textContent") == (
        "MangaWhat you kept cannot be booked now."
    )


@pytest.mark.usefixtures("nothing_told")
def test_what_was_kept_is_booked_elsewhere_where_it_is_sold_out(page, database):
    page.press(f"{CARD.format('film-tonight')} {KEEP}", ENTER)
    page.wait(f"{LISTED} === 'film'")
    sold = "update core.stock set cancelled_at = %s where external_id = 'film-tonight'"
    database.execute(sold, (NOW,))
    for statement in (
        "insert into core.offer (external_id, item_id, venue_id)"
        " select 'again', i.id, v.id from core.item i, core.venue v"
        " where i.external_id = 'film' and v.external_id = 'theatre'",
        "insert into core.stock (external_id, offer_id, price_cents)"
        " select 'again', id, 900 from core.offer where external_id = 'again'",
    ):
        database.execute(statement)
    try:
        look_at(page, "reader")
        page.wait(f"{LISTED} === 'film'")
        page.click("#my-kept summary")
        told = page.run("document.querySelector('#kept [data-item=film]').textContent")
        assert told.startswith("FilmWhat you kept cannot be booked now; this can:Theatre")
        for width in (320, 160):
            page.resize(width, 640)
            assert page.run(WIDE) == []
        page.resize(1280, 900)
        page.press("#kept .primary", ENTER)
        page.press("#kept .booking button.primary", ENTER)
        page.wait(BOOKED, "Film")
        page.wait(SETTLED)
    finally:
        database.execute("delete from core.booking where booked_at >= %s", (NOW,))
        for table in ("stock", "offer"):
            database.execute(f"delete from core.{table} where external_id = 'again'")
        database.execute(sold, (None,))


@pytest.mark.usefixtures("nothing_told")
def test_what_was_kept_is_booked_where_no_agenda_could_be_had(page, proxy, address):
    page.press(f"{CARD.format('play-friday')} {KEEP}", ENTER)
    page.wait(f"{LISTED} === 'play'")
    proxy.away["/v1/feed"], proxy.retry_after_s = 1, 600
    page.open(address)
    page.wait("document.getElementById('status').textContent.includes('does not answer')")
    page.wait(LEFT, "€285")
    page.click("#my-kept summary")
    page.press("#kept .primary", ENTER)
    page.press("#kept .booking button.primary", ENTER)
    page.wait(BOOKED, "Play")
    page.wait(f"{NOTICE}.startsWith('Booked: Play, ')")
    # The agenda is asked for again.
    page.wait(f"{WORKS}.length > 0")
    assert "play-friday" not in page.run(WORKS)
    assert not page.run("document.querySelector('#kept .booking')")


@pytest.mark.usefixtures("nothing_told")
def test_what_was_done_stays_told_where_the_list_of_what_was_kept_does_not_answer(page, proxy):
    kept = "/v1/users/reader/favourites"
    proxy.away[kept], proxy.retry_after_s = 1, 1
    page.press(f"{CARD.format('manga-shop')} {KEEP}", ENTER)
    page.wait(f"{LISTED} === 'manga'")
    proxy.away[kept] = 1
    book(page, "play-friday")
    page.wait(BOOKED, "Play")
    page.wait(SETTLED)
    assert not proxy.away.total()
    assert page.run(NOTICE).startswith("Booked: Play, ")


@pytest.mark.usefixtures("nothing_told")
def test_what_was_kept_is_asked_for_again_where_it_does_not_answer_at_first(page, proxy, address):
    page.press(f"{CARD.format('manga-shop')} {KEEP}", ENTER)
    page.wait(f"{LISTED} === 'manga'")
    keep = f'document.querySelector("{CARD.format("manga-shop")} {KEEP}")'
    as_kept = page.run(f"{keep}.ariaLabel")
    proxy.away["/v1/users/reader/favourites"], proxy.retry_after_s = 2, 2
    page.open(address)
    page.wait(f"{WORKS}.length > 0")
    # Nobody knows yet.
    assert page.run("document.getElementById('kept').textContent") == ""
    page.wait(f"{LISTED} === 'manga'")
    page.wait(f"{keep}.ariaLabel === {as_kept!r}")


TASTES = "document.querySelector('#my-tastes[open] form button')"
BOX = "#my-tastes [name={}][value='{}']"


@pytest.fixture
def nothing_said(database):
    """Nobody has said what they like."""
    yield
    database.execute("delete from core.taste")


@pytest.mark.usefixtures("nothing_said")
def test_who_has_no_history_is_asked_what_they_like_and_the_agenda_heeds_it(
    page, proxy, address, database
):
    said = "select kind, value from core.taste order by kind, value"
    # Who has one is not asked.
    assert not page.run("document.getElementById('my-tastes').open")
    look_at(page, "free", database)
    page.wait(TASTES)
    for width in (320, 160):
        page.resize(width, 640)
        assert page.run(WIDE) == []
    page.resize(1280, 900)
    page.run("performance.clearResourceTimings()")
    page.press(BOX.format("genres", "genre of play"), " ")
    page.run("document.getElementById('language').click()")
    page.wait(SETTLED)
    assert "Coche ce qui te plaît" in page.run("document.querySelector('.tastes p').textContent")
    page.run("document.getElementById('language').click()")
    page.wait(SETTLED)
    page.press(BOX.format("categories", "SPECTACLE"), " ")
    proxy.away["/v1/users/free/tastes"], proxy.retry_after_s = 1, 1
    page.press(BOX.format("categories", "SPECTACLE"), ENTER)
    page.wait(f"{NOTICE} === 'Noted: your agenda heeds it.'")
    page.wait(SETTLED)
    assert database.execute(said).fetchall() == [
        ("category", "SPECTACLE"),
        ("genre", "genre of play"),
    ]
    assert page.run("document.activeElement.matches('#my-tastes:not([open]) summary')")
    asked = page.run("performance.getEntriesByType('resource').map(one => one.name)")
    # In two other languages, and for what was said.
    assert len([one for one in asked if "/v1/feed?" in one]) == 3
    # Who has said something is not asked again, and can say something else; works that were named
    # elsewhere stay.
    page.open(address)
    look_at(page, "free", database)
    database.execute(
        "insert into core.taste (user_id, kind, value, at)"
        " select id, 'item', 'manga', %s from core.beneficiary where external_id = 'free'",
        (NOW,),
    )
    assert not page.run("document.getElementById('my-tastes').open")
    page.press("#my-tastes summary", ENTER)
    page.wait(TASTES)
    assert page.run(
        "document.querySelector(args[0]).checked", BOX.format("categories", "SPECTACLE")
    )
    page.press(BOX.format("genres", "genre of play"), " ")
    page.press("#my-tastes .primary", ENTER)
    page.wait("document.activeElement.matches('#my-tastes:not([open]) summary')")
    assert database.execute(said).fetchall() == [("category", "SPECTACLE"), ("item", "manga")]


@pytest.mark.usefixtures("nothing_said")
def test_who_puts_that_off_is_not_asked_again(page, database):
    look_at(page, "free", database)
    page.wait(TASTES)
    page.press("#my-tastes .actions button:last-child", ENTER)
    assert page.run("document.activeElement.matches('#my-tastes:not([open]) summary')")
    look_at(page, "reader")
    look_at(page, "free", database)
    page.wait("document.getElementById('credit').textContent.startsWith('No credit')")
    assert not page.run("document.getElementById('my-tastes').open")
    assert database.execute("select count(*) from core.taste").fetchone() == (0,)
    page.run("sessionStorage.clear()")


def test_dates_can_be_typed(page):
    page.run("performance.clearResourceTimings()")
    for field in ("from", "to"):
        page.run("document.querySelector(args[0]).focus()", f"#filters [name={field}]")
        for key in "12122026":
            page.type(key)
            page.wait(SETTLED)
        assert page.run("document.activeElement.value") == "2026-12-12"
    asked = page.run("performance.getEntriesByType('resource').map(one => one.name)")
    feeds = [address.partition("/v1/feed?")[2] for address in asked if "/v1/feed" in address]
    # Nothing was asked while a year was half typed.
    assert [feed.partition("&lang")[0] for feed in feeds] == [
        "from=2026-12-12",
        "from=2026-12-12&to=2026-12-12",
    ]


NAMES = """[...document.querySelectorAll('.card button, .line button')].map((button) =>
  [button, button.closest('.card, .line').querySelector('h3')]).map(([button, title]) =>
  [button.textContent, button.ariaLabel, title.textContent])"""
"""Of each button what it reads, its name, and the title of its offer."""
KEEP, SIMILAR = ".actions button:nth-child(2)", ".actions button:nth-child(3)"


def test_a_button_says_by_its_name_what_it_reads_and_which_offer_it_is_about(page):
    page.run(UNTOLD)
    page.click(f"{CARD.format('play-friday')} {KEEP}")
    page.wait("[...document.querySelectorAll('.card button')].some(one => one.ariaDisabled)")
    book(page, "manga-shop")
    page.wait(BOOKED, "Manga")
    page.wait(SETTLED)
    page.click(".line .actions button")
    for offer in ("play-friday", "film-tonight"):
        page.click(f"{CARD.format(offer)} .primary")
    told = {}
    for language, mark in (("en", ":"), ("fr", "\N{NO-BREAK SPACE}:")):
        names = page.run(NAMES)
        assert [name for _, name, _ in names] == [f"{words}{mark} {of}" for words, _, of in names]
        assert len({name for _, name, _ in names}) == len(names)
        told[language] = {words for words, _, _ in names}
        page.run("document.getElementById('language').click()")
        page.wait(SETTLED)
    assert {"Book", "Keep", "Kept", "More like this", "Not for me", "Close"} <= told["en"]
    assert {"Book for €12", "Yes, cancel", "No, keep it"} <= told["en"]
    assert {"Garder", "Gardé", "Dans le même esprit", "Pas pour moi"} <= told["fr"]


NOTICE = "document.querySelector('#notice p').textContent"
FORM = "document.querySelector('.booking')"


def open_form(browser, offer):
    """Open the form of an offer, and leave the focus in it."""
    browser.click(f"{CARD.format(offer)} .primary")
    browser.wait("document.activeElement.matches('.booking [name=stock]')")


def test_a_form_stays_open_with_what_was_entered_when_the_agenda_is_asked_again(page, database):
    for_two(database, True)
    try:
        choose(page, "#filters [name=max_price_eur]", "50")
        page.wait(SETTLED)
        open_form(page, "film-tonight")
        two = f"{CARD.format('film-tonight')} .booking [value='2']"
        page.click(two)
        choose(page, "#filters [name=max_price_eur]", "20")
        page.wait(SETTLED)
        assert page.run("document.querySelector(args[0]).checked", two)
        # What is asked for in another language is in it, and the focus stays where it was.
        assert page.run("document.activeElement === document.querySelector(args[0])", two)
        page.run("document.getElementById('language').click()")
        page.wait(SETTLED)
        assert "Pour qui" in page.run(f"{FORM}.textContent")
        assert page.run("document.activeElement === document.querySelector(args[0])", two)
        page.run("document.getElementById('language').click()")
        page.wait(SETTLED)
        # Something else is booked meanwhile.
        book(page, "manga-shop")
        page.wait(BOOKED, "Manga")
        page.wait(SETTLED)
        assert page.run("document.querySelector(args[0]).checked", two)
        assert page.run(f"{FORM}.querySelector('.primary').textContent") == "Book for €14"
        page.click(f"{CARD.format('film-tonight')} .booking button.primary")
        page.wait(BOOKED, "Film")
        assert "for two" in page.run("document.getElementById('booked').textContent")
    finally:
        for_two(database, False)


def test_a_form_closes_when_its_offer_is_no_longer_shown_and_that_is_told(page):
    open_form(page, "play-friday")
    open_form(page, "manga-shop")
    choose(page, "#filters [name=category]", "LIVRE")
    page.wait(SETTLED)
    ended = "“Play” is no longer in this agenda: its form has closed, nothing was booked."
    assert page.run(NOTICE) == ended
    assert page.run("document.querySelectorAll('.booking').length") == 1
    # It is the other one that has the focus still.
    assert page.run("document.activeElement.matches('.booking [name=stock]')")
    # Dates that cannot be show nothing, and end nothing.
    choose(page, "#filters [name=to]", "2026-11-01")
    page.wait("!document.querySelector('.card')")
    choose(page, "#filters [name=to]", "")
    page.wait(SETTLED)
    assert page.run("!!document.querySelector(args[0])", f"{CARD.format('manga-shop')} .booking")
    # Somebody else has not begun to book.
    look_at(page, "villager")
    assert not page.run(FORM)
    assert not page.run(NOTICE)


def test_a_session_that_is_gone_is_told_and_another_has_to_be_chosen(page, database):
    with session_of_the_play(database, "encore", NOW + timedelta(days=7)):
        choose(page, "#filters [name=max_price_eur]", "50")
        page.wait(SETTLED)
        open_form(page, "play-friday")
        page.click(".booking [value=encore]")
        assert page.run(f"{FORM}.querySelector('.primary').textContent") == "Book for €15"
    choose(page, "#filters [name=max_price_eur]", "")
    page.wait(SETTLED)
    told = page.run(f"{FORM}.querySelector('.told').textContent")
    assert told == "What you had chosen is no longer on offer: choose again."
    assert page.run(f"{FORM}.querySelector('.primary').textContent") == "Book for €12"
    choose(page, "#filters [name=max_price_eur]", "50")
    page.wait(SETTLED)
    assert page.run(f"{FORM}.querySelector('.told').textContent") == ""


UNANSWERED = """(ask => {
  [window.keys, window.silent] = [[], 6];
  window.fetch = async (...given) => {
    if (given[0] !== '/v1/bookings') return ask(...given);
    keys.push(given[1].headers['Idempotency-Key']);
    if (silent === 0) return ask(...given);
    silent -= 1;
    // Whoever waits for an answer goes on at once.
    setTimeout(() => dispatchEvent(new Event('online')), 50);
    return new Response('{}', { status: 503 });
  };
})(fetch)"""


def test_an_attempt_goes_on_after_the_agenda_was_asked_again(page):
    page.run(UNANSWERED)
    book(page, "play-friday")
    told = f"{FORM}.querySelector('.told').textContent"
    page.wait(f"{told}.startsWith('Still no answer')")
    choose(page, "#filters [name=max_price_eur]", "50")
    page.wait(SETTLED)
    assert page.run(told).startswith("Still no answer")
    page.click(f"{CARD.format('play-friday')} .booking button.primary")
    page.wait(BOOKED, "Play")
    assert page.run("[keys.length, new Set(keys).size]") == [7, 1]


def test_what_became_of_an_attempt_is_told_where_its_offer_is_no_longer_shown(page):
    page.run(UNANSWERED)
    book(page, "play-friday")
    page.wait(f"{FORM}.querySelector('.told').textContent.startsWith('Still no answer')")
    choose(page, "#filters [name=category]", "LIVRE")
    page.wait(SETTLED)
    assert page.run(NOTICE) == (
        "“Play” is no longer in this agenda, and we do not know whether it is booked:"
        " look at your bookings."
    )


HELD_BOOKING = """(ask => {
  const gate = new Promise((open) => { window.letThrough = open; });
  window.fetch = async (...given) => {
    if (given[0] === '/v1/bookings') await gate;
    return ask(...given);
  };
})(fetch)"""


def test_a_refusal_is_told_where_its_offer_is_no_longer_shown(page, database):
    sold = "update core.stock set booking_limit_at = %s where external_id = 'play-friday'"
    page.run(HELD_BOOKING)
    book(page, "play-friday")
    choose(page, "#filters [name=category]", "LIVRE")
    page.wait(SETTLED)
    # Nobody knows yet what became of it.
    assert not page.run(NOTICE)
    database.execute(sold, (NOW - timedelta(hours=1),))
    try:
        page.run("letThrough()")
        page.wait(f"{NOTICE}.startsWith('Play: Bookings closed on ')")
    finally:
        database.execute(sold, (None,))


TAB, SHIFT = "\ue004", "\ue008"
SEEN = """(held => {
  const {left, top, width, height} = held.getBoundingClientRect();
  const over = document.elementFromPoint(left + width / 2, top + height / 2);
  return over !== null && held.contains(over);
})(document.activeElement)"""


def test_what_gets_the_focus_is_not_hidden_behind_the_name_of_a_day(wide):
    wide.resize(360, 740)
    wide.run("[...document.querySelectorAll('.card .primary')].at(-1).focus()")
    held = "document.activeElement.matches('.card button')"
    went = 0
    while wide.run(held) and went < 30:
        assert wide.run(SEEN)
        wide.press(":focus", SHIFT + TAB)
        went += 1
    assert went == 30


def test_what_gets_the_focus_after_a_booking_is_not_hidden_behind_what_is_told(wide):
    wide.resize(360, 740)
    booked = wide.run(WORKS)[8]
    wide.run("document.querySelector(args[0]).click()", f"{CARD.format(booked)} .primary")
    # The next card will stand where this one stands, low on the screen.
    low = "document.querySelector(args[0]).getBoundingClientRect().top - innerHeight + 90"
    wide.run(f"scrollBy(0, {low})", f"{CARD.format(booked)} h3")
    confirm = f"{CARD.format(booked)} .booking button.primary"
    wide.run("document.querySelector(args[0]).click()", confirm)
    wide.wait(BOOKED, booked)
    wide.wait(SETTLED)
    assert wide.run("document.activeElement.matches('.card h3')")
    assert wide.run(SEEN)


def test_a_phone_shows_all_of_it_without_scrolling_sideways(page):
    page.resize(390, 844)
    page.click("#my-bookings summary")
    page.click(f"{CARD.format('play-friday')} .primary")
    # As it is, and where everything is twice as large.
    for width in (390, 195):
        page.resize(width, 844 * width // 390)
        assert page.run("document.documentElement.scrollWidth") == width
        assert page.run(WIDE) == []


def picture(browser):
    """Return the values that the picture shows: what was met, what would come, what is left."""
    shown = browser.run(
        "[...document.querySelectorAll('#sunrise .value')]"
        ".map(({dataset: d}) => [d.state, d.attribute, d.value])"
    )
    found = {"met": set(), "added": set(), "open": set()}
    for state, attribute, value in shown:
        found[state].add((attribute, value))
    assert len(shown) == sum(map(len, found.values()))
    return found


def test_the_horizon_is_drawn(page):
    shown = picture(page)
    assert shown["met"] == {
        ("category", "LIVRE"),
        ("venue_type", "bookshop"),
        ("genre", "genre of novel"),
    }
    assert shown["added"] >= {("category", "CINEMA"), ("category", "SPECTACLE")}
    assert shown["added"] >= {("venue_type", "theatre"), ("genre", "genre of play")}
    # The genres that are not met, of the opera and the fair, are one.
    assert shown["open"] == {("genre", "")}
    assert page.run("document.querySelector('#sunrise .points').textContent") == "65"
    # Each lies on the ring that it belongs to, and none over another.
    assert page.run(
        "(boxes => boxes.every(({width, height}) => width > 1 && height > 1))"
        "([...document.querySelectorAll('#sunrise .value')].map(one => one.getBBox()))"
    )


def test_of_venues_and_genres_what_is_not_met_yet_is_drawn_and_listed(page):
    choose(page, "#filters [name=category]", "CINEMA")
    page.wait(SETTLED)
    shown = picture(page)["open"]
    assert shown == {
        ("category", "SPECTACLE"),
        ("venue_type", "theatre"),
        ("genre", ""),
    }
    # Where genres are few the others are all of what is left of the ring.
    ends = "[...document.querySelectorAll('#sunrise .open')].map(one => one.getBBox()).map("
    ends += "({x, width}) => x + width)"
    assert page.run(ends)[-1] == pytest.approx(384.0, abs=1.0)
    page.click("#all-values summary")
    listed = page.run("[...document.querySelectorAll('#values .open')].map(one => one.innerText)")
    page.click("#all-values summary")
    assert listed[:2] == ["Stage: not yet", "theatre: not yet"]
    assert listed[2].endswith(" others: not yet")
    choose(page, "#filters [name=category]", "")
    page.wait(SETTLED)


def test_what_the_picture_shows_is_told_in_words(page):
    label = page.run("document.querySelector('#sunrise svg').getAttribute('aria-label')")
    added = len(picture(page)["added"])
    # Of the 65 points 15 are of the novel's form and its venue, which have no ring.
    assert label == (
        "Your horizon as a picture: 65 points, those of forms and venues included. Worlds, kinds of"
        f" venues and genres met: 3; that this agenda might add: {added}. The list follows."
    )
    page.click("#all-values summary")
    listed = page.run("[...document.querySelectorAll('#values dd')].map(one => one.innerText)")
    assert "Book: met" in listed
    assert any(line.startswith("Stage: +25, ") for line in listed)
    others = sum(line.endswith("others: not yet") for line in listed)
    assert (len(listed), others) == (added + 4, 1)
    first = page.run("document.querySelector('#additions li').textContent")
    assert first.startswith("+25 ")
    page.click("#all-values summary")


def test_one_agenda_is_told_as_one_and_nothing_is_not_given_back(page):
    told = "import('./text.js').then(({ text }) => args.map((n) => text('would_add', { n })))"
    assert page.run(told, 1, 2) == [
        "One agenda like this might add",
        "2 agendas like this might add",
    ]
    told = "import('./bookings.js').then(({ cancelledWords }) => cancelledWords(args[0]))"
    assert page.run(told, {"title": "Fair", "amount_cents": 0}) == "Cancelled: Fair."


FAINT = """(() => {
  const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const paint = (...colours) => {
    for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
    const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const grounds = (one) => (one ? [...grounds(one.parentElement),
    getComputedStyle(one).backgroundColor] : ['white']);
  const told = [...document.querySelectorAll('body :not(svg *)')].filter((one) =>
    one.checkVisibility() && [...one.childNodes].some(({ nodeType, data }) =>
      nodeType === Node.TEXT_NODE && data.trim()));
  return told.filter((one) => {
    const on = grounds(one);
    const both = [paint(...on), paint(...on, getComputedStyle(one).color)];
    return Math.max(...both) / Math.min(...both) < 4.5;
  }).map((one) => one.outerHTML.slice(0, 90));
})()"""


def test_every_word_can_be_told_from_its_ground(page):
    page.click("#all-values summary")
    assert page.run("!!document.querySelector('#values .met')")
    page.click(f"{CARD.format('play-friday')} .primary")
    assert page.run(FAINT) == []
    page.click("#all-values summary")


def test_the_scale_of_the_map_is_over_its_dots_and_in_nobodys_way(page):
    drawn = page.run("[...document.querySelectorAll('#map svg > *')].map(one => one.classList[0])")
    assert "venue" in drawn[: drawn.index("scale")]
    assert set(drawn[drawn.index("scale") :]) == {"scale"}
    assert page.run("getComputedStyle(document.querySelector('#map .scale')).pointerEvents") == (
        "none"
    )


IN_FRENCH = """import('./text.js').then(({ text, switchLanguage }) => {
  switchLanguage();
  const told = args.map(([key, values]) => text(key, values));
  switchLanguage();
  return told;
})"""


def test_numbers_are_written_and_counted_as_each_language_does(page):
    told = "import('./text.js').then(({ text }) => args.map(([key, values]) => text(key, values)))"
    agendas = [("would_add", {"n": n}) for n in (1, 1.04, 1.5, 2.5)]
    assert page.run(told, *agendas) == [
        "One agenda like this might add",
        "One agenda like this might add",
        "1.5 agendas like this might add",
        "2.5 agendas like this might add",
    ]
    assert page.run(IN_FRENCH, *agendas) == [
        "En un agenda pareil pourrait s'ajouter",
        "En un agenda pareil pourrait s'ajouter",
        "En 1,5 agenda pareil pourrait s'ajouter",
        "En 2,5 agendas pareils pourrait s'ajouter",
    ]
    bookings = [("bookings_made", {"n": n}) for n in (0, 1, 2)]
    assert page.run(told, *bookings) == ["0 bookings", "1 booking", "2 bookings"]
    assert page.run(IN_FRENCH, *bookings) == ["0 réservation", "1 réservation", "2 réservations"]
    horizon = ("horizon", {"points": 1315, "categories": "Book"})
    assert page.run(told, horizon) == ["Your horizon: 1,315 points, Book"]
    chosen = "document.getElementById('person').selectedOptions[0].text"
    assert page.run(chosen) == "reader · 1 booking, 1 world"


def test_choices_are_written_as_each_language_does(page):
    listed = "[...document.querySelector(args[0]).options].map(({ text }) => text)"
    assert page.run(listed, "[name=max_price_eur]") == ["Any", "Free", "€10", "€20", "€50"]
    assert page.run(listed, "[name=radius_km]")[1:3] == ["5 km", "20 km"]
    page.click("#language")
    page.wait(SETTLED)
    euros = [f"{amount}\N{NO-BREAK SPACE}€" for amount in (10, 20, 50)]
    assert page.run(listed, "[name=max_price_eur]") == ["Tous", "Gratuit", *euros]
    page.click("#language")
    page.wait(SETTLED)


def test_a_card_tells_why_in_the_readers_language(page):
    told = "[...document.querySelectorAll(args[0] + ' .why li')].map(one => one.textContent)"
    card = CARD.format("play-friday")
    assert "new world: Stage, +25" in page.run(told, card)
    assert any("by relevance" in line for line in page.run(told, card))
    page.click("#language")
    page.wait(SETTLED)
    assert "nouvel univers\N{NO-BREAK SPACE}: Spectacle, +25" in page.run(told, card)
    assert any("par pertinence" in line for line in page.run(told, card))
    page.click("#language")
    page.wait(SETTLED)


def test_the_dial_reloads_the_agenda(window, wide_address):
    window.resize(1280, 900)
    window.open(wide_address)
    look_at(window, "reader")

    def concerts():
        return window.run(
            "[...document.querySelectorAll('.card .chip')]"
            ".filter(chip => chip.textContent === 'Concert').length"
        )

    said = "document.getElementById('slate-told').textContent"
    assert window.run("document.getElementById('floor-shown').textContent") == "50.5%"
    assert window.run("document.getElementById('floor').getAttribute('aria-valuetext')") == (
        "at least 50.5% of the relevance"
    )
    window.press("#floor", END)
    window.wait(SETTLED)
    assert window.run(said) == "This is the likeliest selection."
    assert window.run("document.getElementById('floor-shown').textContent") == "100%"
    assert concerts() == 0
    assert ("category", "MUSIQUE_LIVE") in picture(window)["open"]
    window.press("#floor", HOME)
    window.wait(SETTLED)
    assert "of the relevance kept" in window.run(said)
    assert "More points expected than of the likeliest selection" in window.run(said)
    assert window.run("document.getElementById('floor').getAttribute('aria-valuetext')") == (
        "at least 80% of the relevance"
    )
    assert concerts() >= 1
    assert ("category", "MUSIQUE_LIVE") in picture(window)["added"]
    # The dial keeps the focus, and the agenda is that of the floor that it shows.
    assert window.run("document.activeElement.id") == "floor"
    asked = window.run("performance.getEntriesByType('resource').map(one => one.name)")
    feeds = [address for address in asked if "/v1/feed" in address]
    assert "floor=0.8" in feeds[-1]
    assert "floor=1" in feeds[-2]
    # Until it was moved, the floor was the service's to choose.
    assert not any("floor=" in address for address in feeds[:-2])
    assert len(feeds) >= 3


WORKS = "[...document.querySelectorAll('.card')].map(card => card.dataset.offer)"
AT = "document.activeElement.closest('.card')"
CONCERTS = """[...document.querySelectorAll('.card')]
  .filter(card => card.querySelector('.chip').textContent === 'Concert')
  .map(card => card.dataset.offer)"""


@pytest.fixture
def wide(window, wide_address, wide_database):
    """The wide world at desk width, looking at `reader`."""
    wide_database.execute("delete from core.booking where booked_at >= %s", (NOW,))
    window.resize(1280, 900)
    window.open(wide_address)
    look_at(window, "reader")
    return window


def dial(browser, key):
    browser.press("#floor", key)
    browser.wait(SETTLED)


def test_what_was_booked_is_no_longer_told_as_new(wide):
    news = "[...document.querySelectorAll('.why li')].map(told => told.textContent)"
    points = "Number(document.querySelector('#sunrise .points').textContent)"
    wide.click("#more")
    wide.wait(SETTLED)
    concerts, before = wide.run(CONCERTS), wide.run(points)
    assert len(concerts) > 1
    assert ("category", "MUSIQUE_LIVE") in picture(wide)["added"]
    assert "new world: Concert, +25" in wide.run(news)
    wide.run("scrollTo(0, 0)")
    book(wide, concerts[0])
    wide.wait(BOOKED, concerts[0])
    wide.wait(SETTLED)
    assert sorted(wide.run(CONCERTS)) == sorted(concerts[1:])
    assert ("category", "MUSIQUE_LIVE") in picture(wide)["met"]
    assert "new world: Concert, +25" not in wide.run(news)
    # Of a world, a kind of venue and a venue.
    assert wide.run(points) == before + 50
    assert wide.run("document.querySelector('#notice p').textContent").startswith("Booked: ")
    cancel(wide)
    wide.wait(f"!({BOOKED})", concerts[0])
    wide.wait(SETTLED)
    assert wide.run(points) == before


GATED = """(ask => {
  const gate = new Promise((open) => { window.letThrough = open; });
  window.fetch = async (...given) => {
    if (String(given[0]).startsWith('/v1/feed')) await gate;
    return ask(...given);
  };
})(fetch)"""


def test_who_books_stays_where_they_were(wide):
    wide.click("#more")
    wide.wait(SETTLED)
    shown = wide.run(WORKS)
    assert len(shown) > 24
    booked, kept = shown[26], shown[2]
    keep = f"{CARD.format(kept)} .actions button:nth-child(2)"
    wide.run("document.querySelector(args[0]).click()", keep)
    wide.wait("document.querySelector(args[0]).ariaDisabled", keep)
    # What is unfolded above stays so.
    wide.run("document.querySelector('.card .actions button:nth-child(3)').click()")
    wide.wait("document.querySelector('.card .more').firstChild")
    wide.run(GATED)
    book(wide, booked)
    wide.wait("!document.querySelector(args[0])", CARD.format(booked))
    at, top = wide.run(f"[{AT}.dataset.offer, {AT}.getBoundingClientRect().top]")
    assert at == shown[27]
    wide.run("letThrough()")
    wide.wait(SETTLED)
    # All that was read on is there, and the same card has the focus, where it was.
    assert sorted(wide.run(WORKS)) == sorted(set(shown) - {booked})
    assert wide.run(f"{AT}.dataset.offer") == at
    assert wide.run(f"{AT}.getBoundingClientRect().top") == pytest.approx(top, abs=1.0)
    assert wide.run("document.querySelector(args[0]).textContent", keep) == "Kept"
    wide.wait(BOOKED, booked)
    cancel(wide)
    wide.wait(f"!({BOOKED})", booked)
    wide.wait(SETTLED)
    assert sorted(wide.run(WORKS)) == sorted(shown)


def test_the_picture_is_of_all_pages_that_are_shown(wide):
    said = "document.getElementById('slate-told').textContent"
    dial(wide, END)
    assert ("category", "MUSIQUE_LIVE") in picture(wide)["open"]
    assert wide.run(said) == "This is the likeliest selection."
    before = picture(wide)
    wide.click("#more")
    wide.wait(SETTLED)
    shown = picture(wide)
    assert wide.run(CONCERTS)
    assert shown["met"] == before["met"]
    assert shown["added"] > before["added"]
    assert ("category", "MUSIQUE_LIVE") in shown["added"]
    label = wide.run("document.querySelector('#sunrise svg').getAttribute('aria-label')")
    assert f"that this agenda might add: {len(shown['added'])}." in label
    assert wide.run(said) == "First page: This is the likeliest selection."
    # Of what is asked anew there is one page.
    dial(wide, HOME)
    assert wide.run(said).startswith("9")


PAGES = """(async () => {
  const { joined } = await import('./pages.js');
  const headers = { Authorization: `Bearer ${sessionStorage.getItem('token')}` };
  const ask = async (cursor) =>
    (await fetch(`/v1/feed?category=MUSIQUE_LIVE&n=4${cursor}`, { headers })).json();
  const first = await ask('');
  const second = await ask(`&cursor=${encodeURIComponent(first.next_cursor)}`);
  return [first, second, joined(first, second).horizon];
})()"""


def test_the_chance_of_pages_is_that_of_all_their_offers(wide):
    first, second, told = wide.run(PAGES)
    assert told["intensity"] > 1.0
    # Each offer is seen so many times, and is one of a concert.
    unmet = 1.0
    for item in first["items"] + second["items"]:
        unmet *= (1.0 - item["probability"]) ** told["intensity"]
    chances = {(one["attribute"], one["value"]): one["chance"] for one in told["additions"]}
    assert len(second["items"]) == 4
    assert chances["category", "MUSIQUE_LIVE"] == pytest.approx(1.0 - unmet, rel=1e-5)
    expected = [one["points"] * one["chance"] for one in told["additions"]]
    assert expected == sorted(expected, reverse=True)


def test_where_all_is_online_or_nothing_is_found_no_place_is_told(page):
    look_at(page, "villager")
    choose(page, "#filters [name=category]", "LIVRE")
    page.wait(SETTLED)
    told = "document.getElementById('status').textContent"
    assert page.run(WORKS) == ["ebook-online"]
    assert page.run(told).startswith("One idea, online")
    assert not page.run("document.getElementById('map').firstChild")
    adds = "document.getElementById('would-add').textContent"
    assert page.run(adds).endswith("might add")
    choose(page, "#filters [name=max_price_eur]", "0")
    page.wait(SETTLED)
    assert page.run(told).startswith("Nothing to book here")
    assert not page.run(adds)


def test_of_who_has_no_home_no_radius_is_told(page, database):
    look_at(page, "nowhere", database)
    told = page.run("document.getElementById('status').textContent")
    assert told.startswith("One idea · Without a place: online offers of the whole country.")
