"""The command `reco`: composition root, the only module that sees every part."""

import logging
import sys
from http import HTTPStatus
from typing import Annotated

import typer
from rich.text import Text

from reco.api.commands import app as keys_app
from reco.api.core_commands import bookings_app, policies_app
from reco.api.partner_commands import app as partners_app
from reco.api.serve import serve
from reco.catalogue.commands import snapshot
from reco.console import errors
from reco.db.commands import app as db_app
from reco.errors import RecoError, status_of
from reco.feed.commands import feed
from reco.people.commands import app as users_app
from reco.settings import Settings
from training.commands.benchmark import app as benchmark_app
from training.commands.cohort import cohort
from training.commands.demo import demo
from training.commands.evaluate import evaluate
from training.commands.experiments import app as experiments_app
from training.commands.frames import export_app, import_app
from training.commands.models import app as models_app
from training.commands.offpolicy import recorded as offpolicy
from training.commands.report import report
from training.commands.simulate import app as simulate_app
from training.commands.slates import slate_app
from training.commands.train import train
from training.commands.tune import tune

app = typer.Typer(
    help="Rank what is bookable around a young person and widens their cultural horizon.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
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
    settings = Settings()
    context.obj = settings.model_copy(update={"world": world}) if world else settings


app.command()(demo)
app.command()(feed)
app.command()(train)
app.command()(tune)
app.command()(evaluate)
app.command()(report)
app.command("offpolicy")(offpolicy)
app.command()(serve)
app.command()(snapshot)
app.add_typer(import_app, name="import", help="Bring data into a world.")
app.add_typer(export_app, name="export", help="Take a world's data out.")
app.add_typer(benchmark_app, name="benchmark", help="Figures of models on data sets.")
app.add_typer(slate_app, name="slate", help="The dial between relevance and horizon.")
app.add_typer(simulate_app, name="simulate", help="Make a simulated world.")
simulate_app.command()(cohort)
app.add_typer(models_app, name="models", help="Model versions: compare, promote, roll back.")
app.add_typer(experiments_app, name="experiments", help="Variants on real people, compared.")
app.add_typer(db_app, name="db", help="The private database cluster.")
app.add_typer(keys_app, name="keys", help="API keys.")
app.add_typer(users_app, name="users", help="A person's right to see what is held, and to erasure.")
app.add_typer(bookings_app, name="bookings", help="Bookings: expire what was not collected.")
app.add_typer(policies_app, name="policies", help="What is granted at which age.")
app.add_typer(partners_app, name="partners", help="Cultural actors and their venues.")


def main() -> None:
    """Run the command; a problem is told, with exit code 2 where the caller can mend it, else 1."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        app()
    except RecoError as error:
        errors.print(Text("Error: ", style="bold red").append(str(error), style="default"))
        sys.exit(2 if status_of(error) < HTTPStatus.INTERNAL_SERVER_ERROR else 1)
