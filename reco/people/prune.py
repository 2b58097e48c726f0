"""Remove models that hold somebody who has no account any more."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from reco.experiments.records import models_of, running_experiment
from reco.model.address import remove_artifacts
from reco.model.registry import Act, give_up, publication
from reco.people.accounts import read_accounts
from reco.people.models import UNREGISTERED, StoredModel, stored_models
from reco.world import World


@dataclass(frozen=True)
class Pruned:
    """What a run did."""

    removed: tuple[StoredModel, ...]
    kept: int
    """How many stay: what holds nobody without an account, and the three below."""
    served: StoredModel | None
    """The champion, where it holds somebody without an account: it stays until there is another."""
    shown: tuple[StoredModel, ...]
    """What the running experiment shows, and holds somebody without an account: it stays until the
    experiment is stopped."""
    unread: tuple[StoredModel, ...]
    """Whom these hold, nobody knows; they stay."""
    failed: tuple[str, ...] = ()
    """What could not be deleted, and why: the next run does."""


def prune_models(world: World, act: Act, store_url: str | None = None) -> Pruned:
    """Remove every model folder that holds anybody without an account and that nobody is shown.

    The registry says first that a version is given up, so that nobody can promote it any more;
    then its folder goes. What a run that was killed left behind, the next one removes, and what
    this machine has of versions that were given up on another one.

    Parameters
    ----------
    store_url
        Where a training that was killed may have left a copy of what it never registered.
    """
    removed, unread, shown, found, served = [], [], [], 0, None
    # Nothing is published meanwhile, and no experiment begins: a folder beside the registered ones
    # is nobody's draft.
    with publication(world.conninfo) as connection:
        running = running_experiment(world.conninfo)
        of_experiment = set(models_of(running.plan)) if running else set()
        for stored, holds_only_accounts in _looked_at(world, connection, store_url):
            found += 1
            if stored.state == "pruned":
                # Given up by a run that was killed, or on another machine: here is its copy.
                removed.append(stored)
            elif holds_only_accounts is None:
                unread.append(stored)
            elif holds_only_accounts:
                continue
            elif stored.state == "champion":
                served = stored
            elif stored.version in of_experiment:
                shown.append(stored)
            else:
                _give_up(connection, stored, act)
                removed.append(stored)
    failed = remove_artifacts([stored.address for stored in removed], world.models)
    gone = tuple(stored for stored in removed if stored.address not in failed)
    kept = found - len(removed)
    return Pruned(gone, kept, served, tuple(shown), tuple(unread), tuple(failed.values()))


def _looked_at(
    world: World, connection: psycopg.Connection[Any], store_url: str | None
) -> Iterator[tuple[StoredModel, bool | None]]:
    """Yield all models, and whether all whom each holds have an account; None: it is not read."""
    for stored in stored_models(world, store_url):
        if stored.model is None:
            yield stored, None
            continue
        accounts = read_accounts(connection, stored.model.created_at)
        yield stored, bool(accounts.hold(stored.model.users).all())


def _give_up(connection: psycopg.Connection[Any], stored: StoredModel, act: Act) -> None:
    if stored.state != UNREGISTERED:
        give_up(connection, stored.version, act)
