"""The commands `reco users ...`: what is held of a person, and how to have it forgotten."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from reco.console import (
    By,
    WorldOption,
    actor_of,
    console,
    errors,
    require_folder,
    settings_for,
)
from reco.db.ready import opened_world
from reco.errors import InvalidInput, Unavailable
from reco.model.address import require_removed, without_password
from reco.model.registry import Act
from reco.people.erase import Erasure, erase_person
from reco.people.export import export_person
from reco.people.models import stored_models, unknown_copies
from reco.people.prune import prune_models
from reco.world import World

app = typer.Typer(no_args_is_help=True)

UserId = Annotated[str, typer.Argument(metavar="USER", help="User id.")]


@app.command()
def export(
    context: typer.Context,
    user: UserId,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write, for its owner alone. [default: print]"),
    ] = None,
    world: WorldOption = None,
) -> None:
    """Print everything that is held of a person, as JSON."""
    require_folder("output", output)
    opened = opened_world(settings_for(context, world))
    document = export_person(opened, user, datetime.now(UTC))
    content = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)
    if output:
        _write_for_owner(output, content + b"\n")
        errors.print(f"Written to {output}.", style="dim")
    else:
        typer.echo(content.decode())


@app.command()
def erase(
    context: typer.Context,
    user: UserId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    world: WorldOption = None,
) -> None:
    """Forget a person; bookings stay as accounts without a name. It cannot be undone."""
    settings = settings_for(context, world)
    opened = opened_world(settings)
    if not yes:
        typer.confirm(f"Erase {user} from the world {opened.name!r} for good?", abort=True)
    console.print(_told(erase_person(opened, user, datetime.now(UTC))), highlight=False)
    for line in _models_told(opened, user, settings.model_store):
        console.print(line, highlight=False)


@app.command("prune-models")
def prune(context: typer.Context, *, by: By = None, world: WorldOption = None) -> None:
    """Remove the models that hold somebody without an account; what people are shown stays."""
    settings = settings_for(context, world)
    opened = opened_world(settings)
    why = "it holds somebody without an account"
    act = Act(datetime.now(UTC), actor_of(by), why)
    pruned = prune_models(opened, act, settings.model_store)
    for stored in pruned.removed:
        address = without_password(stored.address)
        console.print(f"Removed {stored.version} ({stored.state}): {address}")
    console.print(f"Models removed: {len(pruned.removed)}, kept: {pruned.kept}.", highlight=False)
    for stored in pruned.unread:
        console.print(f"Not read, remove it yourself: {stored.refused}")
    if pruned.served:
        console.print(
            f"{pruned.served.version} is served and holds somebody without an account: "
            "run `reco train` (where the gate keeps the old model: `reco models promote VERSION "
            "--force 'an erasure'`), then this again."
        )
    for stored in pruned.shown:
        console.print(
            f"{stored.version} is shown by the running experiment and holds somebody without an "
            "account: stop the experiment (`reco experiments stop`), then run this again."
        )
    for line in _unknown_told(opened, settings.model_store):
        console.print(line, highlight=False)
    require_removed(pruned.failed)


def _write_for_owner(path: Path, content: bytes) -> None:
    """Write a file that nobody else on the machine can read, whatever it was before."""
    try:
        path.touch(mode=0o600)
        if path.is_file():
            path.chmod(0o600)
        path.write_bytes(content)
    except OSError as error:
        raise InvalidInput("output", f"it cannot be written ({error})") from error


def _told(erasure: Erasure) -> str:
    return (
        f"Gone: the profile, interactions: {erasure.interactions}, slates: {erasure.slates}, "
        f"tastes: {erasure.tastes}, answers to requests: {erasure.answers}. "
        f"Bookings cancelled: {erasure.cancelled}.\n"
        f"Stays, without a name: bookings: {erasure.bookings} (not used, and not to be "
        f"cancelled: {erasure.standing}), deposits: {erasure.deposits}, lines of the ledger: "
        f"{erasure.ledger_lines}."
    )


def _models_told(world: World, user_id: str, store_url: str | None) -> list[str]:
    stored = list(stored_models(world, store_url))
    holding = [kept for kept in stored if kept.knows(user_id)]
    lines = [
        f"Still holds them: {kept.version} ({kept.state}), {without_password(kept.address)}"
        for kept in holding
    ]
    lines += [f"Cannot be read, may hold them: {kept.refused}" for kept in stored if kept.refused]
    if holding:
        lines.append(
            "No worker reads their history there. Run `reco train` (where the gate keeps the old "
            "model: `reco models promote VERSION --force 'an erasure'`), then `reco users "
            "prune-models`. Frames that were exported before, and backups, are not reached by this."
        )
    return (lines or ["No model holds them."]) + _unknown_told(world, store_url)


def _unknown_told(world: World, store_url: str | None) -> list[str]:
    try:
        addresses = unknown_copies(world, store_url) if store_url else []
    except Unavailable as error:
        return [f"What else the model store has is not known: {error}"]
    return [
        f"In the model store, and of no version of this world: {without_password(address)}. "
        "Unless it is another world's, or is being published, a training that was killed left it: "
        "remove it yourself."
        for address in addresses
    ]
