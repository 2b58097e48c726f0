"""Connections of a worker: those that are of no use any more are left."""

import pytest
from worlds import take_changes

from reco.db.pool import connected, open_pool
from reco.errors import Unavailable

_INSERT = "insert into core.category (name) values ('FILM')"


def test_a_database_that_takes_no_changes_is_unavailable_until_it_does_again(world, connection):
    take_changes(connection, whether=False)
    with open_pool(world.conninfo, 1) as pool:
        with (
            pytest.raises(Unavailable, match="takes no changes"),
            connected(pool) as lent,
            lent.transaction(),
        ):
            lent.execute(_INSERT)
        take_changes(connection, whether=True)
        with connected(pool) as lent:
            assert lent.execute(_INSERT).rowcount == 1
