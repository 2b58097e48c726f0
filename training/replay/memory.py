"""How much memory processes hold, as Linux tells of it."""

import multiprocessing
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_KB_IN_MB = 1024.0
_EVERY = 10
"""Of the looks; to look at some gigabytes takes some hundredths of a second."""


def status_mb(process: int, name: str) -> float:
    """Return VmRSS, the resident memory of a process, or VmHWM, the most that it has held."""
    return _told_kb(process, "status", name) / _KB_IN_MB


def together_mb(processes: Iterable[int]) -> float:
    """Return the resident memory of processes; pages that several share count once, in shares."""
    total_kb = 0
    for pid in processes:
        with suppress(OSError):  # ended meanwhile
            total_kb += _told_kb(pid, "smaps_rollup", "Pss")
    return total_kb / _KB_IN_MB


class MemoryWatch:
    """Looks now and then at what this process and those that it forked hold together."""

    def __init__(self) -> None:
        self._looks = 0
        self._together_mb = 0.0

    def look(self) -> None:
        """Note what they hold now: at the second look, when the forked ones are at work, and on."""
        if self._looks % _EVERY == 1 and _can_tell():
            forked = [one.pid for one in multiprocessing.active_children() if one.pid]
            self._together_mb = max(self._together_mb, together_mb([os.getpid(), *forked]))
        self._looks += 1

    def most_mb(self) -> float | None:
        """Return the most that they held when looked at, or this one at any time; None: unknown."""
        if not _can_tell():
            return None
        return max(self._together_mb, status_mb(os.getpid(), "VmHWM"))


def _can_tell() -> bool:
    return Path("/proc/self/smaps_rollup").exists()


def _told_kb(pid: int, file: str, name: str) -> int:
    told = Path(f"/proc/{pid}/{file}").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB", told, re.MULTILINE)
    return int(found[1]) if found else 0
