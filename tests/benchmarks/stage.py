"""A world of its own and real server processes, for benchmarks that change what they measure."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import psycopg

from reco.api.keys import create_key
from reco.db.cluster import Cluster
from reco.db.migrate import migrate
from reco.frames.importing import import_frames
from reco.frames.sources import FolderSource
from reco.world import World
from training.commands.simulate import this_monday
from training.replay.memory import together_mb
from training.simulate.world import simulate_world

_PATIENCE_S = 60.0
_ESTABLISHED = "01"
"""A state in /proc/net/tcp."""


@contextmanager
def staged_world(size: str) -> Iterator[World]:
    """Make a durable cluster, simulate and import a world of `size`, and drop it all after."""
    with tempfile.TemporaryDirectory(prefix="reco-benchmark-") as folder:
        home = Path(folder)
        # For root the database's server runs as another user, who must get in.
        home.chmod(0o755)
        cluster = Cluster(home)
        cluster.up()
        try:
            cluster.create_database("reco_bench")
            world = World("bench", home / "worlds" / "bench", cluster.conninfo("reco_bench"))
            migrate(world)
            simulate_world(size, 1, this_monday(), world.frames, lambda *_: None)
            import_frames(world, FolderSource(world.frames), lambda *_: None)
            yield world
        finally:
            cluster.down()


def new_key(world: World, scope: str = "app") -> str:
    """Return an API key of `world`."""
    with psycopg.connect(world.conninfo) as connection:
        return create_key(connection, scope, "benchmark", datetime.now(UTC))


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Process:
    """A process as Linux tells of it."""

    pid: int

    @property
    def age_s(self) -> float:
        """Return how long ago it was started."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        started_s = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started_s

    @property
    def children(self) -> list["Process"]:
        """Those that it started, or forked, itself."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [Process(int(pid)) for pid in listed]

    def connections(self, port: int) -> int:
        """Return how many connections with the loopback interface's `port` it holds."""
        table = Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]
        rows = [line.split() for line in table]
        ours = {
            f"socket:[{inode}]"
            for _, local, _, state, _, _, _, _, _, inode, *_ in rows
            if local.endswith(f":{port:04X}") and state == _ESTABLISHED
        }
        return sum(target in ours for target in self._open_files())

    def _open_files(self) -> Iterator[str]:
        for file in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                yield str(file.readlink())


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    port: int
    pid: int
    ready_s: float
    """From the start of the command until all workers were ready."""
    workers: tuple["Process", ...] = ()
    workers_ready_s: tuple[float, ...] = ()
    """Of each, from the start of its process."""

    def connections(self) -> list[int]:
        """Return how many connections each worker holds."""
        return [worker.connections(self.port) for worker in self.workers]

    @property
    def memory_mb(self) -> float:
        """Resident memory of all its processes; pages that several share count once, in shares."""
        return together_mb([self.pid, *(other.pid for other in _descended(Process(self.pid)))])


@contextmanager
def served(world: World, workers: Sequence[int]) -> Iterator[list[int]]:
    """Serve `world`: one server on a port of its own for each number of worker processes."""
    with ExitStack() as stack:
        yield [stack.enter_context(server(world, count)).port for count in workers]


@contextmanager
def server(world: World, workers: int, application: str | None = None) -> Iterator[Running]:
    """Run one server; `application` (module:factory) stands for that of `reco serve`."""
    port = free_port()
    environment = os.environ | {
        "RECO_DATABASE_URL": world.conninfo,
        "RECO_HOME": str(world.folder.parents[1]),
        "RECO_WORLD": world.name,
        "RECO_SECRET": "a secret that signs nothing but benchmarks",
    }
    program = [str(Path(sys.executable).with_name("reco")), "serve"]
    command = [*program, "--port", str(port), "--workers", str(workers)]
    if application:
        run = (
            f"from reco.api.serve import run; run({application!r}, port={port}, workers={workers})"
        )
        command = [sys.executable, "-c", run]
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(port)
        ready = _workers_ready_s(process.pid, port) if workers > 1 else {}
        ready_s = time.perf_counter() - began
        yield Running(port, process.pid, ready_s, tuple(ready), tuple(ready.values()))
    finally:
        process.terminate()
        process.wait()


def _descended(process: Process) -> Iterator[Process]:
    for child in process.children:
        yield child
        yield from _descended(child)


def _workers_ready_s(pid: int, port: int) -> dict[Process, float]:
    """Return after how long each worker was ready: who is, gets a connection of several."""
    # Workers are forked from one of the command's own children.
    workers = [worker for child in Process(pid).children for worker in child.children]
    ready: dict[Process, float] = {}
    while len(ready) < len(workers):
        with ExitStack() as held:
            for _ in workers:
                held.enter_context(socket.create_connection(("127.0.0.1", port)))
            threading.Event().wait(0.01)
            for worker in workers:
                if worker not in ready and worker.connections(port):
                    ready[worker] = worker.age_s
    return ready


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    pause = threading.Event()
    while time.monotonic() < deadline:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        pause.wait(0.02)
    raise TimeoutError(f"Nothing is ready on port {port} after {_PATIENCE_S:.0f} s.")
