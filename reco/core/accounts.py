"""Accounts of young people: who they are, the deposit that they are granted, what is left of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row

from reco.core.actor import act_as
from reco.core.deposits import Deposit, Policy, Spent, age_at, credit_left, due_deposit
from reco.errors import InvalidInput, NotFound, Unauthorized

ERASED = "erased:"
"""What the id of an erased account begins with; nobody can register under it."""
_OLDEST_YEARS = 120

_UPSERT = """
insert into core.beneficiary as kept (external_id, birth_date, home, created_at)
values (%(user_id)s, %(birth_date)s,
  st_setsrid(st_makepoint(%(lon)s, %(lat)s), 4326)::geography, %(now)s)
on conflict (external_id) do update set birth_date = excluded.birth_date, home = excluded.home
returning id
"""
_NUMBER = "select id from core.beneficiary where external_id = %s and erased_at is null"
_GRANTED = """
select amount_cents, digital_cap_cents, physical_cap_cents, offer_limit_cents, granted_at,
  expires_at, age
from core.deposit where user_id = %s
"""
_GRANT = """
insert into core.deposit (user_id, amount_cents, digital_cap_cents, physical_cap_cents,
  offer_limit_cents, granted_at, expires_at, age)
values (%(user)s, %(amount_cents)s, %(digital_cap_cents)s, %(physical_cap_cents)s,
  %(offer_limit_cents)s, %(granted_at)s, %(expires_at)s, %(age)s)
"""

ACCOUNT = """
select u.id, u.external_id as user_id, d.amount_cents, d.digital_cap_cents, d.physical_cap_cents,
  d.offer_limit_cents, d.granted_at, d.expires_at, d.age,
  coalesce(spent.total_cents, 0) as spent_cents,
  coalesce(spent.digital_cents, 0) as spent_digital_cents,
  coalesce(spent.physical_cents, 0) as spent_physical_cents
from core.beneficiary u
left join lateral (
  select * from core.deposit where user_id = u.id and granted_at <= %(now)s
  order by granted_at desc limit 1
) d on true
left join lateral (
  select sum(amount_cents) as total_cents,
    sum(amount_cents) filter (where cap = 'digital') as digital_cents,
    sum(amount_cents) filter (where cap = 'physical') as physical_cents
  from (
    select b.amount_cents, core.cap_of(s.is_event, s.is_digital, s.is_physical,
      t.starts_at is not null, o.venue_id is not null) as cap
    from core.booking b
    join core.stock t on t.id = b.stock_id
    join core.offer o on o.id = t.offer_id
    join core.item i on i.id = o.item_id
    left join core.subcategory s on s.id = i.subcategory_id
    -- Every live booking counts, whatever the clocks of the machines say.
    where b.user_id = u.id and b.cancelled_at is null and b.booked_at >= d.granted_at
  ) live
) spent on true
where u.external_id = %(user_id)s and u.erased_at is null
"""
"""A user with the deposit that counts at `now` and what its live bookings add up to."""


@dataclass(frozen=True)
class Account:
    """A row of `ACCOUNT`."""

    id: int
    user_id: str
    amount_cents: int | None
    digital_cap_cents: int | None
    physical_cap_cents: int | None
    offer_limit_cents: int | None
    granted_at: datetime | None
    expires_at: datetime | None
    age: int | None
    spent_cents: int
    spent_digital_cents: int
    spent_physical_cents: int

    @property
    def deposit(self) -> Deposit | None:
        """The deposit that counts, None where none was granted yet."""
        if self.amount_cents is None or self.granted_at is None:
            return None
        return Deposit(
            self.amount_cents,
            self.digital_cap_cents,
            self.physical_cap_cents,
            self.offer_limit_cents,
            self.granted_at,
            self.expires_at,
            self.age,
        )

    @property
    def spent(self) -> Spent:
        """What was spent of it."""
        return Spent(
            int(self.spent_cents), int(self.spent_digital_cents), int(self.spent_physical_cents)
        )


@dataclass(frozen=True)
class CapStanding:
    """One of the caps of a deposit."""

    kind: Literal["digital", "physical"]
    cap_cents: int
    spent_cents: int
    left_cents: int


@dataclass(frozen=True)
class CreditStanding:
    """What is left of a person's credit; `deposit_cents` None: there is no deposit."""

    user_id: str
    deposit_cents: int | None
    left_cents: int
    spent_cents: int
    granted_at: datetime | None
    expires_at: datetime | None
    is_over: bool
    offer_limit_cents: int | None
    caps: tuple[CapStanding, ...]


@dataclass(frozen=True)
class Person:
    """Who somebody is, as the programme says; None: it does not say."""

    user_id: str
    birth_date: date | None
    lon: float | None
    lat: float | None
    """Home, degrees; already rounded."""


@dataclass(frozen=True)
class Registered:
    """What a registration came to."""

    granted: bool
    """Whether a deposit was granted by it."""
    credit: CreditStanding


def register(
    connection: psycopg.Connection[Any],
    person: Person,
    policies: Sequence[Policy],
    now: datetime,
    zone: tzinfo,
) -> Registered:
    """Create or change an account, and grant the deposit that is due at that age, once.

    Parameters
    ----------
    policies
        Of the programme (`reco.core.policies.read_policies`).
    zone
        Of the programme: there a birthday begins at midnight.

    Raises
    ------
    InvalidInput
        The birth date lies in the future or too far back, or the id is not to be had.
    """
    _check(person, now.astimezone(zone).date())
    with connection.transaction():
        # The conflict locks the row: of two registrations at once one grants.
        made = connection.execute(_UPSERT, vars(person) | {"now": now}).fetchone()
        if made is None:
            raise NotFound("user", person.user_id)
        due = None
        if person.birth_date is not None:
            with connection.cursor(row_factory=class_row(Deposit)) as cursor:
                granted = cursor.execute(_GRANTED, made).fetchall()
            due = due_deposit(policies, person.birth_date, granted, now, zone)
        if due is not None:
            act_as(connection, "programme")
            connection.execute(_GRANT, vars(due) | {"user": made[0]})
        return Registered(due is not None, read_credit(connection, person.user_id, now))


def account_number(connection: psycopg.Connection[Any], user_id: str) -> int | None:
    """Return the number of the account that has this id now, None where none has.

    The id of an erased account may become somebody else's; its number never does.
    """
    found = connection.execute(_NUMBER, (user_id,)).fetchone()
    return None if found is None else int(found[0])


def check_account(user_id_is_of: int | None, account: int | None) -> None:
    """Raise `Unauthorized` where an id is not the account's that a token was issued for.

    Parameters
    ----------
    user_id_is_of, account
        Numbers as `account_number`'s.
    """
    if user_id_is_of != account:
        raise Unauthorized("This id is no longer whose it was; ask for a new user token.")


def read_credit(connection: psycopg.Connection[Any], user_id: str, now: datetime) -> CreditStanding:
    """Return what is left of a user's credit at `now`, or raise `NotFound`."""
    with connection.cursor(row_factory=class_row(Account)) as cursor:
        account = cursor.execute(ACCOUNT, {"user_id": user_id, "now": now}).fetchone()
    if account is None:
        raise NotFound("user", user_id)
    return _standing(account, now)


def _check(person: Person, today: date) -> None:
    if person.user_id.startswith(ERASED):
        raise InvalidInput("user_id", f"an id does not begin with {ERASED!r}")
    born = person.birth_date
    if born is not None and not 0 <= age_at(born, today) <= _OLDEST_YEARS:
        raise InvalidInput("birth_date", f"{born} is no birth date of somebody alive on {today}")


def _standing(account: Account, now: datetime) -> CreditStanding:
    deposit, spent = account.deposit, account.spent
    if deposit is None:
        return CreditStanding(account.user_id, None, 0, 0, None, None, False, None, ())
    left = credit_left(deposit, spent, now)
    caps: tuple[tuple[Literal["digital", "physical"], int | None, int, int | None], ...] = (
        ("digital", deposit.digital_cap_cents, spent.digital_cents, left.digital_cents),
        ("physical", deposit.physical_cap_cents, spent.physical_cents, left.physical_cents),
    )
    return CreditStanding(
        user_id=account.user_id,
        deposit_cents=deposit.amount_cents,
        left_cents=left.total_cents or 0,
        spent_cents=spent.total_cents,
        granted_at=deposit.granted_at,
        expires_at=deposit.expires_at,
        is_over=deposit.is_over(now),
        offer_limit_cents=deposit.offer_limit_cents,
        caps=tuple(
            CapStanding(kind, cap_cents, spent_cents, left_cents or 0)
            for kind, cap_cents, spent_cents, left_cents in caps
            if cap_cents is not None
        ),
    )
