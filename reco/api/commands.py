"""The commands `reco keys ...`: make, list and revoke API keys."""

from datetime import UTC, datetime
from typing import Annotated

import psycopg
import typer

from reco.api.keys import create_key, list_keys, revoke_key
from reco.console import WorldOption, console, errors, settings_for
from reco.db.ready import opened_world
from reco.whole_table import Table

app = typer.Typer(no_args_is_help=True)


@app.command()
def create(
    context: typer.Context,
    *,
    scope: Annotated[str, typer.Option(help="app, backoffice or admin.")] = "app",
    label: Annotated[str, typer.Option(help="Who uses it, for the list.")] = "",
    partner: Annotated[
        str | None,
        typer.Option(help="Whose venues it opens, with scope backoffice: `reco partners list`."),
    ] = None,
    world: WorldOption = None,
) -> None:
    """Make an API key and print it, this once."""
    opened = opened_world(settings_for(context, world))
    with psycopg.connect(opened.conninfo) as connection:
        key = create_key(connection, scope, label, datetime.now(UTC), partner)
    errors.print("Keep it: it is not shown again. Send it as the header X-API-Key.", style="dim")
    typer.echo(key)


@app.command("list")
def show(context: typer.Context, world: WorldOption = None) -> None:
    """List the keys, without their secret part."""
    opened = opened_world(settings_for(context, world))
    with psycopg.connect(opened.conninfo) as connection:
        keys = list_keys(connection)
    table = Table("prefix", "scope", "partner", "label", "made", "revoked")
    for key in keys:
        made = f"{key.created_at:%Y-%m-%d %H:%M}"
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
        table.add_row(key.prefix, key.scope, key.partner_id or "", key.label, made, revoked)
    console.print(table)


@app.command()
def revoke(
    context: typer.Context,
    prefix: Annotated[
        str, typer.Argument(metavar="PREFIX", help="What stands before the dot of the key.")
    ],
    world: WorldOption = None,
) -> None:
    """Revoke a key; it stops working within half a minute."""
    opened = opened_world(settings_for(context, world))
    with psycopg.connect(opened.conninfo) as connection:
        revoke_key(connection, prefix, datetime.now(UTC))
    console.print(f"The key {prefix} is revoked.")
