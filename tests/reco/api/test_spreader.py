"""Nobody is lost between the parent, which accepts, and its workers, turn by turn."""

import select
import socket
import threading
from contextlib import ExitStack

import pytest

from reco.api import spread
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


def turning(stack, spreader):
    """Let the spreader turn beside the test until it has closed."""

    def turn():
        while not spreader._is_closed.is_set():
            spreader.turn()

    thread = threading.Thread(target=turn)
    thread.start()
    stack.callback(thread.join)


def test_who_waits_when_it_closes_is_handed_on_as_there_is_room(
    stack, listening, spreader, monkeypatch
):
    monkeypatch.setattr(spread, "_CLOSE_S", 60.0)
    busy = joined(stack, spreader)
    clients = [client(stack, listening) for _ in range(WAITING)]
    for _ in clients:
        spreader.turn()
    turning(stack, spreader)
    closing = threading.Thread(target=spreader.close)
    closing.start()
    # It finds that there is no room, and may not take this for nobody.
    closing.join(0.1)
    addresses = []
    while closing.is_alive():
        addresses += taken(busy)
    assert addresses + taken(busy) == [waiting.getsockname() for waiting in clients]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(clients[0].getpeername())


@pytest.mark.parametrize("is_there", [True, False])
def test_who_waits_for_workers_that_take_nobody_keeps_no_server_from_its_end(
    stack, listening, spreader, monkeypatch, is_there
):
    monkeypatch.setattr(spread, "_CLOSE_S", 0.1 if is_there else 60.0)
    worker = joined(stack, spreader)
    for _ in range(WAITING):
        client(stack, listening)
    if not is_there:
        worker.close()
    turning(stack, spreader)
    spreader.close()
    assert spreader._is_closed.wait(30.0)
