"""Which model versions there are, which one is served, and what became of each.

`reco.model_version` holds the versions, `reco.model_event` their history. The champion changes here
alone, under one lock, and never without an event that says who did it, when and why.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from reco.db.session import look_at
from reco.errors import InvalidInput, NotFound, RuleBroken, Unavailable

FIRST = "the first version of this world"
"""Why a version is promoted that no other stands against."""


class Champion(NamedTuple):
    """The model version that is served."""

    version: str
    address: str
    digest: str


@dataclass(frozen=True)
class ModelVersion:
    """A row of `reco.model_version`."""

    version: str
    kind: str
    address: str
    digest: str
    cutoff: datetime | None
    created_at: datetime
    metrics: Mapping[str, Any]
    state: str
    """candidate, champion, retired (was champion) or pruned (its artifact is given up)."""


@dataclass(frozen=True)
class Act:
    """Who changes something, when, and why."""

    at: datetime
    actor: str
    reason: str | None = None


@dataclass(frozen=True)
class ModelEvent:
    """A row of `reco.model_event`."""

    version: str
    at: datetime
    action: str
    """published, promoted, forced, refused, rolled back (to this one), retired or pruned."""
    actor: str
    reason: str | None
    evidence: Mapping[str, Any] | None
    """The verdict of the gate, where there was one."""


_LOCK = "lock table reco.model_version in share row exclusive mode"
_PUBLISH = """
insert into reco.model_version
  (version, kind, address, digest, cutoff, created_at, metrics, state)
values (%s, %s, %s, %s, %s, %s, %s, 'candidate')
"""
_STATE = "update reco.model_version set state = %s where version = %s"
_EVENT = """
insert into reco.model_event (version, at, action, actor, reason, evidence)
values (%s, %s, %s, %s, %s, %s)
"""
_CHAMPION = "select version, address, digest from reco.model_version where state = 'champion'"
_PRUNED = "select address from reco.model_version where state = 'pruned'"
_VERSIONS = """
select version, kind, address, digest, cutoff, created_at, metrics, state
from reco.model_version order by created_at desc, version
"""
_EVENTS = """
select version, at, action, actor, reason, evidence from reco.model_event order by id
"""


@contextmanager
def publication(conninfo: str) -> Iterator[psycopg.Connection[Any]]:
    """Open a transaction that alone changes the registry; others, and erasures of people, wait.

    What is read of the accounts in it still holds when a model is published.

    Raises
    ------
    Unavailable
        The database does not answer: nothing changed.
    """
    try:
        opened = psycopg.connect(conninfo)
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database does not answer, nothing changed: {error}") from error
    with opened as connection:
        connection.execute(_LOCK)
        yield connection


def publish(
    connection: psycopg.Connection[Any],
    *,
    version: str,
    kind: str,
    address: str,
    digest: str,
    cutoff: datetime | None,
    created_at: datetime,
    metrics: Mapping[str, Any],
    act: Act,
) -> bool:
    """Register a model version, in a `publication`; say whether it is served at once.

    It is a candidate, but for the first version of a world.
    """
    row = (version, kind, address, digest, cutoff, created_at, Jsonb(metrics))
    connection.execute(_PUBLISH, row)
    _record(connection, version, "published", act)
    is_first = _standing(connection) is None
    if is_first:
        _crown(connection, version, "promoted", Act(act.at, act.actor, FIRST))
    return is_first


def promote(
    connection: psycopg.Connection[Any],
    version: str,
    *,
    over: str | None,
    act: Act,
    evidence: Mapping[str, Any],
) -> None:
    """Make the champion of a version that passed the gate, in a `publication`.

    Parameters
    ----------
    over
        The champion that it was compared with.
    evidence
        The verdict of the gate.

    Raises
    ------
    NotFound, InvalidInput
        There is no such version, or it is served already.
    RuleBroken
        It is pruned, or the champion is another than `over` by now.
    """
    current = _standing(connection)
    if current != over:
        raise RuleBroken(
            "champion_changed",
            f"The champion is {current} by now, not {over}, with which {version} was compared; "
            "promote it again.",
        )
    _crown(connection, version, "promoted", act, evidence)


def force(connection: psycopg.Connection[Any], version: str, act: Act) -> None:
    """Make the champion of a version past the gate, in a `publication`; the reason is kept.

    Raises
    ------
    NotFound, InvalidInput, RuleBroken
        As `promote`, or there is no reason.
    """
    if not act.reason or not act.reason.strip():
        raise InvalidInput("force", "a promotion past the gate needs a reason")
    _crown(connection, version, "forced", act)


def refuse(
    connection: psycopg.Connection[Any], version: str, act: Act, evidence: Mapping[str, Any]
) -> None:
    """Record that the gate refused a version; raise `NotFound` if there is none."""
    _state(connection, version)
    _record(connection, version, "refused", act, evidence)


def roll_back(connection: psycopg.Connection[Any], version: str, *, over: str, act: Act) -> None:
    """Make a former champion the champion again, in a `publication`; raises as `promote` does."""
    if (current := _standing(connection)) != over:
        raise RuleBroken("champion_changed", f"The champion is {current} by now, not {over}.")
    _crown(connection, version, "rolled back", act)


def give_up(connection: psycopg.Connection[Any], version: str, act: Act) -> None:
    """Mark a version as pruned, in a `publication`: from now on nobody may serve it.

    Raises
    ------
    NotFound, InvalidInput
        There is no such version, or it is served.
    """
    if _state(connection, version) == "champion":
        raise InvalidInput("version", f"{version} is served")
    connection.execute(_STATE, ("pruned", version))
    _record(connection, version, "pruned", act)


def champion(conninfo: str) -> Champion | None:
    """Return the champion, or None where no model was published yet."""
    with look_at(conninfo) as connection:
        return connection.cursor(row_factory=class_row(Champion)).execute(_CHAMPION).fetchone()


def versions(conninfo: str) -> list[ModelVersion]:
    """Return all model versions, the newest first."""
    with look_at(conninfo) as connection:
        return connection.cursor(row_factory=class_row(ModelVersion)).execute(_VERSIONS).fetchall()


def pruned_refused(version: str) -> RuleBroken:
    """Return what is told of who asks for a version that is pruned."""
    told = f"{version} is pruned: its artifact is given up. Choose another of `reco models list`."
    return RuleBroken("model_pruned", told)


def pruned_addresses(conninfo: str) -> list[str]:
    """Return where the artifacts lay that are given up."""
    with look_at(conninfo) as connection:
        return [str(address) for (address,) in connection.execute(_PRUNED)]


def version_named(conninfo: str, version: str) -> ModelVersion:
    """Return a version, or raise `NotFound`."""
    for known in versions(conninfo):
        if known.version == version:
            return known
    raise NotFound("model version", version)


def kept_version(conninfo: str, version: str) -> ModelVersion:
    """Return a version whose artifact is to be read.

    Raises
    ------
    NotFound
        There is none of that name.
    RuleBroken
        It is pruned.
    """
    known = version_named(conninfo, version)
    if known.state == "pruned":
        raise pruned_refused(version)
    return known


def events(conninfo: str) -> list[ModelEvent]:
    """Return the history of all versions, the oldest event first."""
    with look_at(conninfo) as connection:
        return connection.cursor(row_factory=class_row(ModelEvent)).execute(_EVENTS).fetchall()


def line_of_champions(conninfo: str) -> list[ModelVersion]:
    """Return the champion, the one before it, and so on; without those that are pruned.

    Each is named once: one that was champion twice is not the one before itself.
    """
    # The history first: a version is registered before anything can happen to it.
    names = succession(events(conninfo))
    by_name = {known.version: known for known in versions(conninfo)}
    return [by_name[name] for name in dict.fromkeys(names) if by_name[name].state != "pruned"]


def succession(history: Sequence[ModelEvent]) -> list[str]:
    """Return who is champion by `history`, who was before, and so on.

    What was rolled back from was never there: rolling back twice leads two champions back.
    """
    line: list[str] = []
    for event in history:
        if event.action in {"promoted", "forced"}:
            line.append(event.version)
        elif event.action == "rolled back":
            while line and line[-1] != event.version:
                line.pop()
    return line[::-1]


def _crown(
    connection: psycopg.Connection[Any],
    version: str,
    action: str,
    act: Act,
    evidence: Mapping[str, Any] | None = None,
) -> None:
    state = _state(connection, version)
    if state == "champion":
        raise InvalidInput("version", f"{version} is served already")
    if state == "pruned":
        raise pruned_refused(version)
    if (former := _standing(connection)) is not None:
        connection.execute(_STATE, ("retired", former))
        _record(connection, former, "retired", Act(act.at, act.actor, f"{version}: {action}"))
    connection.execute(_STATE, ("champion", version))
    _record(connection, version, action, act, evidence)


def _standing(connection: psycopg.Connection[Any]) -> str | None:
    row = connection.execute(_CHAMPION).fetchone()
    return str(row[0]) if row else None


def _state(connection: psycopg.Connection[Any], version: str) -> str:
    asked = "select state from reco.model_version where version = %s"
    row = connection.execute(asked, (version,)).fetchone()
    if row is None:
        raise NotFound("model version", version)
    return str(row[0])


def _record(
    connection: psycopg.Connection[Any],
    version: str,
    action: str,
    act: Act,
    evidence: Mapping[str, Any] | None = None,
) -> None:
    kept = None if evidence is None else Jsonb(evidence)
    connection.execute(_EVENT, (version, act.at, action, act.actor, act.reason, kept))
