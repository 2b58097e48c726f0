"""Connections spread evenly over worker processes: whoever holds the fewest gets the next.

Where workers accept from one socket, whoever wakes first takes what waits, and keeps it for as long
as the client stays. Here the parent accepts, and hands each connection on as a file descriptor
(`SCM_RIGHTS`, POSIX alone, as uvloop is); nothing that is sent later passes it. The supervisor of
uvicorn starts, watches and ends the workers as ever: the socket that it gives them is where they
announce themselves, and a worker's loop takes connections from there instead of a port.
"""

import asyncio
import logging
import multiprocessing
import select
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import uvicorn
import uvloop
from uvicorn import _subprocess
from uvicorn.supervisors import Multiprocess

log = logging.getLogger(__name__)

LOOP = f"{__name__}:Loop"
"""What `uvicorn.Config` is told as `loop` of workers that are spread over."""

_ONE = b"."
"""Goes with a descriptor, since something must; alone it says that one connection ended."""
_WAITING_BYTES = 2**15
"""Of a channel: some dozens of connections may wait for a worker, the others in the backlog."""
_ROOM_MS = 10
"""Other news than room in a channel waits no longer."""
_FIRST_REQUEST_S = 2.0
"""A worker that stops waits so long for the request of whoever has connected and not asked yet."""
_LOOK_S = 0.02
"""So often it looks whether it is there."""
_CLOSE_S = 1.0
"""Who waits in the backlog when the server is told to stop is handed on as workers have room, so
long at most."""


def run_workers(config: uvicorn.Config) -> None:
    """Run the worker processes of `config`, whose loop is `LOOP`, until this one is told to stop.

    A worker that died is replaced; on SIGTERM and SIGINT requests are answered first. On Linux the
    module of the application is imported once, by a process that all workers are forked from, later
    ones too: new code takes a new start.
    """
    # Elsewhere a fork of what has loaded numerical libraries may crash.
    if sys.platform == "linux":
        _fork_workers(str(config.app).partition(":")[0])
    spreader = Spreader(config.bind_socket(), config.backlog)
    threading.Thread(target=spreader.run, name="spreader", daemon=True).start()
    _Supervisor(config, spreader).run()


def _fork_workers(module: str) -> None:
    """Let uvicorn fork workers from a process that has imported `module`, which is waited for.

    Else each imports everything for itself, for seconds. Whoever stops the server meanwhile is
    heeded at once, as its supervisor, once it runs, would not.
    """
    # The first process of a container is not ended by a signal that it does not handle.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["reco.api.forked", module])
    first = context.Process()
    first.start()
    first.join()
    # There is no setting for it.
    _subprocess.spawn = context  # type: ignore[assignment]


class _Supervisor(Multiprocess):
    def __init__(self, config: uvicorn.Config, spreader: "Spreader") -> None:
        super().__init__(config, sockets=[spreader.entrance])
        self._spreader = spreader

    def terminate_all(self) -> None:
        # Before workers are gone: who connected then would wait, and be reset in the end.
        self._spreader.close()
        for process in self.processes:
            # Told to stop by somebody else it may be gone, and forgotten by who it was forked from.
            with suppress(ProcessLookupError):
                process.terminate()


class Spreader:
    """The parent's part: accepts connections, and hands each to the worker that holds the fewest.

    Parameters
    ----------
    listening
        Bound; it listens as soon as there is a worker, so that nobody waits for a start.
    """

    def __init__(self, listening: socket.socket, backlog: int) -> None:
        listening.setblocking(False)
        self._listening = listening
        self._backlog = backlog
        self.entrance, self._announced = socket.socketpair()
        self._held: dict[socket.socket, int] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._announced, selectors.EVENT_READ, self._welcome)
        self._is_closed = threading.Event()
        self._told_to_close, self._close_asked = socket.socketpair()
        self._selector.register(self._told_to_close, selectors.EVENT_READ, self._refuse)

    def close(self) -> None:
        """Hand on who waits, and refuse whoever comes later; from another thread than `run`."""
        self._close_asked.send(_ONE)
        self._is_closed.wait(_CLOSE_S)

    def run(self) -> None:
        """Accept and hand on; should that fail, the whole server ends, for it would be deaf."""
        try:
            while True:
                self.turn()
        except BaseException:
            signal.raise_signal(signal.SIGTERM)
            raise

    def turn(self) -> None:
        """Wait until something is to be done, and do it."""
        for key, _ in self._selector.select():
            key.data()

    def _welcome(self) -> None:
        _, descriptors, _, _ = socket.recv_fds(self._announced, 1, 1)
        channel = socket.socket(fileno=descriptors[0])
        channel.setblocking(False)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _WAITING_BYTES)
        if not self._held and not self._is_closed.is_set():
            self._listening.listen(self._backlog)
            self._selector.register(self._listening, selectors.EVENT_READ, self._accept)
        self._held[channel] = 0
        self._selector.register(channel, selectors.EVENT_READ, partial(self._ended, channel))

    def _accept(self) -> None:
        # The last worker may have gone, or all be full, since the loop was told of somebody.
        if not self._has_room():
            return
        try:
            connection, _ = self._listening.accept()
        except OSError:
            # The client has given up, or there is no descriptor left just now.
            return
        with connection:
            self._hand_on(connection)

    def _refuse(self) -> None:
        self._told_to_close.recv(1)
        if self._is_closed.is_set():
            return
        until_s = time.monotonic() + _CLOSE_S
        # A turn after the other: workers may be gone, or take long to have room.
        while self._held and self._is_waited_for() and time.monotonic() < until_s:
            self.turn()
        self._stop_accepting()
        self._listening.close()
        self._is_closed.set()

    def _is_waited_for(self) -> bool:
        backlog = select.poll()
        backlog.register(self._listening, select.POLLIN)
        return bool(backlog.poll(0))

    def _stop_accepting(self) -> None:
        # It may be so already: since no worker is there, or since it refuses.
        with suppress(KeyError, ValueError):
            self._selector.unregister(self._listening)

    def _has_room(self) -> bool:
        """Say whether a worker can be handed a connection, once one can or after a moment.

        Until then connections wait in the backlog.
        """
        room = select.poll()
        for channel in self._held:
            room.register(channel, select.POLLOUT)
        return any(not state & select.POLLHUP for _, state in room.poll(_ROOM_MS))

    def _hand_on(self, connection: socket.socket) -> None:
        for channel in sorted(self._held, key=self._held.__getitem__):
            try:
                socket.send_fds(channel, [_ONE], [connection.fileno()])
            except ConnectionError:
                self._forget(channel)
            except OSError as error:
                log.warning("A worker lets too many connections wait: %s", error)
            else:
                # Behind all others: of those that hold as few, the one that waited longest is next.
                self._held[channel] = self._held.pop(channel) + 1
                return

    def _ended(self, channel: socket.socket) -> None:
        if channel not in self._held:
            # It was forgotten since the loop was told of its end.
            return
        try:
            ended = len(channel.recv(4096))
        except ConnectionError:
            ended = 0
        if ended:
            self._held[channel] -= ended
        else:
            self._forget(channel)

    def _forget(self, channel: socket.socket) -> None:
        self._selector.unregister(channel)
        del self._held[channel]
        channel.close()
        if not self._held:
            # Until a worker is back, connections wait in the backlog.
            self._stop_accepting()


class Loop(uvloop.Loop):
    """A worker's loop: its server takes what the parent hands on."""

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.Protocol], *, sock: socket.socket, **_: Any
    ) -> "_Arrivals":
        """Return a server whose connections come from the parent; `sock` leads there."""
        return _Arrivals(self, protocol_factory, sock)


class _Arrivals:
    """The worker's part: lets in what the parent hands on, and says when a connection ended."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        make_protocol: Callable[[], Any],
        entrance: socket.socket,
    ) -> None:
        self._loop = loop
        self._make_protocol = make_protocol
        self._letting_in: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._untold = 0
        self._channel, parents = socket.socketpair()
        self._channel.setblocking(False)
        with parents:
            socket.send_fds(entrance, [_ONE], [parents.fileno()])
        loop.add_reader(self._channel, self._take)

    def close(self) -> None:
        """Take nobody new; who was handed on already is let in, to be answered once."""
        self._is_closed = True
        self._loop.remove_reader(self._channel)
        self._channel.shutdown(socket.SHUT_RD)
        while self._take_one():
            pass
        self._channel.close()

    async def wait_closed(self) -> None:
        """Wait until everybody was let in."""
        await asyncio.gather(*self._letting_in)

    def _take(self) -> None:
        if not self._take_one():
            # Without the parent nobody would come any more.
            self._loop.remove_reader(self._channel)
            signal.raise_signal(signal.SIGTERM)

    def _take_one(self) -> bool:
        """Let in who was handed on next; return False where nobody will be any more."""
        told, descriptors, _, _ = socket.recv_fds(self._channel, 1, 1)
        if descriptors:
            self._let_in(socket.socket(fileno=descriptors[0]))
        elif told:
            log.warning("No descriptor is left for a connection: it is closed.")
            self._tell_end()
        return bool(told)

    def _let_in(self, arrived: socket.socket) -> None:
        task = self._loop.create_task(self._connected(arrived))
        self._letting_in.add(task)
        task.add_done_callback(self._letting_in.discard)

    async def _connected(self, arrived: socket.socket) -> None:
        try:
            _, protocol = await self._loop.connect_accepted_socket(self._protocol, arrived)
        except OSError:
            # It is over before it began.
            arrived.close()
            self._tell_end()
            return
        if self._is_closed:
            # Its server has told only those who were there.
            protocol.shutdown()

    def _protocol(self) -> Any:
        protocol = self._make_protocol()
        lost, shutdown = protocol.connection_lost, protocol.shutdown

        def connection_lost(error: Exception | None) -> None:
            lost(error)
            self._tell_end()

        def shut_down() -> None:
            self._shut_down(protocol, shutdown, self._loop.time() + _FIRST_REQUEST_S)

        # On the instance: whichever protocol uvicorn speaks.
        protocol.connection_lost, protocol.shutdown = connection_lost, shut_down
        return protocol

    def _shut_down(self, protocol: Any, shutdown: Callable[[], None], until_s: float) -> None:
        # Closed at once, a connection whose first request is on its way would be reset.
        if protocol.cycle is None and self._loop.time() < until_s:
            self._loop.call_later(_LOOK_S, self._shut_down, protocol, shutdown, until_s)
        else:
            shutdown()

    def _tell_end(self) -> None:
        self._untold += 1
        # A full channel is told more the next time; a closed one has nobody to tell.
        with suppress(OSError):
            self._untold -= self._channel.send(_ONE * self._untold)
