"""The commands that look after the core: expiry of what nobody collected, deposit policies."""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import psycopg
import typer

from reco.console import WorldOption, console, settings_for
from reco.core.booking_rules import euros
from reco.core.deposits import Policy
from reco.core.expiry import check_clock, expire
from reco.core.policies import add_policy, read_policies
from reco.db.ready import opened_world
from reco.moments import moment_from
from reco.whole_table import Table

bookings_app = typer.Typer(no_args_is_help=True)
policies_app = typer.Typer(no_args_is_help=True)

_MOST_EUR = 1_000_000
_CapEur = Annotated[
    int | None,
    typer.Option(
        min=0, max=_MOST_EUR, help="The most for such goods, whole euros. [default: no cap]"
    ),
]


@bookings_app.callback()
def bookings() -> None:
    """Bookings."""


@bookings_app.command("expire")
def expire_uncollected(context: typer.Context, world: WorldOption = None) -> None:
    """Expire what has no date and nobody collected in time; safe to run twice, and from cron."""
    opened = opened_world(settings_for(context, world))
    with psycopg.connect(opened.conninfo, autocommit=True) as connection:
        now = datetime.now(UTC)
        check_clock(connection, now)
        done = expire(connection, now)
    console.print(
        f"{done.bookings} bookings expired, {euros(done.refunded_cents)} given back; "
        f"{done.forgotten_answers} old answers forgotten."
    )


@policies_app.command("list")
def show(context: typer.Context, world: WorldOption = None) -> None:
    """List what is granted at which age, and when."""
    settings = settings_for(context, world)
    zone = ZoneInfo(settings.timezone)
    with psycopg.connect(opened_world(settings).conninfo) as connection:
        policies = read_policies(connection)
    names = ("age", "amount", "digital cap", "physical cap", "an offer", "months", "from", "until")
    table = Table(*names)
    for policy in policies:
        limits = (
            policy.amount_cents,
            policy.digital_cap_cents,
            policy.physical_cap_cents,
            policy.offer_limit_cents,
        )
        table.add_row(
            str(policy.age),
            *("none" if cents is None else euros(cents) for cents in limits),
            str(policy.months),
            f"{policy.valid_from.astimezone(zone):%Y-%m-%d}"
            if policy.valid_from.year > 1
            else "ever",
            f"{policy.valid_until.astimezone(zone):%Y-%m-%d}" if policy.valid_until else "",
        )
    console.print(table)


@policies_app.command()
def add(
    context: typer.Context,
    *,
    age: Annotated[int, typer.Option(min=0, max=120, help="At which it is granted, in years.")],
    amount_eur: Annotated[
        int, typer.Option(min=0, max=_MOST_EUR, help="The deposit, whole euros.")
    ],
    from_: Annotated[str, typer.Option("--from", help="Date or time that it holds from.")],
    digital_cap_eur: _CapEur = None,
    physical_cap_eur: _CapEur = None,
    offer_limit_eur: Annotated[
        int | None, typer.Option(min=0, max=_MOST_EUR, help="The most an offer, whole euros.")
    ] = 300,
    months: Annotated[int, typer.Option(min=1, max=1_200, help="To spend it in.")] = 24,
    world: WorldOption = None,
) -> None:
    """Add a policy; the one that held for the age ends where it begins, deposits stay."""
    settings = settings_for(context, world)
    policy = Policy(
        age=age,
        amount_cents=amount_eur * 100,
        digital_cap_cents=_cents(digital_cap_eur),
        physical_cap_cents=_cents(physical_cap_eur),
        offer_limit_cents=_cents(offer_limit_eur),
        months=months,
        valid_from=moment_from(from_, "from", ZoneInfo(settings.timezone)),
        valid_until=None,
    )
    with psycopg.connect(opened_world(settings).conninfo, autocommit=True) as connection:
        add_policy(connection, policy)
    show(context, world)


def _cents(amount_eur: int | None) -> int | None:
    return None if amount_eur is None else amount_eur * 100
