"""Remove models that hold somebody who has no account any more."""

from dataclasses import dataclass

from reco.model.address import remove_artifact
from reco.model.registry import publication
from reco.people.accounts import read_accounts
from reco.people.models import StoredModel, stored_models
from reco.world import World


@dataclass(frozen=True)
class Pruned:
    """What a run did."""

    removed: tuple[StoredModel, ...]
    kept: int
    served: StoredModel | None
    """The champion, where it holds somebody without an account: it stays until there is another."""
    unread: tuple[StoredModel, ...]
    """Whom these hold, nobody knows; they stay."""


def prune_models(world: World) -> Pruned:
    """Remove every model folder that holds anybody without an account, but the champion's.

    The registry keeps their rows; roll-back passes over a version whose folder is gone. Running it
    twice removes nothing more.
    """
    removed, unread, kept, served = [], [], 0, None
    # Nothing is published meanwhile: a folder beside the registered ones is nobody's draft.
    with publication(world.conninfo) as connection:
        for stored in stored_models(world):
            if stored.model is None:
                unread.append(stored)
                continue
            accounts = read_accounts(connection, stored.model.created_at)
            if accounts.hold(stored.model.users).all():
                kept += 1
            elif stored.state == "champion":
                served = stored
            else:
                remove_artifact(stored.address, world.models)
                removed.append(stored)
    return Pruned(tuple(removed), kept, served, tuple(unread))
