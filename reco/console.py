"""What all commands share: the console, `--world` and the settings it leads to, `--by`."""

import getpass
import sys
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console

from reco.errors import InvalidInput
from reco.settings import Settings, read_settings

_PIPED_WIDTH = 100_000
"""Columns where the output goes to a file or another program, which says no width: a row and a
sentence are one line each, so that nothing is cut and what is looked for is found."""


def _width(stream: TextIO) -> int | None:
    return None if stream.isatty() else _PIPED_WIDTH


# Names are printed as they are: one in brackets is no style, and one in colons no picture.
console = Console(width=_width(sys.stdout), markup=False, emoji=False)
"""Results, on standard output."""
errors = Console(stderr=True, width=_width(sys.stderr), markup=False, emoji=False)
"""Progress and problems, on standard error, so that results can be piped."""

WORLD_HELP = "World: its own database and artifacts. [env: RECO_WORLD; default: demo]"
WorldOption = Annotated[str | None, typer.Option("--world", help=WORLD_HELP)]

By = Annotated[
    str | None, typer.Option("--by", help="Who does it, for the record. [default: the login name]")
]


def warn(line: str) -> None:
    """Tell what went wrong without stopping the work, on standard error."""
    errors.print(line, style="bold red", highlight=False)


def require_folder(option: str, file: Path | None) -> None:
    """Raise `InvalidInput` where the file of an option would have no folder to lie in."""
    if file is not None and not file.parent.is_dir():
        raise InvalidInput(option, f"there is no folder {file.parent}")


def actor_of(by: str | None) -> str:
    """Return who is to be recorded: `by`, else the login name."""
    return by or getpass.getuser()


def settings_for(context: typer.Context, world: str | None) -> Settings:
    """Return the settings for the world of the command, else of `reco --world`, else RECO_WORLD."""
    settings: Settings = context.find_root().obj or read_settings()
    return settings.model_copy(update={"world": world}) if world else settings
