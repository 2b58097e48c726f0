"""What works and venues are called is as it is now, whatever the cards say."""

from dataclasses import replace

import psycopg
import pytest
from worlds import NOW, small_world

from reco.catalogue.build import build_catalogue
from reco.catalogue.cards import MOST_UNSEEN, NO_CARDS, UNSEEN
from reco.catalogue.changes import amended, count_changed, read_changes
from reco.feed.generation import generation
from reco.feed.query import feed_query
from reco.feed.readback import read_live
from reco.feed.situation import read_situation

PLAIN = """
select o.external_id, i.external_id, i.title, i.image_url, i.genres, c.name, s.name,
  o.venue_id is null or coalesce(s.is_digital, false), v.external_id, v.name, v.venue_type,
  v.timezone, st_y(v.location::geometry), st_x(v.location::geometry), t.external_id,
  core.cap_of(s.is_event, s.is_digital, s.is_physical, t.starts_at is not null,
    o.venue_id is not null)
from core.offer o join core.item i on i.id = o.item_id join core.category c on c.id = i.category_id
left join core.subcategory s on s.id = i.subcategory_id left join core.venue v on v.id = o.venue_id
join core.stock t on t.offer_id = o.id
where o.published_at <= %(now)s and (t.starts_at is null or t.starts_at > %(now)s)
"""
CHANGES = {
    "title": "update core.item set title = 'L''été \"à\"\nvoix \\' where external_id = 'novel'",
    "no title": "update core.item set title = null, image_url = ''",
    "genres": "update core.item set genres = array[null, 'b', 'a'] where external_id = 'manga'",
    "another work": "update core.offer set item_id = (select id from core.item"
    " where external_id = 'play') where external_id = 'film-village'",
    "new work": "with made as (insert into core.item (external_id, title, category_id)"
    " select 'new', 'New', min(id) from core.category returning id) update core.offer"
    " set item_id = (select id from made) where external_id = 'film-tonight'",
    "subcategory": "update core.item set subcategory_id = null where external_id = 'ebook'",
    "name of a category": "update core.category set name = 'LECTURE' where name = 'LIVRE'",
    "taxonomy": "update core.subcategory set is_digital = true where name = 'LIVRE_PAPIER'",
    "venue": "update core.venue set name = 'Elsewhere', timezone = 'Europe/Paris',"
    " location = st_setsrid(st_makepoint(0.1, 51.3), 4326)::geography"
    " where external_id = 'theatre'",
    "kind of venue": "update core.venue set venue_type = null where external_id = 'cinema'",
    "place": "update core.offer set venue_id = null where external_id = 'play-friday'",
}


@pytest.fixture
def town(connection):
    small_world(connection)
    return connection


def told(connection, cards):
    """Return what a read-back tells of each offer, and what each of its stocks counts against."""
    ids, caps = [row[0] for row in connection.execute("select id from core.offer")], {}

    def is_asked(session, cap):
        caps[session.stock_id] = cap
        return True

    live = read_live(connection, cards, ids, NOW, is_asked)
    offers = {
        offer.offer_id: (
            *(offer.item_id, offer.title, offer.image_url, offer.genres, offer.category),
            *(offer.subcategory, offer.is_digital, offer.venue_id, offer.venue_name),
            *(offer.venue_type, offer.timezone, offer.lat, offer.lon),
        )
        for offer in live.values()
        if offer.sessions
    }
    return offers, caps


def plain(connection):
    """Return the same, from the tables."""
    rows = connection.execute(PLAIN, {"now": NOW}).fetchall()
    return {row[0]: row[1:14] for row in rows}, {row[14]: row[15] for row in rows}


def unseen(connection, cards):
    return connection.execute(UNSEEN, {"seen": cards.seen.snapshot}).fetchone()[0]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_has_just_changed_is_told_as_it_is(town, change):
    catalogue = build_catalogue(town, NOW)
    assert told(town, catalogue.cards) == plain(town)
    assert unseen(town, catalogue.cards) is None
    town.execute(change)
    now = plain(town)
    assert told(town, catalogue.cards) == now
    assert told(town, NO_CARDS) == now
    later = amended(catalogue, read_changes(town, catalogue, NOW))
    assert unseen(town, later.cards) is None
    assert told(town, later.cards) == now
    # All of that is on cards.
    ids = [{row[0] for row in town.execute(f"select id from core.{t}")} for t in ("item", "venue")]
    found = [deck.find(None, some, set()) for deck, some in zip(decks(later), ids, strict=True)]
    assert [set(cards) for cards in found] == ids


def decks(catalogue):
    return catalogue.cards.items, catalogue.cards.venues


def test_who_commits_late_is_told(town, world):
    with psycopg.connect(world.conninfo) as late:
        late.execute("update core.item set title = 'Late' where external_id = 'manga'")
        catalogue = build_catalogue(town, NOW)
        town.execute("update core.venue set name = 'Soon' where external_id = 'cinema'")
        later = amended(catalogue, read_changes(town, catalogue, NOW))
        assert later.version == f"{catalogue.version}+1"
        for known in (catalogue, later):
            assert told(town, known.cards) == plain(town)
        late.commit()
    for known in (catalogue, later):
        assert told(town, known.cards) == plain(town)
        assert told(town, known.cards)[0]["manga-shop"][1] == "Late"


def test_after_too_many_changes_no_card_is_trusted(town, monkeypatch):
    monkeypatch.setattr("reco.catalogue.cards.MOST_UNSEEN", 2)
    catalogue = build_catalogue(town, NOW)
    town.execute("update core.item set title = title || '!'")
    town.execute("update core.venue set name = name || '!'")
    assert len(unseen(town, catalogue.cards)) > 2
    assert told(town, catalogue.cards) == plain(town)


def test_what_changed_a_thousand_times_hides_no_other_change(town):
    catalogue = build_catalogue(town, NOW)
    town.execute(
        "do $$ begin for n in 1..1001 loop update core.item set title = n::text"
        " where external_id = 'manga'; end loop; end $$"
    )
    town.execute("update core.item set title = 'Other' where external_id = 'novel'")
    assert len(set(unseen(town, catalogue.cards))) <= MOST_UNSEEN
    assert told(town, catalogue.cards) == plain(town)


def test_what_a_dump_brought_from_another_cluster_is_no_change(town):
    town.execute(
        "insert into core.change (transaction_id, entity, entity_id, operation) values"
        " (10 ^ 12, 'item', 1, 'update'), (10 ^ 12, 'venue', 1, 'update'),"
        " (10 ^ 12, 'offer', 1, 'update')"
    )
    catalogue = build_catalogue(town, NOW)
    assert count_changed(town, catalogue.seen) == 0
    assert amended(catalogue, read_changes(town, catalogue, NOW)).version == catalogue.version
    assert unseen(town, catalogue.cards) is None
    town.execute("update core.item set title = 'Other' where id = 1")
    assert unseen(town, catalogue.cards) == [1]
    assert read_changes(town, catalogue, NOW).cards.items.find(None, [1], set())[1].title == "Other"


def test_a_work_that_nobody_can_book_is_renamed_in_the_catalogue_too(town):
    town.execute("update core.offer set withdrawn_at = %s where item_id = 1", (NOW,))
    built = build_catalogue(town, NOW)
    town.execute("update core.item set title = 'Other' where id = 1")
    later = amended(built, read_changes(town, built, NOW))
    assert later.version != built.version
    assert later.cards.items.find(None, [1], set())[1].title == "Other"


def test_what_was_booked_is_told_by_the_cards(town):
    built = build_catalogue(town, NOW)
    town.execute("update core.item set title = 'Other'")
    town.execute("delete from core.stock where id not in (select stock_id from core.booking)")
    later = amended(built, read_changes(town, built, NOW))
    query = feed_query(now=NOW, default_radius_m=5e4, user_id="reader")
    for cards in (NO_CARDS, later.cards):
        serving = generation(replace(later, cards=cards), None)
        (booked,) = read_situation(town, serving, query).state.bookings
        assert (booked.item, booked.title, booked.cap) == ("novel", "Other", "physical")
        assert (booked.category, booked.subcategory) == ("LIVRE", "LIVRE_PAPIER")
        assert (booked.venue, booked.venue_type) == ("bookshop", "bookshop")
        assert booked.genres == ["genre of novel"]
