"""Promote behind the gate, roll back, prune: what changes which model a world serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from time import perf_counter

from reco.errors import (
    ArtifactNotFetched,
    ArtifactRefused,
    InvalidInput,
    NotFound,
    RuleBroken,
)
from reco.experiments.records import models_of, running_experiment
from reco.model.address import (
    is_left,
    local_folder,
    remove_artifacts,
    remove_drafts,
)
from reco.model.artifact import read_artifact
from reco.model.registry import (
    Act,
    ModelVersion,
    force,
    give_up,
    kept_version,
    line_of_champions,
    promote,
    pruned_addresses,
    publication,
    refuse,
    roll_back,
    versions,
)
from reco.model.serving import opened_anew
from reco.world import World
from training.booked import BookedOffer, booked_in_database, booked_in_frames
from training.extract import events_from_database, events_from_frames
from training.gate import Floors, Verdict, judge
from training.split import known_at
from training.trial import Contender


@dataclass(frozen=True)
class RolledBack:
    """What became of a roll-back."""

    left: str
    champion: str
    passed_over: tuple[str, ...]
    """Former champions that cannot be served any more, and why."""


@dataclass(frozen=True)
class PrunedVersions:
    """What a run gave up, and how many versions are kept."""

    given_up: tuple[str, ...]
    deleted: tuple[str, ...]
    """Addresses; also of versions that a run before this one gave up."""
    kept: int
    failed: tuple[str, ...]
    """What could not be deleted, and why: the next run does."""


def compare_versions(
    world: World,
    candidate: str,
    champion: str | None = None,
    *,
    now: datetime,
    floors: Floors,
    users: int,
    frames: Path | None = None,
) -> Verdict:
    """Judge one version against another; nothing changes.

    Parameters
    ----------
    champion
        By default the one that is served: while the champion's artifact is damaged, the one before.
    now
        Events that are dated later are left out, as a training leaves them out.
    users
        How many people are drawn (see `judge`).
    frames
        Judge on the events of this folder, not of the database.

    Raises
    ------
    NotFound
        There is no such version, or nothing is served.
    ArtifactRefused
        One of the artifacts cannot be used, or what is served cannot be fetched to be compared.
    InvalidInput
        The two are one, or nothing can be held out, or all events lie after `now`.
    RuleBroken
        One of them is pruned.
    """
    named = kept_version(world.conninfo, candidate)
    if champion == candidate:
        raise InvalidInput("OTHER", f"{candidate} cannot be compared with itself")
    if champion is None and named.state == "champion":
        raise InvalidInput("OTHER", f"{candidate} is the champion; name what to compare it with")
    first = _contender(world, named)
    second = (
        _contender(world, kept_version(world.conninfo, champion))
        if champion
        else _served(world, candidate)
    )
    events = events_from_frames(frames) if frames else events_from_database(world.conninfo)
    return judge(
        known_at(events, now),
        first,
        second,
        floors=floors,
        users=users,
        read_booked=partial(_booked, world, frames),
        clock=perf_counter,
    )


def promote_behind_gate(
    world: World,
    candidate: str,
    act: Act,
    *,
    floors: Floors,
    users: int,
    frames: Path | None = None,
) -> Verdict:
    """Judge a candidate against the champion; promote it, or record why not.

    Raises
    ------
    RuleBroken
        The candidate is pruned, or the champion changed while they were compared.
    NotFound, ArtifactRefused, InvalidInput
        As `compare_versions`; or the candidate is served already.
    """
    over = _champion(world)
    if candidate == over:
        raise InvalidInput("version", f"{candidate} is served already")
    verdict = compare_versions(
        world, candidate, now=act.at, floors=floors, users=users, frames=frames
    )
    with publication(world.conninfo) as connection:
        if verdict.passed:
            promote(connection, candidate, over=over, act=act, evidence=verdict.as_evidence())
        else:
            refuse(connection, candidate, act, verdict.as_evidence())
    return verdict


def promote_past_gate(world: World, version: str, act: Act) -> None:
    """Make the champion of a version whatever the gate would say; the act's reason is kept.

    Raises
    ------
    NotFound, InvalidInput
        There is no such version, or it is served already, or there is no reason.
    RuleBroken
        It is pruned.
    ArtifactRefused
        Its artifact is harmed or gone: no worker would serve it.
    """
    opened_anew(kept_version(world.conninfo, version), world.models)
    with publication(world.conninfo) as connection:
        force(connection, version, act)


def roll_back_one(world: World, act: Act) -> RolledBack:
    """Make the nearest former champion that is whole the champion again.

    Raises
    ------
    NotFound
        Nothing is served.
    RuleBroken
        There is no former champion to go back to.
    ArtifactNotFetched
        Its store does not answer: it is not passed over, for it may be whole.
    """
    line = line_of_champions(world.conninfo)
    passed_over = []
    for former in line[1:]:
        try:
            opened_anew(former, world.models)
        except ArtifactNotFetched:
            raise
        except ArtifactRefused as error:
            passed_over.append(str(error))
            continue
        with publication(world.conninfo) as connection:
            roll_back(connection, former.version, over=line[0].version, act=act)
        return RolledBack(line[0].version, former.version, tuple(passed_over))
    told = "".join(f" {reason}" for reason in passed_over)
    raise RuleBroken("no_former_champion", f"There is no champion to go back to.{told}")


def prune_versions(world: World, keep: int, act: Act) -> PrunedVersions:
    """Give up old versions and delete their artifacts.

    The champion stays, the one before it, the `keep` newest, and what the running experiment shows.
    The database says first that a version is given up; then its folder goes. What a run that was
    killed left behind, the next one deletes.
    """
    with publication(world.conninfo) as connection:
        known = [row for row in versions(world.conninfo) if row.state != "pruned"]
        spared = {row.version for row in line_of_champions(world.conninfo)[:2]}
        spared |= {row.version for row in known[:keep]}
        running = running_experiment(world.conninfo)
        spared |= set(models_of(running.plan)) if running else set()
        given_up = [row.version for row in known if row.version not in spared]
        for version in given_up:
            give_up(connection, version, act)
        # Nobody saves meanwhile.
        remove_drafts(world.models, act.at)
    pruned = pruned_addresses(world.conninfo)
    left = [address for address in pruned if is_left(address, world.models)]
    failed = remove_artifacts(left, world.models)
    deleted = tuple(address for address in left if address not in failed)
    kept = len(known) - len(given_up)
    return PrunedVersions(tuple(given_up), deleted, kept, tuple(failed.values()))


def _champion(world: World) -> str:
    line = line_of_champions(world.conninfo)
    if not line:
        raise NotFound("model version", "that is served")
    return line[0].version


def _served(world: World, candidate: str) -> Contender:
    reasons = []
    for former in line_of_champions(world.conninfo):
        if former.version == candidate:
            continue
        try:
            return _contender(world, former)
        except ArtifactNotFetched:
            raise
        except ArtifactRefused as error:
            reasons.append(str(error))
    told = "".join(f" {reason}" for reason in reasons)
    raise RuleBroken("nothing_to_compare_with", f"No other model was served that is whole.{told}")


def _contender(world: World, version: ModelVersion) -> Contender:
    model = opened_anew(version, world.models)
    return Contender(model, read_artifact(local_folder(version.address, world.models)).facts)


def _booked(world: World, frames: Path | None, users: Sequence[str]) -> list[BookedOffer]:
    if frames:
        return booked_in_frames(frames, users)
    return booked_in_database(world.conninfo, users)
