"""Connections over real worker processes: even, also after ends, deaths and restarts."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[2]
_PATIENCE_S = 60.0


class Server:
    """Two workers on a port."""

    def __init__(self, port, process):
        self.port, self.process = port, process

    def connection(self):
        opened = HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)
        opened.connect()
        return opened

    @contextmanager
    def connections(self, n):
        """Open so many at once; those that are still open in the end have been told of after."""
        with ExitStack() as stack:
            opened = [stack.enter_context(closing(self.connection())) for _ in range(n)]
            yield opened
            for connection in opened:
                # Of a server that was stopped, or is in the middle of an answer, nobody asks more.
                with suppress(OSError, HTTPException):
                    if connection.sock:
                        asked_last(connection)

    def anew(self):
        """Ask on a connection that ends with its answer."""
        with closing(self.connection()) as connection:
            return asked_last(connection)


def asked_last(connection):
    """Ask, and wait until the connection has ended: by then its worker has told the parent so."""
    with connection.sock.dup() as end:
        connection.request("GET", "/", headers={"Connection": "close"})
        answer = int(connection.getresponse().read())
        assert end.recv(1) == b""
    return answer


def asked(connection, path="/"):
    connection.request("GET", path)
    return int(connection.getresponse().read())


def until(condition):
    """Return what `condition` gives once it gives something."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if found := condition():
                return found
        except ConnectionError:
            pass
    raise TimeoutError


@contextmanager
def a_port():
    """A port for a server; on Linux nobody else is given it meanwhile."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        port = kept.getsockname()[1]
        # There whoever asks for this port itself gets it as well, for the keeper does not listen.
        if sys.platform != "linux":
            kept.close()
        yield port


@contextmanager
def started(*arguments):
    with a_port() as port:
        command = [sys.executable, "-m", "spreading", str(port), *arguments]
        # In a group of its own, that can be told as a whole.
        process = subprocess.Popen(command, cwd=TESTS, start_new_session=True)
        try:
            yield Server(port, process)
        finally:
            process.terminate()
            process.wait(_PATIENCE_S)


@contextmanager
def two_workers():
    with started("2") as server:
        first = until(server.anew)
        until(lambda: server.anew() != first)
        yield server


@pytest.fixture(scope="module")
def server():
    with two_workers() as server:
        yield server


@pytest.fixture
def eight(server):
    with server.connections(8) as opened:
        yield opened


def test_connections_opened_at_once_are_halved(server, eight):
    assert sorted(Counter(map(asked, eight)).values()) == [4, 4]
    with server.connections(8) as more:
        assert sorted(Counter(map(asked, [*eight, *more])).values()) == [8, 8]


def test_who_lost_connections_gets_the_next(server, eight):
    one = asked(eight[0])
    lost = [connection for connection in eight if asked(connection) == one]
    for connection in lost:
        asked_last(connection)
    for connection in lost:
        connection.connect()
    assert sorted(Counter(map(asked, eight)).values()) == [4, 4]


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux")
def test_what_workers_run_is_imported_once_and_by_none_of_them(server, eight):
    assert len({asked(connection) for connection in eight}) == 2
    (importer,) = {asked(connection, "/importer") for connection in eight}
    assert importer not in {server.process.pid, *map(asked, eight)}


def test_a_killed_worker_is_replaced_and_gets_its_share(server, eight):
    known = {asked(connection) for connection in eight}
    killed = asked(eight[0])
    os.kill(killed, signal.SIGKILL)
    replaced = until(lambda: {server.anew()} - known)
    for connection in eight:
        try:
            asked(connection)
        except ConnectionError:
            connection.close()
            connection.connect()
    shares = Counter(map(asked, eight))
    assert shares == dict.fromkeys(known - {killed} | replaced, 4)


@pytest.mark.slow
def test_a_rolling_restart_refuses_nobody():
    with two_workers() as server:
        with server.connections(2) as both:
            before = set(map(asked, both))
        assert len(before) == 2
        server.process.send_signal(signal.SIGHUP)
        deadline, answers = time.monotonic() + _PATIENCE_S, set()
        while len(answers - before) < 2:
            answers.add(server.anew())
            assert time.monotonic() < deadline


@pytest.mark.parametrize("stop", [os.kill, os.killpg], ids=["the server", "all its processes"])
def test_a_server_that_is_stopped_answers_first(stop):
    with two_workers() as server, server.connections(1) as opened:
        worker = asked(opened[0])
        opened[0].request("GET", "/slow")
        answer = opened[0].getresponse()
        stop(server.process.pid, signal.SIGTERM)
        assert server.process.wait(_PATIENCE_S) == 0
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
        assert answer.status == 200
        assert int(answer.read()) == worker
        with pytest.raises(ConnectionRefusedError):
            server.anew()


def test_while_a_server_stops_whoever_comes_is_answered_or_refused_at_once():
    with two_workers() as server, server.connections(1) as opened:
        opened[0].request("GET", "/slow")
        server.process.terminate()
        refused = 0
        while server.process.poll() is None:
            try:
                server.anew()
            except ConnectionRefusedError:
                refused += 1
                with suppress(subprocess.TimeoutExpired):
                    server.process.wait(0.01)
        assert refused
        assert opened[0].getresponse().status == 200


def test_who_has_connected_and_not_asked_yet_is_answered_by_a_worker_that_stops():
    with two_workers() as server, server.connections(2) as silent, server.connections(2) as both:
        workers = set(map(asked, both))
        assert len(workers) == 2
        server.process.terminate()
        for connection in both:
            assert connection.sock.recv(1) == b""
        assert set(map(asked, silent)) == workers


def test_workers_whose_parent_was_killed_end():
    with two_workers() as server, server.connections(2) as both:
        assert len(set(map(asked, both))) == 2
        server.process.kill()
        for connection in both:
            assert connection.sock.recv(1) == b""


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_body_that_never_comes_does_not_keep_a_server_that_is_stopped(workers):
    with started(workers, "1") as server:
        until(server.anew)
        with server.connections(1) as opened:
            opened[0].putrequest("POST", "/upload")
            opened[0].putheader("Content-Length", "10")
            opened[0].putheader("Expect", "100-continue")
            opened[0].endheaders(b"half")
            assert b"100" in opened[0].sock.recv(100)
            server.process.terminate()
            # Killed by the signal that it was told to stop by, once it has stopped in good order.
            assert server.process.wait(_PATIENCE_S) in {0, -signal.SIGTERM}
