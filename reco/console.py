"""What all commands share: the console, the option `--world`, the settings it leads to."""

from typing import Annotated

import typer
from rich.console import Console

from reco.settings import Settings

console = Console()
"""Results, on standard output."""
errors = Console(stderr=True)
"""Progress and problems, on standard error, so that results can be piped."""

WorldOption = Annotated[
    str | None,
    typer.Option("--world", help="World: its own database and artifacts. [env: RECO_WORLD]"),
]


def settings_for(context: typer.Context, world: str | None) -> Settings:
    """Return the settings for the world of the command, else of `reco --world`, else RECO_WORLD."""
    settings: Settings = context.find_root().obj or Settings()
    return settings.model_copy(update={"world": world}) if world else settings
