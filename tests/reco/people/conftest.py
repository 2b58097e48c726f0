"""A world in which somebody left a trace in every table that can hold one."""

from datetime import timedelta

import pytest
from traces import inhabit
from worlds import NOW, book


@pytest.fixture
def inhabited(world, connection):
    """The small world, with Lou's traces."""
    inhabit(world, connection)
    return world


@pytest.fixture
def crowded(inhabited, connection):
    """Lou's world, with others who booked what Lou did, so that there is something to learn."""
    for day, (user, stock) in enumerate(
        (u, s)
        for u in ("free", "late", "broke", "villager")
        for s in ("manga-shop", "novel-shop", "film-tonight", "classic-soon", "fair-village")
    ):
        book(connection, user, stock, NOW - timedelta(days=2 + day))
    return inhabited
