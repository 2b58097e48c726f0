"""A running worker shows what changed: told or not, its connection cut or not."""

import threading
from datetime import timedelta
from unittest.mock import Mock

import numpy as np
import pytest
from worlds import NOW, book, small_world

from reco.catalogue.build import build_catalogue
from reco.catalogue.changes import read_changes
from reco.catalogue.current import current_base
from reco.catalogue.shelf import rows_on
from reco.catalogue.watch import LISTENER, CatalogueWatch, _Rebuild
from reco.db.outage import Outage
from reco.feed.query import feed_query
from reco.settings import Settings
from reco.worker import Worker

SECRET = "a secret of at least thirty-two bytes"
QUERY = feed_query(now=NOW, default_radius_m=5e4, user_id="reader", radius_km=50.0)
DEADLINE_S = 60.0
"""Far more than it takes: a loaded machine must not fail a test."""


class ObservedWorker(Worker):
    """Tells when another catalogue is served."""

    def __init__(self, *arguments):
        self.served = threading.Condition()
        self.taken = []
        super().__init__(*arguments)

    def _take_catalogue(self, catalogue):
        super()._take_catalogue(catalogue)
        self.taken.append(catalogue)
        with self.served:
            self.served.notify_all()

    def wait_until(self, holds):
        """Wait until `holds` is true of the served catalogue."""
        with self.served:
            assert self.served.wait_for(lambda: holds(self.serving.catalogue), DEADLINE_S)


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def town(connection):
    small_world(connection)
    return connection


@pytest.fixture
def worker(world, town, clock):
    with ObservedWorker(Settings(home=world.folder), world, SECRET, clock) as worker:
        yield worker


def row_id(connection, table, external_id):
    query = f"select id from core.{table} where external_id = %s"
    return connection.execute(query, (external_id,)).fetchone()[0]


def stocks(catalogue):
    """Return the price of every stock that the catalogue shows, by id."""
    base = rows_on(catalogue.base)
    struck = np.isin(base.offer, catalogue.base.offer_id[catalogue.replaced])
    rows = base.take(~struck).merged(rows_on(catalogue.fresh))
    return dict(zip(rows.stock.tolist(), rows.price_cents.tolist(), strict=True))


def fed(worker):
    return {item.offer_id for item in worker.feed(QUERY).items}


def test_sold_out_and_places_again(worker, town):
    film = row_id(town, "stock", "film-tonight")
    assert "film-tonight" in fed(worker)
    # No notice is sent for these: the next look finds them.
    book(town, "free", "film-tonight", NOW, quantity=2)
    assert "film-tonight" not in fed(worker)
    worker.wait_until(lambda catalogue: film not in stocks(catalogue))
    town.execute("update core.booking set cancelled_at = %s where stock_id = %s", (NOW, film))
    worker.wait_until(lambda catalogue: film in stocks(catalogue))
    assert "film-tonight" in fed(worker)


@pytest.mark.parametrize(
    "change",
    [
        "update core.offer set withdrawn_at = %s where external_id = 'play-friday'",
        "update core.stock set cancelled_at = %s where external_id = 'play-friday'",
    ],
    ids=["withdrawn", "cancelled"],
)
def test_withdrawn_and_cancelled(worker, town, change):
    play = row_id(town, "stock", "play-friday")
    town.execute(change, (NOW,))
    assert "play-friday" not in fed(worker)
    worker.wait_until(lambda catalogue: play not in stocks(catalogue))


def test_what_a_clock_that_runs_ahead_has_cancelled_is_cancelled(worker, town):
    town.execute(
        "update core.stock set cancelled_at = %s where external_id = 'play-friday'",
        (NOW + timedelta(minutes=2),),
    )
    assert "play-friday" not in fed(worker)
    book(town, "free", "film-tonight", NOW + timedelta(minutes=2), quantity=2)
    assert "film-tonight" not in fed(worker)
    play, film = (row_id(town, "stock", stock) for stock in ("play-friday", "film-tonight"))
    worker.wait_until(lambda catalogue: not {play, film} & set(stocks(catalogue)))


def test_repriced(worker, town):
    manga = row_id(town, "stock", "manga-shop")
    town.execute("update core.stock set price_cents = 1234 where id = %s", (manga,))
    worker.wait_until(lambda catalogue: stocks(catalogue)[manga] == 1234)
    shown = {item.offer_id: item for item in worker.feed(QUERY).items}["manga-shop"]
    assert shown.sessions[0].price_cents == 1234


def test_published(worker, town):
    town.execute(
        "with thing as (insert into core.item (external_id, category_id, subcategory_id, title)"
        " select 'concert', category_id, subcategory_id, 'Concert' from core.item"
        " where external_id = 'play' returning id), made as ("
        " insert into core.offer (external_id, item_id, venue_id, published_at)"
        " select 'concert', thing.id, v.id, %s from thing, core.venue v"
        " where v.external_id = 'theatre' returning id)"
        " insert into core.stock (external_id, offer_id, price_cents)"
        " select 'concert', id, 500 from made",
        (NOW,),
    )
    concert = row_id(town, "stock", "concert")
    worker.wait_until(lambda catalogue: concert in stocks(catalogue))
    assert "concert" in fed(worker)
    similar = worker.similar("play-friday", 5, NOW)
    assert "concert" in {item.offer_id for item in similar}


def test_a_cut_connection_misses_nothing(worker, town):
    manga = row_id(town, "stock", "manga-shop")
    for price_cents in (111, 222, 333):
        cut = town.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where application_name = %s and datname = current_database()",
            (LISTENER,),
        ).fetchone()
        assert cut is not None
        town.execute("update core.stock set price_cents = %s where id = %s", (price_cents, manga))
        worker.wait_until(lambda catalogue, price=price_cents: stocks(catalogue)[manga] == price)


def test_a_base_built_anew_in_the_middle_loses_nothing(worker, town, monkeypatch):
    for module in ("changes", "current", "watch"):
        monkeypatch.setattr(f"reco.catalogue.{module}.MAX_CHANGED", 6)
    monkeypatch.setattr("reco.catalogue.watch._REBUILD_EVERY_S", 0.0)
    monkeypatch.setattr("reco.catalogue.watch._REST_S", 0.0)
    first = worker.serving.catalogue
    for turn in range(60):
        town.execute("update core.stock set price_cents = %s where id = %s", (turn, turn % 11 + 1))
    town.execute("update core.stock set price_cents = 4321 where external_id = 'manga-shop'")
    manga = row_id(town, "stock", "manga-shop")
    worker.wait_until(lambda catalogue: stocks(catalogue)[manga] == 4321)
    assert stocks(worker.serving.catalogue) == stocks(build_catalogue(town, NOW))
    # Everything at once is more than can be amended: only a new base shows it.
    town.execute("update core.stock set price_cents = price_cents + 10000")
    worker.wait_until(lambda catalogue: stocks(catalogue)[manga] == 14321)
    assert worker.serving.catalogue.base is not first.base
    assert stocks(worker.serving.catalogue) == stocks(build_catalogue(town, NOW))


def test_what_only_a_new_base_shows_is_not_read_again_until_there_is_one(world, town, monkeypatch):
    may_build, taken = threading.Event(), []

    def built(*asked):
        assert may_build.wait(DEADLINE_S)
        return current_base(*asked)

    read = Mock(wraps=read_changes)
    for module in ("changes", "current"):
        monkeypatch.setattr(f"reco.catalogue.{module}.MAX_CHANGED", 6)
    monkeypatch.setattr("reco.catalogue.watch.current_base", built)
    monkeypatch.setattr("reco.catalogue.watch.read_changes", read)
    watch = CatalogueWatch(world, lambda: NOW, taken.append, Outage())
    watch.look(town)
    town.execute("update core.stock set price_cents = price_cents + 10000")
    for _ in range(4):
        watch.look(town)
    assert read.call_count == 2
    may_build.set()
    watch._rebuild.join(DEADLINE_S)
    watch.look(town)
    assert read.call_count == 3
    assert stocks(taken[-1]) == stocks(build_catalogue(town, NOW))
    assert stocks(taken[-1]) != stocks(taken[0])


def test_an_old_base_is_built_anew_while_changes_go_on(worker, town, clock):
    first = worker.serving.catalogue
    clock.now = NOW + timedelta(hours=1)
    worker.wait_until(lambda catalogue: catalogue.base is not first.base)
    manga = row_id(town, "stock", "manga-shop")
    town.execute("update core.stock set price_cents = 99 where id = %s", (manga,))
    worker.wait_until(lambda catalogue: stocks(catalogue)[manga] == 99)


def test_a_start_takes_an_old_base_and_brings_a_younger(world, town, clock):
    current_base(town, world.catalogue, NOW)
    clock.now = NOW + timedelta(hours=1)
    with ObservedWorker(Settings(home=world.folder), world, SECRET, clock) as later:
        later.wait_until(lambda catalogue: catalogue.at == clock.now)
        assert later.taken[0].at == NOW


def test_two_workers_share_a_base_and_both_are_fresh(worker, world, town, clock):
    with ObservedWorker(Settings(home=world.folder), world, SECRET, clock) as other:
        first, second = worker.serving.catalogue, other.serving.catalogue
        assert first.version.split("+")[0] == second.version.split("+")[0]
        manga = row_id(town, "stock", "manga-shop")
        town.execute("update core.stock set price_cents = 99 where id = %s", (manga,))
        for each in (worker, other):
            each.wait_until(lambda catalogue: stocks(catalogue)[manga] == 99)


def test_a_base_that_cannot_be_built_is_tried_ever_more_seldom(world, monkeypatch):
    monkeypatch.setattr("reco.catalogue.watch.current_base", fails)
    pauses = [5.0]
    for _ in range(9):
        rebuild = _Rebuild(world, NOW, pauses[-1])
        rebuild.run()
        assert not rebuild.is_over()
        pauses.append(rebuild.next_pause_s())
    assert pauses == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0, 600.0, 600.0]


def fails(*_):
    raise RuntimeError


def test_what_could_not_be_taken_is_taken_at_the_next_look(world, town):
    take = Mock(side_effect=[MemoryError, None])
    watch = CatalogueWatch(world, lambda: NOW, take, Outage())
    with pytest.raises(MemoryError):
        watch.look(town)
    watch.look(town)
    watch.look(town)
    first, second = (call.args[0] for call in take.call_args_list)
    assert first.version == second.version


def test_what_is_older_than_usual_is_told(worker, clock, monkeypatch):
    told = ["model: none is published; popularity is served"]
    assert worker.missing() == told
    monkeypatch.setattr("reco.catalogue.watch.current_base", fails)
    clock.now = NOW + timedelta(hours=1)
    assert worker.missing() == ["base: 60 min old", *told]
    monkeypatch.setattr("reco.catalogue.watch._LATE_S", -1.0)
    assert worker.missing()[0].startswith("changes: not looked at for ")
    # Nothing is to be built any more.
    clock.now = NOW
