"""A load generator that costs little: raw HTTP/1.1 on kept connections, one process.

Latency is measured from the moment a request is written to the last byte of its answer.
"""

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Figures:
    """What a run came to."""

    requests: int
    failed: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    rps: float

    @classmethod
    def of(cls, times_ms: Sequence[float], failed: int, took_s: float) -> "Figures":
        """Return the figures of requests that took `times_ms`."""
        p50_ms, p99_ms = np.percentile(times_ms, [50, 99])
        return cls(
            requests=len(times_ms),
            failed=failed,
            p50_ms=round(float(p50_ms), 2),
            p99_ms=round(float(p99_ms), 2),
            worst_ms=round(float(max(times_ms)), 2),
            rps=round(len(times_ms) / took_s, 1),
        )


def drive(
    port: int,
    paths: Iterator[str],
    key: str,
    *,
    clients: int,
    seconds: float,
    accept: str = "application/json",
) -> Figures:
    """Send GET requests on `clients` connections, each after its answer, for `seconds`.

    Parameters
    ----------
    paths
        Drawn from by all clients; the run ends early where it ends.
    """
    with _uninterrupted():
        return asyncio.run(_drive(port, paths, _head(key, accept), clients, seconds))


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Collect no garbage meanwhile: to go through all that a benchmark holds takes .2 s.

    All requests under way would seem to take as long, and the service had no part in it.
    """
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _head(key: str, accept: str) -> bytes:
    return f" HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nAccept: {accept}\r\n\r\n".encode()


async def _drive(
    port: int, paths: Iterator[str], head: bytes, clients: int, seconds: float
) -> Figures:
    times_ms: list[float] = []
    failures: list[bytes] = []
    began = time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for path in paths:
                sent = time.perf_counter()
                writer.write(b"GET " + path.encode() + head)
                status = await _answer(reader)
                answered = time.perf_counter()
                times_ms.append((answered - sent) * 1e3)
                if not status.startswith(b"HTTP/1.1 200"):
                    failures.append(status)
                if answered - began > seconds:
                    return
        finally:
            writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return Figures.of(times_ms, len(failures), time.perf_counter() - began)


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """Read one answer whole and return its status line."""
    head = await reader.readuntil(b"\r\n\r\n")
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    length = int(lowered[at + 15 : lowered.index(b"\r\n", at)])
    await reader.readexactly(length)
    return head.split(b"\r\n", 1)[0]
