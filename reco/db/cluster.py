"""A private PostgreSQL cluster in a folder of the project's, reached by a Unix socket alone."""

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.pq import PGconn, Ping

from reco.db.programs import Programs, Tell, required_programs
from reco.errors import SetupError, Unavailable

ROLE = "reco"
_PORT = 5432
_LONGEST_SOCKET = 103
"""Bytes that a socket's path may have; 104 on macOS with its end, 108 on Linux."""
_START_S = 60

_LOOK_AGAIN_S = 0.1

_SETTINGS = {
    "listen_addresses": "",
    # Room for two workers of the largest pools, or for dozens of usual ones.
    "max_connections": "500",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
    # The statements of a request take milliseconds: compiling them would take longer.
    "jit": "off",
}
_NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "512MB",
    "shared_buffers": "256MB",
    # Hundreds of databases that soon end: looking after them takes a sixth of the server's time.
    "autovacuum": "off",
}
_PREWARM = "pg_prewarm"
"""After a start it reads the pages again that were in memory before."""
_MOST_BUFFERS_MB = 4096
"""What feeds read of a country's database is less."""


@dataclass(frozen=True)
class _Owner:
    """Who runs the server: this user, or for root, whom PostgreSQL refuses, `postgres`."""

    name: str
    uid: int
    gid: int
    is_other: bool


@dataclass(frozen=True)
class ClusterState:
    """What there is of a cluster."""

    is_made: bool
    is_running: bool
    """It may be full, or still recovering, and take no connection."""
    folder: Path
    socket: Path
    log: Path


class Cluster:
    """The private cluster of one home folder.

    Everything lies in `home/cluster`; where the server's user cannot reach that, in a folder of
    its own that `home/cluster.json` names. Access is by the socket's folder, which only the owner
    may enter.

    Parameters
    ----------
    home
        Made where it is missing.
    is_durable
        False for tests: a power cut may then lose everything, and nothing is vacuumed or analysed
        by itself.
    tell
        Called with a line when something takes a while.
    """

    def __init__(self, home: Path, *, is_durable: bool = True, tell: Tell = lambda _: None) -> None:
        self._home = home.absolute()
        self._settings = {"shared_buffers": f"{_buffers_mb()}MB"} | _SETTINGS
        if not is_durable:
            self._settings |= _NOT_DURABLE
        self._tell = tell

    @property
    def folder(self) -> Path:
        """Where the cluster lies, or will."""
        place = self._home / "cluster.json"
        if not place.exists():
            return self._home / "cluster"
        try:
            return Path(json.loads(place.read_text())["folder"])
        except (ValueError, KeyError, TypeError):
            raise SetupError(
                f'{place} should say where the cluster lies, as {{"folder": "/var/lib/reco/..."}}: '
                "write it again, or remove it to begin with a new cluster."
            ) from None

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.folder / "postgresql.log"

    @property
    def socket(self) -> Path:
        """The folder of the server's socket."""
        inside = self.folder / "socket"
        if len(os.fsencode(inside / f".s.PGSQL.{_PORT}")) <= _LONGEST_SOCKET:
            return inside
        return Path(tempfile.gettempdir()) / f"reco-{_key(self.folder)}"

    def conninfo(self, database: str) -> str:
        """Return the URL of a database of this cluster."""
        # The port too: else PGPORT, which is of another server, would say it.
        socket = quote(str(self.socket), safe="")
        return f"postgresql:///{database}?host={socket}&port={_PORT}&user={ROLE}"

    def state(self) -> ClusterState:
        """Return what there is, touching nothing."""
        is_made = (self._data / "PG_VERSION").exists()
        is_running = is_made and self._ping() in {Ping.OK, Ping.REJECT}
        return ClusterState(is_made, is_running, self.folder, self.socket, self.log)

    def up(self) -> None:
        """Make the cluster where it is missing and start it where it is down.

        What a crash left behind is cleared away. Several processes may call this at once.

        Raises
        ------
        SetupError
            PostgreSQL is missing and cannot be installed, or does not start; says what to do.
        Unavailable
            It runs, and recovers for longer than a start may take.
        """
        if self._answers():
            return
        self._home.mkdir(parents=True, exist_ok=True)
        with _locked(self._home / "cluster.lock"):
            if self._answers():
                return
            programs = required_programs(self._tell)
            owner = _owner()
            self._make_folders(owner)
            self._make(programs, owner)
            self._start(programs, owner)

    def down(self) -> None:
        """Stop the server, if it runs, and wait until it has."""
        if not self.state().is_running and not self._has_server():
            return
        with _locked(self._home / "cluster.lock"):
            programs = required_programs(self._tell)
            stop = [programs.path("pg_ctl"), "stop", "-D", str(self._data), "-m", "fast", "-w"]
            self._run(stop, _owner(), "stop")

    def databases(self) -> list[str]:
        """Return the names of the cluster's databases, or raise `Unavailable` where it is full."""
        with self._administer() as connection:
            rows = connection.execute("select datname from pg_database order by 1").fetchall()
        return [name for (name,) in rows]

    def create_database(self, name: str) -> None:
        """Create a database where it is missing."""
        if name in self.databases():
            return
        statement = sql.SQL("create database {} template template0")
        # Of several processes that create it at once one does, and the others find it.
        with (
            self._administer() as connection,
            contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation),
        ):
            connection.execute(statement.format(sql.Identifier(name)))

    def drop_database(self, name: str) -> None:
        """Drop a database, and whoever is connected to it."""
        statement = sql.SQL("drop database if exists {} with (force)")
        with self._administer() as connection:
            connection.execute(statement.format(sql.Identifier(name)))

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _administer(self) -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(self.conninfo("postgres"), autocommit=True, connect_timeout=5)
        except psycopg.OperationalError as error:
            raise Unavailable(f"The private database takes no connection: {error}") from error

    def _answers(self) -> bool:
        """Say whether a server answers, once one that starts, recovers or ends has done so."""
        until_s = time.monotonic() + _START_S
        while (found := self._ping()) is Ping.REJECT:
            if time.monotonic() > until_s:
                raise Unavailable(
                    f"The private database runs and takes nobody yet. Its log is {self.log}."
                )
            time.sleep(_LOOK_AGAIN_S)
        return found is Ping.OK

    def _ping(self) -> Ping:
        """Return how a server would answer: one that is full would, if there were room (`OK`)."""
        if not self.socket.exists():
            return Ping.NO_RESPONSE
        return Ping(PGconn.ping(f"{self.conninfo('postgres')}&connect_timeout=5".encode()))

    def _make_folders(self, owner: _Owner) -> None:
        if owner.is_other and not _may_enter(owner, self._home):
            elsewhere = Path("/var/lib/reco") / _key(self._home)
            (self._home / "cluster.json").write_text(json.dumps({"folder": str(elsewhere)}))
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder, self.socket):
            _own(folder, owner)

    def _make(self, programs: Programs, owner: _Owner) -> None:
        if (self._data / "PG_VERSION").exists():
            self._check_version(programs)
            return
        self._tell("Making a private database cluster ...")
        draft = self.folder / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        locale = (
            ["--lc-collate=C", "--lc-ctype=C.UTF-8", "--lc-messages=C"]
            if sys.platform == "linux"
            else ["--no-locale"]
        )
        initdb = [programs.path("initdb"), "-D", str(draft), "-U", ROLE, "-A", "trust"]
        self._run([*initdb, "-E", "UTF8", *locale], owner, "make")
        draft.rename(self._data)

    def _check_version(self, programs: Programs) -> None:
        made_by = (self._data / "PG_VERSION").read_text().strip()
        if made_by != str(programs.version):
            raise SetupError(
                f"{self._data} was made by PostgreSQL {made_by}, this machine has "
                f"{programs.version}: install {made_by} again, or move the folder away."
            )

    def _start(self, programs: Programs, owner: _Owner) -> None:
        if self._has_server():
            raise SetupError(
                f"The private database runs, and its socket in {self.socket} is gone: "
                "`reco db down` stops it, then try again."
            )
        self._drop_stale_locks()
        settings = self._settings | {"unix_socket_directories": str(self.socket)}
        if programs.has_extension(_PREWARM):
            settings |= {"shared_preload_libraries": _PREWARM}
        options = " ".join(
            f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items()
        )
        start = [programs.path("pg_ctl"), "start", "-D", str(self._data), "-w", "-s"]
        start += ["-t", str(_START_S), "-l", str(self.log), "-o", f"-p {_PORT} {options}"]
        self._run(start, owner, "start")

    def _has_server(self) -> bool:
        """Say whether this cluster's server lives, reached or not; not known but on Linux."""
        return sys.platform == "linux" and self._is_live(self._data / "postmaster.pid")

    def _drop_stale_locks(self) -> None:
        """Remove the locks of a killed server, where another process or none has its number now."""
        if sys.platform != "linux":
            return
        for lock in (self._data / "postmaster.pid", self.socket / f".s.PGSQL.{_PORT}.lock"):
            if not self._is_live(lock):
                lock.unlink(missing_ok=True)

    def _is_live(self, lock: Path) -> bool:
        """Say whether a lock names a process that is a server of this very cluster."""
        if not lock.exists():
            return False
        process = Path("/proc") / lock.read_text().split("\n", 1)[0].strip()
        return _is_live_postgres(process, self._data)

    def _run(self, command: list[str], owner: _Owner, what: str) -> None:
        become: dict[str, Any] = (
            {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner.is_other else {}
        )
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        # The server inherits what it is given: a pipe would stay open as long as it runs.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                check=False,
                **become,
            )
            said.seek(0)
            output = said.read().decode(errors="replace").strip()
        if done.returncode != 0:
            raise SetupError(
                f"The private database cluster did not {what}:\n{output}\n{self._last_of_log()}"
                f"Its log is {self.log}."
            )

    def _last_of_log(self) -> str:
        if not self.log.exists():
            return ""
        lines = self.log.read_text(errors="replace").splitlines()[-5:]
        return "".join(f"  {line}\n" for line in lines)


def _buffers_mb() -> int:
    """Return a quarter of this machine's memory, as PostgreSQL's manual has it, within bounds."""
    memory_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    return max(128, min(memory_mb // 4, _MOST_BUFFERS_MB))


def _owner() -> _Owner:
    if os.geteuid() != 0:
        me = pwd.getpwuid(os.geteuid())
        return _Owner(me.pw_name, me.pw_uid, me.pw_gid, is_other=False)
    try:
        other = pwd.getpwnam("postgres")
    except KeyError:
        raise SetupError(
            "PostgreSQL does not run as root, and there is no user `postgres` to run it as: "
            "`useradd --system postgres`, or work as an ordinary user."
        ) from None
    return _Owner(other.pw_name, other.pw_uid, other.pw_gid, is_other=True)


def _may_enter(owner: _Owner, folder: Path) -> bool:
    test = ["test", "-x", str(folder)]
    done = subprocess.run(
        test, cwd="/", user=owner.uid, group=owner.gid, extra_groups=[], check=False
    )
    return done.returncode == 0


def _is_live_postgres(process: Path, data: Path) -> bool:
    """Say whether a folder of /proc is the live PostgreSQL server of a data folder.

    By its command line, which everybody may read; one that is dead and unburied has none.
    """
    try:
        is_postgres = (process / "status").read_text().startswith("Name:\tpostgres")
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    folders = (os.fsdecode(after) for word, after in pairwise(words) if word == b"-D")
    return is_postgres and any(Path(folder).resolve() == data.resolve() for folder in folders)


def _own(folder: Path, owner: _Owner) -> None:
    """Make `folder` the owner's alone; one that somebody else made first is refused."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), owner.uid}:
        raise SetupError(f"{folder} belongs to somebody else; remove it and try again.")
    os.chown(folder, owner.uid, owner.gid)
    folder.chmod(0o700)


def _key(path: Path) -> str:
    return hashlib.sha256(f"{os.geteuid()}:{path}".encode()).hexdigest()[:12]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
