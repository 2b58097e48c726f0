"""The commands `reco benchmark ...`: figures of models on data that they have never seen."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from reco.console import console
from reco.errors import InvalidInput
from reco.whole_table import Table
from training.accuracy import Accuracy, accuracy_plan, measure, without_validation
from training.commands.future import without_future
from training.commands.offpolicy import offpolicy
from training.commands.progress import share_progress
from training.commands.slates import slates
from training.commands.tune import told_by
from training.configuration import start_parameters
from training.datasets.readers import source_of
from training.evaluate import task_of
from training.extract import events_from_source
from training.fits import PARAMETERS, Parameters
from training.search import Limits, search
from training.split import Part, require_past

app = typer.Typer(no_args_is_help=True)

_SHOWN = ("ndcg", "recall", "recall_full", "mrr", "hit")


class Format(StrEnum):
    """What the folder holds."""

    FRAMES = "frames"
    LIGHTGCN = "lightgcn"
    YELP_POI = "yelp-poi"
    MOVIELENS = "movielens"
    MEETUP = "meetup"


class Split(StrEnum):
    """How what is held out is chosen."""

    TIME = "time"
    GIVEN = "given"


@app.callback()
def benchmark() -> None:
    """Measure models on data sets."""


@app.command()
def accuracy(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the data set.")],
    *,
    file_format: Annotated[Format, typer.Option("--format", help="What the folder holds.")],
    model: Annotated[str, typer.Option(help=f"One of {', '.join(sorted(PARAMETERS))}.")] = "filter",
    split: Annotated[
        Split, typer.Option(help="The data set's own, or the last fifth by time.")
    ] = Split.GIVEN,
    k: Annotated[str, typer.Option(help="List lengths, separated by commas.")] = "10,20",
    config: Annotated[
        Path | None, typer.Option(help="TOML file of the model's settings. [default: its defaults]")
    ] = None,
    tune: Annotated[
        bool, typer.Option(help="Choose settings on the validation part first.")
    ] = False,
    minutes: Annotated[float, typer.Option(min=0.0, help="Time for --tune.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit a model on the training part, rank all items for each test user, print the figures.

    With --tune the settings are chosen on the validation part (a seeded tenth of the training part,
    or its end in time, where the set brings none). The test part is read once, at the end.
    """
    cutoffs = _cutoffs(k)
    parameters = start_parameters(model, config)
    with share_progress() as progress:
        progress("reading", 0.0)
        told = events_from_source(source_of(folder, file_format.value))
        events = without_future(told, datetime.now(UTC))
        plan = accuracy_plan(events, split.value)
        if file_format is Format.YELP_POI and split is Split.GIVEN:
            plan = without_validation(plan)
        if tune:
            require_past(plan.rehearsal)
            parameters = _tuned(plan.rehearsal, parameters, f"ndcg@{cutoffs[-1]}", minutes)
        progress("fitting and ranking", 0.5)
        found = measure(plan, parameters, cutoffs, lambda: None)
    if as_json:
        typer.echo(json.dumps(found.as_object()))
    else:
        console.print(_screen(found, cutoffs))


app.command()(slates)
app.command()(offpolicy)


def _cutoffs(text: str) -> tuple[int, ...]:
    try:
        cutoffs = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        cutoffs = (0,)
    if cutoffs[0] < 1:
        raise InvalidInput("k", f"{text!r} is no list of whole numbers from 1 on", ["10,20"])
    return cutoffs


def _tuned(part: Part, start: Parameters, metric: str, minutes: float) -> Parameters:
    limits = Limits(60.0 * minutes)
    found = search(part, task_of(part), start, metric=metric, limits=limits, told=told_by(metric))
    return found.best.parameters


def _screen(found: Accuracy, cutoffs: tuple[int, ...]) -> Group:
    table = Table("metric", "value", "95 % interval", title=found.model)
    for name in (f"{metric}@{k}" for metric in _SHOWN for k in cutoffs):
        estimate = found.metrics[name]
        table.add_row(name, f"{estimate.value:.4f}", f"{estimate.low:.4f} .. {estimate.high:.4f}")
    settings = ", ".join(f"{name} {value}" for name, value in found.settings.items())
    cost = f"{found.users:,} users; fit {found.fit_s:.1f} s, peak memory {found.peak_mb:,.0f} MB."
    return Group(table, Text(settings), Text(cost))
