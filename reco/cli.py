"""The command `reco`: composition root, the only module that sees every part."""

import logging
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from importlib import import_module
from typing import Annotated, Any

import typer
from rich.text import Text
from typer.core import TyperGroup

from reco.console import errors
from reco.errors import RecoError, status_of
from reco.settings import read_settings

_PLAIN: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}
_COMMANDS = {
    "demo": "training.commands.demo:demo",
    "feed": "reco.feed.commands:feed",
    "train": "training.commands.train:train",
    "tune": "training.commands.tune:tune",
    "evaluate": "training.commands.evaluate:evaluate",
    "report": "training.commands.report:report",
    "offpolicy": "training.commands.offpolicy:recorded",
    "serve": "reco.api.serve:serve",
    "snapshot": "reco.catalogue.commands:snapshot",
    "import": "training.commands.frames:import_app",
    "export": "training.commands.frames:export_app",
    "benchmark": "training.commands.benchmark:app",
    "slate": "training.commands.slates:slate_app",
    "simulate": "training.commands.cohort:simulate_app",
    "models": "training.commands.models:app",
    "experiments": "training.commands.experiments:app",
    "db": "reco.db.commands:app",
    "keys": "reco.api.commands:app",
    "users": "reco.people.commands:app",
    "bookings": "reco.api.core_commands:bookings_app",
    "policies": "reco.api.core_commands:policies_app",
    "partners": "reco.api.partner_commands:app",
}
"""Where each command is, a function or a group of its own: a worker starts without the others."""
_HELP = {
    "import": "Bring data into a world.",
    "export": "Take a world's data out.",
    "benchmark": "Figures of models on data sets.",
    "slate": "The dial between relevance and horizon.",
    "simulate": "Make a simulated world.",
    "models": "Model versions: compare, promote, roll back.",
    "experiments": "Variants on real people, compared.",
    "db": "The private database cluster.",
    "keys": "API keys.",
    "users": "A person's right to see what is held, and to erasure.",
    "bookings": "Bookings: expire what was not collected.",
    "policies": "What is granted at which age.",
    "partners": "Cultural actors and their venues.",
}
"""Of the groups; a function says it itself."""


class _Commands(Mapping[str, Any]):
    """The commands by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        return _imported(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMANDS)

    def __len__(self) -> int:
        return len(_COMMANDS)


class _Root(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()  # type: ignore[assignment]


@cache
def _imported(name: str) -> Any:
    module, attribute = _COMMANDS[name].split(":")
    found = getattr(import_module(module), attribute)
    around = typer.Typer(callback=lambda: None, **_PLAIN)
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=name, help=_HELP[name])
    else:
        around.command(name)(found)
    return typer.main.get_group(around).commands[name]


app = typer.Typer(
    cls=_Root,
    help="Rank what is bookable around a young person and widens their cultural horizon.",
    no_args_is_help=True,
    **_PLAIN,
)


@app.callback()
def root(
    context: typer.Context,
    world: Annotated[
        str | None,
        typer.Option(help="World: its own database and artifacts. [env: RECO_WORLD]"),
    ] = None,
) -> None:
    """Read the settings once, for all commands."""
    settings = read_settings()
    context.obj = settings.model_copy(update={"world": world}) if world else settings


def main() -> None:
    """Run the command; a problem is told, with exit code 2 where the caller can mend it, else 1."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        app()
    except RecoError as error:
        errors.print(Text("Error: ", style="bold red").append(str(error), style="default"))
        sys.exit(2 if status_of(error) < HTTPStatus.INTERNAL_SERVER_ERROR else 1)
