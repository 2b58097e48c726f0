"""A work that nobody has met, and that the model has never heard of, is scored when published."""

from datetime import timedelta

import numpy as np
import psycopg
import pytest
from champions import train_champion
from worlds import NOW, book, small_world

from reco.catalogue.contents import read_contents
from reco.errors import Unavailable
from reco.feed.query import feed_query
from reco.settings import Settings
from reco.worker import Worker

QUERY = feed_query(now=NOW, default_radius_m=5e4, user_id="free", radius_km=50.0)


@pytest.fixture(scope="module")
def trained(new_world):
    """The small world, in which some like books and others films, and its model."""
    world = new_world()
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
        likes = {"free": "books", "late": "books", "broke": "films", "villager": "films"}
        of = {"books": ("manga-shop", "novel-shop"), "films": ("film-tonight", "classic-past")}
        for day, (user, kind) in enumerate(likes.items()):
            for stock in of[kind]:
                book(connection, user, stock, NOW - timedelta(days=2 + day))
    train_champion(world, "als", now=NOW)
    return world


@pytest.fixture
def worker(trained):
    secret = "a secret of at least thirty-two bytes"
    with Worker(Settings(home=trained.folder), trained, secret, lambda: NOW) as worker:
        yield worker


@pytest.fixture
def database(trained):
    with psycopg.connect(trained.conninfo, autocommit=True) as connection:
        yield connection


def publish(connection, name):
    """Publish a new book at the bookshop."""
    connection.execute(
        "insert into core.item (external_id, title, category_id, subcategory_id, genres)"
        " select %s, 'Une Suite de la Manga', category_id, subcategory_id, genres"
        " from core.item where external_id = 'manga'",
        (name,),
    )
    connection.execute(
        "insert into core.offer (external_id, item_id, venue_id) select %s, i.id, v.id"
        " from core.item i, core.venue v"
        " where i.external_id = %s and v.external_id = 'bookshop'",
        (name, name),
    )
    connection.execute(
        "insert into core.stock (external_id, offer_id, price_cents)"
        " select %s, id, 800 from core.offer where external_id = %s",
        (name, name),
    )


def row_of(serving, name):
    """Return the model's row that the catalogue's item is scored by."""
    ids = serving.catalogue.items.item_external_id
    return int(serving.model_rows[np.flatnonzero(ids == name.encode())[0]])


def test_it_is_scored_as_its_like_from_the_next_look_on(worker, database):
    publish(database, "sequel")
    worker.refresh()
    model = worker.serving.model
    assert b"sequel" not in model.items
    assert model.items[row_of(worker.serving, "sequel")] in {b"manga", b"novel"}
    assert "sequel" in {item.offer_id for item in worker.feed(QUERY).items}


def test_what_the_model_knows_but_nobody_met_has_a_stand_in(worker):
    model = worker.serving.model
    met = set(model.items[np.unique(model.history_item)].tolist())
    assert b"play" not in met
    assert model.items[row_of(worker.serving, "play")] in met


def test_without_the_database_it_is_ranked_by_popularity(worker, database, monkeypatch):
    def away(*_, **__):
        raise Unavailable("away")

    publish(database, "third")
    with monkeypatch.context() as patched:
        patched.setattr("reco.worker.read_contents", away)
        worker.refresh()
    assert row_of(worker.serving, "third") == -1
    assert "third" in {item.offer_id for item in worker.feed(QUERY).items}


def test_contents_come_in_the_order_asked_for(trained, database):
    contents = read_contents(database, np.array([b"play", b"nothing", b"novel"]))
    assert contents[1] is None
    assert (contents[0].category, contents[2].category) == ("SPECTACLE", "LIVRE")
    assert (contents[2].price_cents, contents[2].venue) == (1500, "bookshop")
    assert contents[0].genres == ("genre of play",)
