"""The small world, whose core is used for real."""

import pytest
from worlds import small_world


@pytest.fixture
def small(connection):
    """A connection to a fresh small world."""
    small_world(connection)
    return connection
