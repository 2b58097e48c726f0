"""Deposit policies: rows with validity dates, so that a successor needs no new code."""

from typing import Any

import psycopg
from psycopg.rows import class_row

from reco.core.deposits import Policy
from reco.errors import InvalidInput

_POLICIES = """
select age, amount_cents, digital_cap_cents, physical_cap_cents, offer_limit_cents, months,
  -- Python's dates have no infinity, and its first day is not over everywhere at once.
  greatest(valid_from, '0001-01-02 00:00+00') as valid_from,
  nullif(valid_until, 'infinity') as valid_until
from core.deposit_policy order by age, valid_from
"""
_END_THE_ONE_BEFORE = """
update core.deposit_policy set valid_until = %(valid_from)s
where age = %(age)s and valid_from < %(valid_from)s
  and (valid_until is null or valid_until > %(valid_from)s)
"""
_ADD = """
insert into core.deposit_policy (age, amount_cents, digital_cap_cents, physical_cap_cents,
  offer_limit_cents, months, valid_from)
values (%(age)s, %(amount_cents)s, %(digital_cap_cents)s, %(physical_cap_cents)s,
  %(offer_limit_cents)s, %(months)s, %(valid_from)s)
"""


def read_policies(connection: psycopg.Connection[Any]) -> list[Policy]:
    """Return all policies, by age and time."""
    with connection.cursor(row_factory=class_row(Policy)) as cursor:
        return cursor.execute(_POLICIES).fetchall()


def add_policy(connection: psycopg.Connection[Any], policy: Policy) -> None:
    """Add `policy`, without an end; the one that held for its age ends where it begins.

    Deposits stay as they were granted.

    Raises
    ------
    InvalidInput
        Another policy for the age begins at the same time or later.
    """
    try:
        with connection.transaction():
            connection.execute(_END_THE_ONE_BEFORE, vars(policy))
            connection.execute(_ADD, vars(policy))
    except psycopg.errors.ExclusionViolation as error:
        raise InvalidInput(
            "valid_from", f"a policy for the age of {policy.age} begins then or later"
        ) from error
