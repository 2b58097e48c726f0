"""Killed backends and a restart of the server in the middle lose nothing and double nothing."""

import random
import subprocess
import threading
from collections import Counter

import psycopg
import pytest
from worlds import NOW, small_world

from reco.core.bookings import Order, book
from reco.db.cluster import Cluster
from reco.db.migrate import migrate
from reco.db.pool import connected, open_pool
from reco.errors import RuleBroken, Unavailable
from reco.world import World

USERS = 40
ATTEMPTS = 600
PLACES = 30
THREADS = 8


@pytest.fixture
def durable(tmp_path_factory):
    """A cluster that keeps what it committed, and a world in it; it is crashed in the test."""
    cluster = Cluster(tmp_path_factory.mktemp("durable"))
    cluster.up()
    cluster.create_database("reco_crash")
    world = World("crash", tmp_path_factory.mktemp("crash"), cluster.conninfo("reco_crash"))
    migrate(world)
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
        connection.execute(
            "with made as (insert into core.beneficiary (external_id)"
            " select 'c' || n from generate_series(1, %s) n returning id)"
            " insert into core.deposit (user_id, amount_cents, granted_at)"
            " select id, 50000, %s from made",
            (USERS, NOW),
        )
        connection.execute("update core.stock set quantity = %s", (PLACES,))
    yield cluster, world
    cluster.down()


class Chaos:
    """What goes wrong after so many attempts: backends die, then the whole server."""

    def __init__(self, cluster, world):
        self._cluster, self._world = cluster, world
        self._plan = dict.fromkeys(range(50, ATTEMPTS, 50), self._kill_backends)
        self._plan[ATTEMPTS // 2] = self._crash

    def after(self, attempts):
        self._plan.get(attempts, lambda: None)()

    def _kill_backends(self):
        with psycopg.connect(self._world.conninfo, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )

    def _crash(self):
        """Kill the server as a crash does, without a word to anybody, and start it again."""
        lock = self._cluster.folder / "data" / "postmaster.pid"
        subprocess.run(["kill", "-QUIT", lock.read_text().split()[0]], check=True)
        # It answers nobody before it is gone, and this is the last that it leaves.
        while lock.exists():
            pass
        self._cluster.up()


def insistently(pool, order, key):
    """Book as an app does: the same key again while the service does not answer."""
    while True:
        try:
            with connected(pool) as connection:
                return book(connection, order, key, NOW)
        except RuleBroken as broken:
            return broken.rule
        except Unavailable:
            continue


def attempts():
    chance = random.Random(4)
    stocks = ["play-friday", "classic-soon", "film-tonight", "manga-shop", "ebook-online"]
    return [
        (f"a{n}", Order(f"c{chance.randint(1, USERS)}", chance.choice(stocks)))
        for n in range(ATTEMPTS)
    ]


def answers_through(world, chaos, todo):
    answers, lock, waiting = {}, threading.Lock(), iter(todo)

    def work(pool):
        while True:
            with lock:
                key, order = next(waiting, (None, None))
            if key is None:
                return
            answer = insistently(pool, order, key)
            with lock:
                answers[key] = answer
                done = len(answers)
            chaos.after(done)

    with open_pool(world.conninfo, THREADS) as pool:
        threads = [threading.Thread(target=work, args=(pool,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return answers


@pytest.mark.slow
def test_crashes_lose_nothing_and_double_nothing(durable):
    cluster, world = durable
    todo = attempts()
    answers = answers_through(world, Chaos(cluster, world), todo)
    booked = {key: answer for key, answer in answers.items() if not isinstance(answer, str)}
    refused = Counter(answer for answer in answers.values() if isinstance(answer, str))
    assert len(answers) == ATTEMPTS
    assert set(refused) == {"one_booking_an_offer", "sold_out"}
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        kept = connection.execute(
            "select b.id::text, u.external_id, s.external_id, b.amount_cents from core.booking b"
            " join core.beneficiary u on u.id = b.user_id join core.stock s on s.id = b.stock_id"
            " where u.external_id ~ '^c[0-9]+$'"
        ).fetchall()
        # What was answered is what is kept, each booking under one key.
        told = [(b.booking_id, b.user_id, b.stock_id, b.amount_cents) for b in booked.values()]
        assert sorted(kept) == sorted(told)
        assert len({booking_id for booking_id, *_ in kept}) == len(booked)
        assert max(Counter(stock for _, _, stock, _ in kept).values()) <= PLACES
        lines = connection.execute(
            "select -sum(amount_cents) from core.ledger where booking_id = any(%s)",
            ([int(booking_id) for booking_id, *_ in kept],),
        ).fetchone()
        assert lines == (sum(amount_cents for *_, amount_cents in kept),)
        # Another retry of every request gets the same answer.
        with open_pool(world.conninfo, 1) as pool:
            assert {key: insistently(pool, order, key) for key, order in todo} == answers
