"""The command `reco tune`: choose a model's settings on what is held out."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import uuid4
from zoneinfo import ZoneInfo

import typer

from features.interactions import Events
from reco.console import WorldOption, console, errors, settings_for
from reco.db.ready import located_world, opened_world
from reco.errors import InvalidInput
from reco.moments import moment_from
from reco.settings import Settings
from training.commands.future import refuse_future, without_future
from training.commands.progress import share_progress
from training.configuration import start_parameters
from training.datasets.readers import READERS, source_of
from training.evaluate import task_of
from training.extract import events_from_database, events_from_source
from training.fits import PARAMETERS
from training.search import METRICS, Limits, Search, Told, search
from training.search_report import (
    importance_picture,
    importance_table,
    settings_text,
    trials_table,
    trials_text,
)
from training.split import choosing_part, naive_utc, require_past, split_plan

STUDY, SETTINGS, TRIALS, PICTURE = "study.sqlite", "settings.toml", "trials.csv", "importance.svg"
"""Files of a search's folder."""

_FORMATS = ("frames", *sorted(READERS))


class Split(StrEnum):
    """How what is held out is chosen."""

    TIME = "time"
    GIVEN = "given"


def tune(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Folder of a data set. [default: the world's events]"),
    ] = None,
    *,
    file_format: Annotated[
        str, typer.Option("--format", help=f"What DIR holds: {', '.join(_FORMATS)}.")
    ] = "frames",
    model: Annotated[str, typer.Option(help=f"One of {', '.join(sorted(PARAMETERS))}.")] = "ials",
    config: Annotated[
        Path | None, typer.Option(help="TOML file of the first trial. [default: its defaults]")
    ] = None,
    split: Annotated[
        Split, typer.Option(help="By time, or as the data set gives it.")
    ] = Split.TIME,
    cutoff: Annotated[
        str | None,
        typer.Option(
            help="Date or time; nothing from it on is seen. "
            "[default: by time, where the last tenth begins]"
        ),
    ] = None,
    metric: Annotated[
        str, typer.Option(help="What chooses, as name@k; novel_recall too.")
    ] = "ndcg@20",
    minutes: Annotated[float, typer.Option(min=0.0, help="Time for new trials.")] = 10.0,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Most trials, earlier runs counted in. [default: any]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the search. [default: tuning/MODEL in the world's folder]"),
    ] = None,
    world: WorldOption = None,
) -> None:
    """Choose a model's settings by what they find of what is held out, or of the validation part.

    Held out is the last tenth before the cutoff. Without one, that of all but the last tenth, which
    is left to the gate: it is no judge of what it chose itself.

    A search that was stopped goes on where it was: the same command again adds trials. The folder
    has the settings for `reco train --config` and all trials after each trial, which settings
    mattered in the end. A test part is not read, nor what is dated in the future.
    """
    settings = settings_for(context, world)
    start, asked = start_parameters(model, config), _metric(metric)
    zone = ZoneInfo(settings.timezone)
    now = datetime.now(UTC)
    moment = moment_from(cutoff, "cutoff", zone) if cutoff else None
    refuse_future(moment, now)
    border = naive_utc(moment) if moment else None
    if file_format not in _FORMATS:
        raise InvalidInput("format", f"{file_format!r} is unknown", list(_FORMATS))
    kept = _made(out or located_world(settings).folder / "tuning" / model)
    say = told_by(asked)

    def told(found: Search) -> None:
        say(found)
        _keep(found, kept)

    with share_progress() as progress:
        progress("reading", 0.0)
        events = without_future(_events(settings, folder, file_format), now)
        plan = split_plan(events, split.value, border)
        part = choosing_part(events, plan)
        require_past(part)
        progress("searching", 0.1)
        found = search(
            part, task_of(part), start,
            metric=asked, limits=Limits(60.0 * minutes, trials), told=told,
            file=kept / STUDY, seed=seed,
        )  # fmt: skip
    _keep(found, kept)
    console.print(trials_table(found))
    if found.importance:
        console.print(importance_table(found.importance))
    console.print(f"reco train --config {kept / SETTINGS}", highlight=False, soft_wrap=True)


def told_by(metric: str) -> Told:
    """Return what prints a line on standard error after each trial."""

    def told(found: Search) -> None:
        trial = found.trials[-1]
        given_up = f"it cannot be fitted ({trial.failed})" if trial.failed else "given up early"
        figure = given_up if trial.figure is None else f"{metric} {trial.figure:.4f}"
        errors.print(f"trial {trial.number}: {figure}, best {found.best.figure:.4f}")

    return told


def _metric(text: str) -> str:
    name, _, k = text.partition("@")
    if name not in METRICS or not k.isdecimal() or int(k) < 1:
        raise InvalidInput("metric", f"{text!r} is no name@k", [f"{known}@20" for known in METRICS])
    return text


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput("out", f"{folder} cannot be made ({error.strerror})") from error
    return folder


def _events(settings: Settings, folder: Path | None, file_format: str) -> Events:
    if folder is None:
        return events_from_database(opened_world(settings).conninfo)
    return events_from_source(source_of(folder, file_format))


def _keep(found: Search, folder: Path) -> None:
    """Write what was found; each file is there whole, or as it was, whoever searches beside."""
    texts = {SETTINGS: settings_text(found), TRIALS: trials_text(found)}
    if found.importance:
        texts[PICTURE] = importance_picture(found.importance)
    for name, text in texts.items():
        unfinished = folder / f"{name}.{uuid4().hex}.part"
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(folder / name)
