"""Nobody is lost between the parent, which accepts, and its workers, turn by turn."""

import select
import socket
from contextlib import ExitStack

import pytest

from reco.api.spread import Spreader

WAITING = 100
"""More than a channel takes."""


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def listening(stack):
    bound = stack.enter_context(socket.socket())
    bound.bind(("127.0.0.1", 0))
    return bound


@pytest.fixture
def spreader(listening):
    spreader = Spreader(listening, 2 * WAITING)
    yield spreader
    of_its_own = (spreader.entrance, spreader._announced, spreader._told_to_close)
    for opened in (*spreader._held, *of_its_own, spreader._close_asked, spreader._selector):
        opened.close()


def joined(stack, spreader):
    """Return the channel of a worker that has announced itself."""
    channel, parents = socket.socketpair()
    with parents:
        socket.send_fds(spreader.entrance, [b"."], [parents.fileno()])
    spreader.turn()
    channel.setblocking(False)
    return stack.enter_context(channel)


def client(stack, listening):
    return stack.enter_context(socket.create_connection(listening.getsockname()))


def taken(channel):
    """Return who was handed on, by their addresses."""
    addresses = []
    try:
        while descriptors := socket.recv_fds(channel, 1, 1)[1]:
            with socket.socket(fileno=descriptors[0]) as connection:
                addresses.append(connection.getpeername())
    except BlockingIOError:
        pass
    return addresses


def test_where_one_worker_has_just_died_another_is_handed_the_connection(
    stack, listening, spreader
):
    dead, alive = joined(stack, spreader), joined(stack, spreader)
    waiting = client(stack, listening)
    dead.close()
    spreader.turn()
    assert taken(alive) == [waiting.getsockname()]


def test_where_no_worker_is_left_connections_wait_for_the_next(stack, listening, spreader):
    dead = joined(stack, spreader)
    waiting = client(stack, listening)
    dead.close()
    spreader.turn()
    replaced = joined(stack, spreader)
    spreader.turn()
    assert taken(replaced) == [waiting.getsockname()]


def test_more_connections_than_a_worker_takes_wait(stack, listening, spreader):
    busy = joined(stack, spreader)
    clients = [client(stack, listening) for _ in range(WAITING)]
    for _ in clients:
        spreader.turn()
    # Nobody is turned away.
    assert select.select(clients, [], [], 0.0)[0] == []
    addresses = taken(busy)
    assert 0 < len(addresses) < WAITING
    while len(addresses) < WAITING:
        spreader.turn()
        addresses += taken(busy)
    assert addresses == [waiting.getsockname() for waiting in clients]
