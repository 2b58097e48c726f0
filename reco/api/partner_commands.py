"""The commands `reco partners ...`: cultural actors, and the venues that are theirs."""

from typing import Annotated

import psycopg
import typer

from reco.console import WorldOption, console, settings_for
from reco.core.partners import bind_venues, create_partner, list_partners
from reco.db.ready import opened_world
from reco.whole_table import Table

app = typer.Typer(no_args_is_help=True)

PartnerArgument = Annotated[
    str, typer.Argument(metavar="PARTNER", help="Its id: lune. What it makes is lune:...")
]


@app.command()
def create(
    context: typer.Context,
    *,
    partner: PartnerArgument,
    name: Annotated[str, typer.Option(help="As people know it.")],
    world: WorldOption = None,
) -> None:
    """Create a partner; a key of its own comes from `reco keys create --scope backoffice`."""
    opened = opened_world(settings_for(context, world))
    with psycopg.connect(opened.conninfo) as connection:
        create_partner(connection, partner, name)
    console.print(f"The partner {partner} is created.")


@app.command("list")
def show(context: typer.Context, world: WorldOption = None) -> None:
    """List the partners, and how much they have."""
    opened = opened_world(settings_for(context, world))
    with psycopg.connect(opened.conninfo) as connection:
        partners = list_partners(connection)
    table = Table("partner", "name", "venues", "offers")
    for partner in partners:
        table.add_row(
            partner.partner_id, partner.name, f"{partner.venues:,}", f"{partner.offers:,}"
        )
    console.print(table)


@app.command()
def bind(
    context: typer.Context,
    *,
    partner: PartnerArgument,
    venues: Annotated[
        list[str], typer.Argument(metavar="VENUES", help="Ids of venues that exist.")
    ],
    world: WorldOption = None,
) -> None:
    """Give existing venues, with their offers and stocks, to a partner."""
    opened = opened_world(settings_for(context, world))
    with psycopg.connect(opened.conninfo, autocommit=True) as connection:
        bound = bind_venues(connection, partner, venues)
    console.print(
        f"{bound.venues:,} venues, {bound.offers:,} offers and {bound.stocks:,} stocks"
        f" are now {partner}'s."
    )
