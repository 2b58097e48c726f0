import pyarrow as pa

from training.cohort.world import make_world

from .conftest import SEED, TINY


class Pool:
    """Notes how much Arrow has in use whenever it is to give back what it has not."""

    def __init__(self):
        self.in_use = []

    def release_unused(self):
        self.in_use.append(pa.total_allocated_bytes())


def test_what_only_the_making_of_a_world_took_is_given_back(monkeypatch):
    pool = Pool()
    monkeypatch.setattr("pyarrow.default_memory_pool", lambda: pool)
    world = make_world(TINY, SEED)
    drawn, read, last = pool.in_use
    # The frames are gone by then, and of what was read from them there is nothing else.
    assert last < min(drawn, read)
    assert last == pa.total_allocated_bytes()
    assert len(world.past.names.stock_id)
