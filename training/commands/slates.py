"""The commands `reco benchmark slates`, `reco slate tune` and `reco slate tune-credit`."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from reco.console import console
from reco.errors import InvalidInput
from reco.frames.sources import FolderSource, read_frames
from reco.whole_table import Table
from training.commands.future import without_future
from training.commands.progress import share_progress
from training.credit_tuning import CreditTrial, credit_trials, likeliest_of
from training.extract import events_from_frames
from training.market import market_of
from training.models.itemknn import ItemKnnParameters
from training.ranked import replayed_parts
from training.slate_data import read_slate_data
from training.slate_plot import benchmark_figure, curve_figure, require_plots
from training.slate_screen import benchmark_screen, curve_table
from training.slate_tuning import tune_slates
from training.slates import MOST_USERS, benchmark_slates
from training.split import split_plan
from training.tune import rehearse

slate_app = typer.Typer(no_args_is_help=True)


class Format(StrEnum):
    """What the folder holds."""

    FRAMES = "frames"
    YELP_POI = "yelp-poi"
    MOVIELENS = "movielens"
    MEETUP = "meetup"


class Split(StrEnum):
    """How what is held out is chosen."""

    GIVEN = "given"
    TIME = "time"


Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the data set.")]
FormatOption = Annotated[Format, typer.Option("--format", help="What the folder holds.")]
SplitOption = Annotated[Split, typer.Option(help="The data set's own, or 70, 10, 20 % by time.")]
LengthOption = Annotated[int, typer.Option("--k", min=1, help="Offers a slate.")]
ChoosingOption = Annotated[
    int, typer.Option(min=2, help="Validation users that choose at most, drawn at random.")
]
PlotOption = Annotated[
    Path | None, typer.Option(help="Draw gain against loss here (needs matplotlib).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def slates(
    folder: Folder,
    *,
    file_format: FormatOption,
    split: SplitOption = Split.TIME,
    k: LengthOption = 20,
    users: Annotated[
        int | None, typer.Option(min=1, help="Test users, drawn at random. [default: all]")
    ] = None,
    choosing_users: ChoosingOption = MOST_USERS,
    large_share: Annotated[
        list[float] | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Test the chosen slate with so much of it at most from the venues that have half "
            "of the bookings; may be repeated. In the benchmark alone: feeds cannot.",
        ),
    ] = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the slate that widens the horizon with other ways to make lists diverse.

    Models, probabilities and settings are chosen on validation; the test is read once, at the end.
    """
    if plot is not None:
        require_plots(plot)
    with share_progress() as progress:
        progress("reading", 0.0)
        data = read_slate_data(folder, file_format.value)
        report = benchmark_slates(
            folder.resolve().name, data, split.value,
            k=k, progress=progress, users=users, choosing_users=choosing_users,
            large_shares=large_share or (),
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(report.as_object()))
    else:
        console.print(benchmark_screen(report))
    if plot is not None:
        benchmark_figure(report).savefig(plot)


@slate_app.callback()
def slate() -> None:
    """The dial between relevance and horizon."""


@slate_app.command()
def tune(
    folder: Folder,
    *,
    file_format: FormatOption,
    split: SplitOption = Split.TIME,
    k: LengthOption = 20,
    choosing_users: ChoosingOption = MOST_USERS,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw gain against loss on what is held out, and propose price, floor, intensity and pool.

    For the benchmark's probability, over the whole catalogue: replay a feed before it is set so.
    The pool is the smallest of 50, 100, 200 and 300 likeliest candidates, beside the 5 likeliest of
    each category and venue type that is new to a person, that surely keeps 99 % of every figure;
    `pool_size` is null for the 300. The feed's own are 500.
    """
    if plot is not None:
        require_plots(plot)
    with share_progress() as progress:
        progress("reading", 0.0)
        data = read_slate_data(folder, file_format.value)
        tuning = tune_slates(data, split.value, k=k, progress=progress, users=choosing_users)
    if as_json:
        proposed = tuning.proposed.as_object()
        points = [point.as_object() for point in tuning.points]
        typer.echo(json.dumps({"k": k, "proposed": proposed, "points": points}))
    else:
        console.print(curve_table(tuning, k))
    if plot is not None:
        curve_figure(tuning, k).savefig(plot)


@slate_app.command("tune-credit")
def tune_credit(
    folder: Folder,
    *,
    half_life_days: Annotated[
        float, typer.Option(help="Age at which an event counts half, above 0; inf: none fades.")
    ] = 90.0,
    seed: Annotated[int, typer.Option(help="Of the visits that are drawn.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Say how likely each weight of the price beyond a person's means makes what was booked.

    A folder of frames. Neighbours are fitted on the first nine tenths; on the visits after those a
    ranker is learned beside each weight, and judged on the last third of them.
    """
    if not half_life_days > 0.0:
        raise InvalidInput("half_life_days", f"{half_life_days:g} is not above 0")
    with share_progress() as progress:
        progress("reading", 0.0)
        frames = read_frames(FolderSource(folder))
        events = without_future(events_from_frames(folder), datetime.now(UTC))
        progress("fitting", 0.2)
        parameters = ItemKnnParameters(half_life_days=half_life_days)
        rehearsal = rehearse(split_plan(events, "time", None).rehearsal, parameters, lambda: None)
        progress("replaying visits", 0.3)
        market = market_of(frames, events)
        parts = replayed_parts(market, rehearsal, np.random.default_rng(seed))
        if parts is None:
            raise InvalidInput("DIR", f"{folder} has too few bookings to learn from")
        progress("learning", 0.6)
        trials = credit_trials(parts, seed=seed)
    if as_json:
        told = [asdict(trial) for trial in trials]
        typer.echo(json.dumps({"visits": len(parts.later_visits), "trials": told}))
    else:
        console.print(_credit_table(trials, len(parts.later_visits)))


def _credit_table(trials: list[CreditTrial], visits: int) -> Table:
    likeliest = likeliest_of(trials)
    table = Table(
        "weight", "log-loss a visit", "against none", title=f"{visits:,} visits, 95 % interval",
        caption=f"likeliest: {likeliest.weight:g}",
    )  # fmt: skip
    for trial in trials:
        loss, change = trial.log_loss, trial.change
        table.add_row(
            f"{trial.weight:g}",
            f"{loss.value:.4f} ({loss.low:.4f} .. {loss.high:.4f})",
            f"{100 * change.value:+.2f} ({100 * change.low:+.2f} .. {100 * change.high:+.2f}) %",
            style="bold" if trial == likeliest else None,
        )
    return table
