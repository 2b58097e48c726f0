"""A world of its own and real server processes, for benchmarks that change what they measure."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
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
from training.simulate.world import simulate_world

_PATIENCE_S = 60.0


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
class Running:
    """A server that answers."""

    port: int
    pid: int
    ready_s: float
    """From the start of the process until it was ready."""

    @property
    def memory_mb(self) -> float:
        """Resident memory of all its processes; pages that several share count once, in shares."""
        tree = [self.pid, *_children(self.pid)]
        return sum(_proportional_kb(pid) for pid in tree) / 1024


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
    if application:
        program = [sys.executable, "-m", "uvicorn", application, "--factory", "--no-access-log"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*program, "--port", str(port), "--workers", str(workers)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(port)
        yield Running(port, process.pid, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait()


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    children = [int(child) for child in listed]
    return children + [grand for child in children for grand in _children(child)]


def _proportional_kb(pid: int) -> int:
    shares = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", shares, re.MULTILINE)
    return int(found.group(1)) if found else 0


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


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found.group(1)) / 1024 if found else float("nan")
