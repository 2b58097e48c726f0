"""What was kept, over HTTP: each work once, the newest first, and only one's own."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from worlds import NOW

from features.interactions import EVENT_KINDS, dismissed

OFFERS = {"manga-shop": "manga", "play-friday": "play", "film-tonight": "film",
          "film-village": "film", "opera-dear": "opera"}  # fmt: skip


@pytest.fixture
def tell(database):
    """Record what `reader` did, so many hours ago or at no time; what was told is gone later."""

    def told(offer, kind, hours):
        database.execute(
            "insert into core.interaction (user_id, offer_id, kind, at)"
            " select u.id, o.id, %s, %s from core.beneficiary u, core.offer o"
            " where u.external_id = 'reader' and o.external_id = %s",
            (kind, None if hours is None else NOW - timedelta(hours=hours), offer),
        )

    yield told
    database.execute("delete from core.interaction")


@pytest.fixture
def favourites(client, key):
    def ask(user="reader", headers=key, **asked):
        return client.get(f"/v1/users/{user}/favourites", params=asked, headers=headers)

    return ask


def kept(answer):
    return [one["offer_id"] for one in answer.json()["favourites"]]


def test_each_work_is_listed_once_by_the_offer_that_was_kept_last(tell, favourites):
    assert favourites().json() == {"favourites": [], "next_cursor": None}
    for offer, hours in (("manga-shop", 9), ("film-village", 3), ("film-tonight", 5)):
        tell(offer, "favourite", hours)
    tell("play-friday", "favourite", None)
    tell("opera-dear", "click", 1)
    assert kept(favourites()) == ["film-village", "manga-shop", "play-friday"]
    film, manga, play = favourites().json()["favourites"]
    assert (film["item_id"], film["title"], film["category"]) == ("film", "Film", "CINEMA")
    assert manga["kept_at"] == (NOW - timedelta(hours=9)).isoformat().replace("+00:00", "Z")
    assert play["kept_at"] is None
    assert [one["stock_id"] for one in play["offer"]["sessions"]] == ["play-friday"]
    assert play["offer"]["probability"] is None


def test_what_can_no_longer_be_booked_is_listed_and_says_so(tell, favourites, database):
    tell("play-friday", "favourite", 1)
    change = "update core.offer set withdrawn_at = %s where external_id = 'play-friday'"
    sold = "update core.stock set cancelled_at = %s where external_id = 'play-friday'"
    for statement, offer in ((sold, []), (change, None)):
        database.execute(statement, (NOW - timedelta(hours=1),))
        try:
            (found,) = favourites().json()["favourites"]
        finally:
            database.execute(statement, (None,))
        assert found["title"] == "Play"
        assert (found["offer"] and found["offer"]["sessions"]) == offer


@pytest.fixture
def offered(database):
    """Offer a work once more, at a venue or online, for so many euros; it is gone later."""

    def offer(name, item, venue, price_eur, quantity=None):
        database.execute(
            "insert into core.offer (external_id, item_id, venue_id) select %s, i.id,"
            " (select id from core.venue where external_id = %s)"
            " from core.item i where i.external_id = %s",
            (name, venue, item),
        )
        database.execute(
            "insert into core.stock (external_id, offer_id, price_cents, quantity)"
            " select %s, id, %s, %s from core.offer where external_id = %s",
            (name, price_eur * 100, quantity, name),
        )

    yield offer
    for table in ("stock", "offer"):
        database.execute(f"delete from core.{table} where external_id like 'again-%%'")


def test_what_cannot_be_booked_where_it_was_kept_is_told_of_elsewhere(
    tell, favourites, database, offered
):
    tell("film-tonight", "favourite", 1)

    def elsewhere():
        (found,) = favourites().json()["favourites"]
        assert found["offer_id"] == "film-tonight"
        return found["elsewhere"] and found["elsewhere"]["offer_id"]

    # It can be booked where it was kept.
    offered("again-online", "film", None, 5)
    assert elsewhere() is None
    sold = "update core.stock set cancelled_at = %s where external_id = %s"
    withdrawn = "update core.offer set withdrawn_at = %s where external_id = 'film-tonight'"
    try:
        for statement, given in ((sold, ("film-tonight",)), (withdrawn, ())):
            database.execute(statement, (NOW, *given))
            assert elsewhere() == "again-online"
        # The nearest, if a place is left; a village 230 km away is not near.
        offered("again-theatre", "film", "theatre", 9)
        assert elsewhere() == "again-theatre"
        offered("again-cinema", "film", "cinema", 9, quantity=0)
        assert elsewhere() == "again-theatre"
        (found,) = favourites().json()["favourites"]
        assert found["elsewhere"]["sessions"][0]["price_cents"] == 900
        for name in ("again-theatre", "again-online"):
            database.execute(sold, (NOW, name))
        assert elsewhere() is None
    finally:
        database.execute(sold, (None, "film-tonight"))
        database.execute(withdrawn, (None,))


def test_what_is_kept_is_what_a_feed_takes_for_wanted(tell, favourites):
    draw = np.random.default_rng(5)
    told = []
    for _ in range(40):
        offer, kind = str(draw.choice(list(OFFERS))), str(draw.choice(EVENT_KINDS))
        hours = draw.choice([None, 1, 2, 3, 4])
        if (offer, kind, hours) in told:
            continue
        told.append((offer, kind, hours))
        tell(*told[-1])
        never = np.datetime64("NaT")
        names = sorted(set(OFFERS.values()))
        unwanted = dismissed(
            np.array([names.index(OFFERS[offer]) for offer, _, _ in told]),
            np.array([EVENT_KINDS.index(kind) for _, kind, _ in told], dtype=np.int8),
            np.array([never if h is None else np.datetime64(0, "us") - h for *_, h in told],
                     dtype="datetime64[us]"),
        )  # fmt: skip
        once = {OFFERS[offer] for offer, kind, _ in told if kind == "favourite"}
        found = {one["item_id"] for one in favourites().json()["favourites"]}
        assert found == once - {names[row] for row in unwanted}


def test_pages_follow_each_other_and_leave_nothing_out(tell, favourites):
    for offer, hours in (("manga-shop", None), ("play-friday", 2), ("opera-dear", 2),
                         ("film-tonight", None)):  # fmt: skip
        tell(offer, "favourite", hours)
    pages = [favourites(n=1).json()]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(favourites(n=1, cursor=cursor).json())
    found = [one["offer_id"] for page in pages for one in page["favourites"]]
    assert found == kept(favourites())
    assert len(set(found)) == len(found) == len(pages) == 4
    assert all(before != after for before, after in pairwise(found))
    refused = favourites(cursor="Wzdd")
    assert (refused.status_code, refused.json()["field"]) == (422, "cursor")


def test_they_are_ones_own_and_nobodys_where_nobody_is_known(
    client, key, database, tell, favourites
):
    tell("manga-shop", "favourite", 1)
    token = client.post("/v1/users/reader/token", headers=key).json()["token"]
    mine = {"Authorization": f"Bearer {token}"}
    assert kept(favourites(headers=mine)) == ["manga-shop"]
    assert favourites(user="free", headers=mine).status_code == 403
    assert favourites(user="nobody").status_code == 404
    assert kept(favourites(user="free")) == []
    assert favourites(headers={}).status_code == 401
    erased = "update core.beneficiary set erased_at = %s where external_id = 'free'"
    database.execute(erased, (NOW,))
    try:
        assert favourites(user="free").status_code == 404
    finally:
        database.execute(erased, (None,))
