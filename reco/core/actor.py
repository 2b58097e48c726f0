"""Who moves money in a transaction: written beside every line of the ledger."""

from typing import Any

import psycopg


def act_as(connection: psycopg.Connection[Any], actor: str) -> None:
    """Name the actor of the running transaction, as `user`, `partner:lune` or `expiry`.

    The ledger cannot be rewritten: no name of a person goes in, the line has the account's number.
    """
    connection.execute("select set_config('core.actor', %s, true)", (actor,))
