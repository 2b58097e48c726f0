"""Deposits as plain objects: what the programme grants, and what is left of it. Money in cents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Literal

Cap = Literal["digital", "physical", "none"]
"""What a stock counts against, beside the deposit itself; events count against no cap."""


@dataclass(frozen=True)
class Policy:
    """What a person of one age is granted while the policy holds; None: no such limit."""

    age: int
    amount_cents: int
    digital_cap_cents: int | None
    physical_cap_cents: int | None
    offer_limit_cents: int | None
    """The most that one booking may cost."""
    months: int
    """How long the deposit can be spent."""
    valid_from: datetime
    valid_until: datetime | None

    def holds(self, now: datetime) -> bool:
        """Say whether deposits are granted by it at `now`."""
        return self.valid_from <= now and (self.valid_until is None or now < self.valid_until)


@dataclass(frozen=True)
class Deposit:
    """A deposit that was granted; None: no such limit."""

    amount_cents: int
    digital_cap_cents: int | None
    physical_cap_cents: int | None
    offer_limit_cents: int | None
    granted_at: datetime
    expires_at: datetime | None
    age: int | None = None
    """For which age; None: it was imported."""

    def is_over(self, now: datetime) -> bool:
        """Say whether it can no longer be spent at `now`."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True)
class Spent:
    """What the live bookings since a deposit was granted add up to."""

    total_cents: int = 0
    digital_cents: int = 0
    physical_cents: int = 0


@dataclass(frozen=True)
class Credit:
    """What may still be spent; None: without limit."""

    total_cents: int | None
    digital_cents: int | None
    physical_cents: int | None
    offer_limit_cents: int | None = None

    def limit_cents(self, cap: Cap) -> int | None:
        """Return the most that one booking of that kind may cost, None: without limit."""
        bounds = [self.total_cents, self.offer_limit_cents]
        bounds += [self.digital_cents] if cap == "digital" else []
        bounds += [self.physical_cents] if cap == "physical" else []
        return min((bound for bound in bounds if bound is not None), default=None)


UNLIMITED = Credit(None, None, None)
"""Of whom nothing is known: a guest, or somebody without a deposit, who may look at everything."""
EMPTY = Credit(0, 0, 0)


def credit_left(deposit: Deposit, spent: Spent, now: datetime) -> Credit:
    """Return what is left of `deposit` at `now`: nothing before it is granted or once it is over.

    >>> from datetime import UTC
    >>> granted = datetime(2026, 1, 1, tzinfo=UTC)
    >>> of = Deposit(50_000, 20_000, None, 30_000, granted, None)
    >>> credit_left(of, Spent(15_000, 1_000, 5_000), granted)
    Credit(total_cents=35000, digital_cents=19000, physical_cents=None, offer_limit_cents=30000)
    """
    if now < deposit.granted_at or deposit.is_over(now):
        return EMPTY
    return Credit(
        max(0, deposit.amount_cents - spent.total_cents),
        _left(deposit.digital_cap_cents, spent.digital_cents),
        _left(deposit.physical_cap_cents, spent.physical_cents),
        deposit.offer_limit_cents,
    )


def age_at(birth_date: date, day: date) -> int:
    """Return the age in whole years on `day`.

    >>> age_at(date(2008, 2, 29), date(2026, 2, 28)), age_at(date(2008, 2, 29), date(2026, 3, 1))
    (17, 18)
    """
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def due_deposit(
    policies: Sequence[Policy],
    birth_date: date,
    granted: Sequence[Deposit],
    now: datetime,
    zone: tzinfo,
) -> Deposit | None:
    """Return the deposit that a person is to be granted at `now`, None where none is due.

    Parameters
    ----------
    granted
        What the person was granted before: one deposit an age, whatever policy it came from. An
        imported one is that of the age at which it was granted.
    zone
        Of the programme: there a birthday begins at midnight, and months are counted.
    """
    age = age_at(birth_date, now.astimezone(zone).date())
    ages = [
        age_at(birth_date, d.granted_at.astimezone(zone).date()) if d.age is None else d.age
        for d in granted
    ]
    if age in ages:
        return None
    policy = next((p for p in policies if p.age == age and p.holds(now)), None)
    if policy is None:
        return None
    return Deposit(
        policy.amount_cents,
        policy.digital_cap_cents,
        policy.physical_cap_cents,
        policy.offer_limit_cents,
        granted_at=now,
        # Counted there, too: the first of March begins in February in UTC.
        expires_at=months_after(now.astimezone(zone), policy.months).astimezone(now.tzinfo),
        age=age,
    )


def months_after(moment: datetime, months: int) -> datetime:
    """Return the same day and time `months` later; the last day of a month that is too short.

    >>> months_after(datetime(2026, 12, 31), 2).date()
    datetime.date(2027, 2, 28)
    """
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    first_of_next = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    length = (first_of_next - date(year, month + 1, 1)).days
    return moment.replace(year=year, month=month + 1, day=min(moment.day, length))


def _left(cap_cents: int | None, spent_cents: int) -> int | None:
    return None if cap_cents is None else max(0, cap_cents - spent_cents)
