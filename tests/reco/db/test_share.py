"""A part of a pool: how many wait for it, and for how long."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice

import pytest

from reco.db.pool import open_pool
from reco.db.share import MOST_WAIT, Share
from reco.errors import Unavailable

BEYOND = 5


def lent(share):
    try:
        with share.connected() as connection:
            return connection.execute("select 'lent'").fetchone()[0]
    except Unavailable:
        return "refused"


def test_some_wait_and_those_beyond_are_refused_at_once(world):
    crowd = MOST_WAIT + BEYOND
    with open_pool(world.conninfo, 1) as pool, ThreadPoolExecutor(crowd) as threads:
        share = Share(pool, 1)
        share.longest_wait_s = 60.0
        with share.connected():
            asked = [threads.submit(lent, share) for _ in range(crowd)]
            # Nobody has given anything back: who is told something now did not wait.
            told = [one.result() for one in islice(as_completed(asked, timeout=30.0), BEYOND)]
            assert told == ["refused"] * BEYOND
            assert sum(one.done() for one in asked) == BEYOND
        assert Counter(one.result(30.0) for one in asked) == {"lent": MOST_WAIT, "refused": BEYOND}
        # Who waited has left their seat.
        assert lent(share) == "lent"


def test_who_comes_after_one_that_waited_in_vain_waits_little(world, monkeypatch):
    # However late those after it come.
    monkeypatch.setattr("reco.db.patience.PATIENCE_S", 600.0)
    with open_pool(world.conninfo, 1) as pool, ThreadPoolExecutor(1) as threads:
        share = Share(pool, 1)
        assert share.patience_s == share.longest_wait_s == pool.longest_wait_s
        with share.connected():
            share.longest_wait_s = 0.01
            with pytest.raises(Unavailable, match="Very many"), share.connected():
                pass
            share.longest_wait_s = 60.0
            assert share.patience_s == 0.1
            assert threads.submit(lent, share).result(30.0) == "refused"
        assert lent(share) == "lent"
