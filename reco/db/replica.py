"""Reads from a streaming replica while it is near the primary, else from the primary.

Two promises. What is read here is no older than the stated bound: the replica is known to have
replayed all that the primary had written at some moment, and that moment is measured on this
process's own clock, so a replica that pauses, lags or has lost its primary grows old and is left,
and neither an idle primary nor clocks that differ fool it. And people read their own writes, from
whichever worker: a user's state comes from the replica only if it has the same rows there as on
the primary at that moment.

What can be booked, and all writes, are the primary's: callers read back there what they show.
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import psycopg
from psycopg_pool import PoolTimeout

from reco.db.identity import THIS_DATABASE
from reco.db.pool import Pool, connected, open_pool, tell_given_up
from reco.errors import Unavailable

log = logging.getLogger(__name__)

Found = TypeVar("Found")
Read = Callable[[psycopg.Connection[Any]], Found]

LOOK_EVERY_S = 0.5
_PATIENCE_S = 0.25
"""A request that gets no connection to the replica within this reads from the primary."""
_STOP_S = 2.0
"""A look that takes longer is left behind: its thread is a daemon."""
_KEPT = 1_000
"""Positions of the primary that are remembered: some minutes."""

_WRITTEN = f"select pg_current_wal_lsn() - '0/0'::pg_lsn, ({THIS_DATABASE})"
_REPLAYED = f"""
select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() - '0/0'::pg_lsn end,
  ({THIS_DATABASE})
"""

_OWN_ROWS = """
select
  (select u::text from core.beneficiary u where u.id = k.id),
  (select sum(hashtextextended(d::text, 0)) from core.deposit d where d.user_id = k.id),
  (select sum(hashtextextended(b::text, 0)) from core.booking b where b.user_id = k.id),
  (select sum(hashtextextended(t::text, 0)) from core.taste t where t.user_id = k.id),
  -- Never changed; the index alone is read.
  (select count(*) from core.interaction i where i.user_id = k.id)
from (select id from core.beneficiary where external_id = %s) k
"""


@dataclass(frozen=True)
class ReplicaStanding:
    """How the replica stands."""

    in_use: bool
    lag_s: float | None
    """All that the primary had written so long ago is there; None: not known."""
    reason: str | None
    """Why it is not in use."""


class Lag:
    """Tells how old a replica's state is at most, by a clock of this process.

    >>> lag = Lag()
    >>> lag.written(100, at_s=1.0)
    >>> lag.written(200, at_s=2.0)
    >>> lag.replayed(150)
    >>> lag.seconds(at_s=2.5)  # the replica has all of what there was at 1.0
    1.5
    """

    def __init__(self) -> None:
        self._written: deque[tuple[float, int]] = deque(maxlen=_KEPT)
        self._as_of_s = -math.inf

    def written(self, position: int, at_s: float) -> None:
        """Note how far the primary's log had been written at a moment."""
        self._written.append((at_s, position))

    def replayed(self, position: int) -> None:
        """Note how far the replica has replayed that log, after the latest `written`."""
        there = [at_s for at_s, written in self._written if written <= position]
        self._as_of_s = max(there, default=-math.inf)

    def forget(self) -> None:
        """Note that nothing is known of the replica any more."""
        self._as_of_s = -math.inf

    def seconds(self, at_s: float) -> float:
        """Return how old the replica's state is at most; infinite where nothing is known."""
        return at_s - self._as_of_s


class Reads:
    """Where a worker reads from; use it as a context manager.

    Parameters
    ----------
    primary
        Connections to the primary.
    replica_conninfo
        URL of a physical streaming replica of it; None: there is none.
    size
        Connections to the replica.
    max_lag_s
        A replica that may be older is not read from.
    """

    def __init__(
        self, primary: Pool, replica_conninfo: str | None, *, size: int, max_lag_s: float
    ) -> None:
        self._primary = primary
        self._size = size
        self._max_lag_s = max_lag_s
        self._lag = Lag()
        self._reason: str | None = "it was not looked at yet"
        self._is_primary_silent = False
        self._lent_now = 0
        self._counting = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="replica-watch", daemon=True)
        self._replica = (
            open_pool(replica_conninfo, size, patience_s=_PATIENCE_S) if replica_conninfo else None
        )

    def __enter__(self) -> Self:
        if self._replica:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if self._replica:
            self._thread.join(_STOP_S)
            self._replica.close()

    @property
    def standing(self) -> ReplicaStanding | None:
        """How the replica stands now; None: there is none."""
        if self._replica is None:
            return None
        lag_s = self._lag.seconds(time.monotonic())
        reason = self._reason
        if reason is None and lag_s > self._max_lag_s:
            reason = f"it is more than {self._max_lag_s:g} s behind the primary"
            if self._is_primary_silent:
                reason = f"no word of the primary, and it may be {self._max_lag_s:g} s behind"
        known_s = round(lag_s, 3) if math.isfinite(lag_s) else None
        return ReplicaStanding(reason is None, known_s, reason)

    def near(self, read: Read[Found]) -> Found:
        """Return what `read` finds, on a connection whose state may be as old as the bound.

        It is called again, on the primary, where it fails on the replica: that may be going down,
        cancel what its replay overtakes, or not have a migration yet. What takes too long there
        would on the primary, too, which has other things to do.

        Raises
        ------
        Unavailable
            It takes too long, or the primary was needed and does not answer.
        """
        try:
            with self._lent() as replica:
                if replica is not None:
                    return read(replica)
        except psycopg.errors.QueryCanceled as error:
            tell_given_up(error)
            raise Unavailable("This takes too long just now; try again in a moment.") from error
        except PoolTimeout as error:
            self._waited_in_vain(error)
        except psycopg.Error as error:
            self._leave(error)
        with connected(self._primary) as primary:
            return read(primary)

    def of_user(
        self, user_id: str | None, primary: psycopg.Connection[Any], read: Read[Found]
    ) -> Found:
        """Return what `read` finds, on a connection that knows all of what that user has done.

        Parameters
        ----------
        user_id
            External id; None: a guest, of whom there is nothing to know.
        primary
            A connection to the primary, used for `read` too where the replica will not do.
        read
            Uses the connection that it is given and no other: the replica is left for what fails
            there, but for what takes too long, and what fails on the primary is raised.
        """
        if not self._is_in_use:
            return read(primary)
        # The primary is asked first and the replica only moves forward: what is read there
        # afterwards has all that was committed before this was called.
        own_rows = _own_rows(primary, user_id)
        try:
            with self._lent() as replica:
                if replica is not None and _own_rows(replica, user_id) == own_rows:
                    return read(replica)
        except psycopg.errors.QueryCanceled:
            # All feeds read here: one that is slow is no reason to turn all to the primary.
            log.warning("The replica takes too long for a user's state: the primary is asked.")
        except PoolTimeout as error:
            self._waited_in_vain(error)
        except psycopg.Error as error:
            self._leave(error)
        return read(primary)

    def look(self) -> None:
        """Look now how far the replica is.

        Where the primary does not answer, which may only be busy, that is not known, and what is
        known grows old.

        Raises
        ------
        psycopg.OperationalError
            The replica does not answer.
        """
        if self._replica is None:
            return
        try:
            with self._primary.connection() as connection:
                at_s = time.monotonic()
                written, source = _position(connection, _WRITTEN)
            self._is_primary_silent = False
        except psycopg.OperationalError:
            self._is_primary_silent = True
            return
        with self._counted(self._replica) as connection:
            replayed, replica_of = _position(connection, _REPLAYED)
        if written is None or replayed is None:
            self._refuse("it is no replica: it replays nobody's log")
        elif source != replica_of:
            self._refuse("it is a replica of another server, or another database of it")
        else:
            self._lag.written(written, at_s)
            self._lag.replayed(replayed)
            self._reason = None

    @property
    def _is_in_use(self) -> bool:
        standing = self.standing
        return standing is not None and standing.in_use

    @contextmanager
    def _lent(self) -> Iterator[psycopg.Connection[Any] | None]:
        """Lend a connection to the replica, None where it is not to be read from."""
        if self._replica is None or not self._is_in_use:
            yield None
            return
        with self._counted(self._replica, self._replica.patience_s) as connection:
            yield connection

    @contextmanager
    def _counted(
        self, replica: Pool, patience_s: float | None = None
    ) -> Iterator[psycopg.Connection[Any]]:
        with replica.connection(patience_s) as connection:
            self._add_lent(1)
            try:
                yield connection
            finally:
                self._add_lent(-1)

    def _add_lent(self, some: int) -> None:
        with self._counting:
            self._lent_now += some

    def _waited_in_vain(self, error: PoolTimeout) -> None:
        """Leave the replica unless all connections to it are lent: it is busy then, not away."""
        if self._lent_now < self._size:
            self._leave(error)
        else:
            log.warning("All connections to the replica are lent.")

    def _leave(self, error: psycopg.Error) -> None:
        """Read from the primary until the next look finds that the replica answers."""
        self._refuse("reads fail there, the log says why", error)

    def _refuse(self, reason: str, error: Exception | None = None) -> None:
        """Note why the replica is not in use, as anybody may read it; the log has the error."""
        if reason != self._reason:
            log.warning("The replica is left for the primary: %s", error or reason)
        self._reason = reason
        self._lag.forget()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except PoolTimeout as error:
                self._waited_in_vain(error)
            except psycopg.OperationalError as error:
                self._leave(error)
            except Exception as error:
                # No right to ask, say: the thread that looks for better must outlive it.
                self._refuse("it cannot be asked, the log says why", error)
            self._stopping.wait(LOOK_EVERY_S)


def _position(connection: psycopg.Connection[Any], statement: str) -> tuple[int | None, str | None]:
    row = connection.execute(statement).fetchone()
    return (None, None) if row is None or row[0] is None else (int(row[0]), str(row[1]))


def _own_rows(connection: psycopg.Connection[Any], user_id: str | None) -> tuple[Any, ...] | None:
    """Return what tells all rows of a user there from others; None: there are none."""
    if user_id is None:
        return None
    return connection.execute(_OWN_ROWS, (user_id,)).fetchone()
