"""The command `reco`: composition root, the only module that sees every part."""

import logging
import sys
from http import HTTPStatus
from importlib import import_module
from typing import Annotated, Any

import typer
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from reco.console import WORLD_HELP, errors
from reco.errors import RecoError, status_of
from reco.setbacks import require_utf8, setback_of
from reco.settings import read_settings

_PLAIN: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}
_COMMANDS = {
    "demo": (
        "training.commands.demo:demo",
        "Make the demo world, print one person's agenda, and serve.",
    ),
    "feed": ("reco.feed.commands:feed", "Print what one person can book around a place, ranked."),
    "train": (
        "training.commands.train:train",
        "Train a model, and serve it where it is not worse.",
    ),
    "tune": ("training.commands.tune:tune", "Choose a model's settings by what is held out."),
    "evaluate": (
        "training.commands.evaluate:evaluate",
        "Replay the feeds of past weeks, and judge them.",
    ),
    "report": ("training.commands.report:report", "Draw a finished evaluation as one HTML file."),
    "offpolicy": (
        "training.commands.offpolicy:recorded",
        "Estimate what more exploration would cost or bring.",
    ),
    "serve": ("reco.api.serve:serve", "Serve the API and the first page until Ctrl-C."),
    "snapshot": (
        "reco.catalogue.commands:snapshot",
        "Build the columnar catalogue of what can be booked.",
    ),
    "import": ("training.commands.frames:import_app", "Bring data into a world."),
    "export": ("training.commands.frames:export_app", "Take a world's data out."),
    "benchmark": ("training.commands.benchmark:app", "Figures of models on data sets."),
    "slate": ("training.commands.slates:slate_app", "The dial between relevance and horizon."),
    "simulate": (
        "training.commands.cohort:simulate_app",
        "Make a simulated world, or let a cohort live in one.",
    ),
    "models": ("training.commands.models:app", "Model versions: compare, promote, roll back."),
    "experiments": ("training.commands.experiments:app", "Variants on real people, compared."),
    "db": ("reco.db.commands:app", "The private database cluster."),
    "keys": ("reco.api.commands:app", "API keys."),
    "users": ("reco.people.commands:app", "A person's right to see what is held, and to erasure."),
    "bookings": ("reco.api.core_commands:bookings_app", "Bookings: expire what was not collected."),
    "policies": ("reco.api.core_commands:policies_app", "What is granted at which age."),
    "partners": ("reco.api.partner_commands:app", "Cultural actors and their venues."),
}
"""Where each command is, a function or a group of its own, and what it does in a line."""


class _Later(TyperCommand):
    """A command that is imported when it is run: others, and the list of all, wait for none."""

    def __init__(self, name: str, address: str, line: str) -> None:
        super().__init__(name, help=line)
        self.address = address

    def imported(self) -> Any:
        """Return the command itself, a group where it has commands of its own."""
        module, attribute = self.address.split(":")
        found = getattr(import_module(module), attribute)
        around = typer.Typer(callback=lambda: None, **_PLAIN)
        if isinstance(found, typer.Typer):
            around.add_typer(found, name=self.name, help=self.help)
        else:
            around.command(self.name)(found)
        (command,) = typer.main.get_group(around).commands.values()
        return command

    def make_context(self, *arguments: Any, **named: Any) -> Any:
        """Begin to run it: from here on the command is the one that was imported."""
        return self.imported().make_context(*arguments, **named)


class _Root(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: _Later(name, *told) for name, told in _COMMANDS.items()}


app = typer.Typer(
    cls=_Root,
    help="Rank what is bookable around a young person, and widen their cultural horizon.",
    no_args_is_help=True,
    **_PLAIN,
)


@app.callback()
def root(
    context: typer.Context,
    world: Annotated[
        str | None,
        typer.Option(help=WORLD_HELP),
    ] = None,
) -> None:
    """Read the settings once, for all commands."""
    settings = read_settings()
    context.obj = settings.model_copy(update={"world": world}) if world else settings


def main() -> None:
    """Run the command; a problem is told, with exit code 2 where the caller can mend it, else 1."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("psycopg").addFilter(_is_news)
    try:
        require_utf8(sys.argv)
        app()
    except RecoError as error:
        _tell(str(error))
        sys.exit(2 if status_of(error) < HTTPStatus.INTERNAL_SERVER_ERROR else 1)
    except Exception as error:
        setback = setback_of(error)
        if setback is None:
            raise
        _tell(setback)
        sys.exit(1)


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out that a rollback failed, after Ctrl-C say: why it was begun is told by itself.

    The connection is closed then, and the server takes back what was not committed.
    """
    return not record.msg.startswith("error ignored in rollback")


def _tell(problem: str) -> None:
    errors.print(Text("Error: ", style="bold red").append(problem, style="default"))
