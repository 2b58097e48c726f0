"""A world in which somebody left a trace in every table that can hold one."""

import pytest
from traces import inhabit


@pytest.fixture
def inhabited(world, connection):
    """The small world, with Lou's traces."""
    inhabit(world, connection)
    return world
