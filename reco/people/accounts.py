"""Who has an account, to compare with whom a model holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from features.interactions import encoded_ids, vocabulary_rows

_LIVE = """
select external_id from core.beneficiary
where erased_at is null and (created_at is null or created_at <= %s)
"""
_ERASED = "select count(*), max(erased_at) from core.beneficiary where erased_at is not null"


@dataclass(frozen=True)
class Accounts:
    """The accounts of a world at one moment."""

    ids: NDArray[np.bytes_]
    """(A,) sorted external ids of those that are not erased, UTF-8."""
    erased: int
    erased_until: datetime | None
    """When the last one was erased."""

    def hold(self, users: NDArray[np.bytes_]) -> NDArray[np.bool_]:
        """Say for each of `users` (n,) whether it is a live account."""
        return vocabulary_rows(self.ids, users) >= 0


def read_accounts(connection: psycopg.Connection[Any], known_at: datetime) -> Accounts:
    """Return the accounts as they are now, without those made after `known_at`.

    Who has an account anew under the id of somebody erased is not whom earlier events were about.
    """
    live = connection.execute(_LIVE, (known_at,)).fetchall()
    (erased, erased_until) = connection.execute(_ERASED).fetchone() or (0, None)
    return Accounts(np.sort(encoded_ids([row[0] for row in live])), int(erased), erased_until)
