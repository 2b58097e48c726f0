"""The commands `reco benchmark offpolicy` and `reco offpolicy`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import psycopg
import typer

from reco.console import WorldOption, console, settings_for
from reco.db.ready import opened_world
from reco.errors import InvalidInput
from reco.feed.dials import check_dials
from reco.moments import moment_from
from reco.whole_table import Table
from training.commands.progress import share_progress
from training.datasets.open_bandit import read_open_bandit
from training.offpolicy.coverage import CONSIDERATIONS, METHODS, SLATES, Covered, coverage
from training.offpolicy.intervals import LEAST_EFFECTIVE, Told
from training.offpolicy.open_bandit import Comparison, compare_policies
from training.offpolicy.otherwise import Otherwise, ToldOtherwise, told_otherwise
from training.offpolicy.outcomes import Outcomes
from training.offpolicy.recorded import ToldExploration, read_recorded, told_exploration

_EFFECTIVE = "effective samples"
_WHEN_TOO_LITTLE = (
    f"Too little: fewer than {LEAST_EFFECTIVE:g} {_EFFECTIVE}, a mean weight farther from 1 than "
    "chance explains, or rewards too few for an interval."
)


class Format(StrEnum):
    """What the folder holds."""

    OPEN_BANDIT = "open-bandit"


_READERS = {Format.OPEN_BANDIT: read_open_bandit}


def offpolicy(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR", help="Folder of the logs of two policies; none with --simulated."
        ),
    ] = None,
    *,
    file_format: Annotated[
        Format, typer.Option("--format", help="What the folder holds.")
    ] = Format.OPEN_BANDIT,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Log slates in the simulated world instead.")
    ] = False,
    repetitions: Annotated[int, typer.Option(min=1, help="Of the simulated log.")] = 200,
    slates: Annotated[int, typer.Option(min=100, help="Of each simulated log.")] = SLATES,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated world and logs.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Estimate a policy's value from what another policy logged, where the truth can be looked up.

    Of a data set: each policy's value in its own log, beside the estimates from the other's. With
    --simulated: how often the intervals hold the truth, which the simulated world tells.
    """
    if simulated == (folder is not None):
        raise InvalidInput("DIR", "name either a folder or --simulated")
    if folder is not None:
        compared = compare_policies(_READERS[file_format](folder), seed)
        rows: Sequence[Comparison | Covered] = compared
        table = _compared_table(compared)
    else:
        covered = _covered(repetitions, slates, seed)
        rows, table = covered, _covered_table(covered, repetitions, slates)
    if as_json:
        typer.echo(json.dumps({"rows": [asdict(row) for row in rows]}))
    else:
        console.print(table)


def recorded(
    context: typer.Context,
    *,
    exploration: Annotated[
        float, typer.Option(help="Probability of chance in a slate that is asked about, 0 to 1.")
    ] = 0.0,
    floor: Annotated[
        float | None, typer.Option(help="Another floor that slates are chosen under.")
    ] = None,
    intensity: Annotated[
        float | None, typer.Option(help="Another intensity that slates are chosen with.")
    ] = None,
    points_a_booking: Annotated[
        float | None,
        typer.Option(help="Another price of relevance, in points; without a floor it has none."),
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Another model; `none`: popularity near.")
    ] = None,
    since: Annotated[str, typer.Option(help="Slates shown since this date or time.")],
    until: Annotated[
        str | None, typer.Option(help="Until this; a date is included. [default: now]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the intervals.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    world: WorldOption = None,
) -> None:
    """Estimate, from slates on record, what more exploration would cost or bring, or none.

    Clicks and bookings a slate, as it was and with another probability that chance changes one
    position; intervals by bootstrap over people. With another floor, intensity, price or model:
    what slates that are chosen so, without chance, would have earned where the record can tell.
    """
    otherwise = Otherwise(version, floor, intensity, points_a_booking)
    check_dials(floor, intensity, points_a_booking)
    if exploration and otherwise != Otherwise():
        raise InvalidInput("exploration", "slates that are chosen otherwise are told without it")
    settings = settings_for(context, world)
    zone = ZoneInfo(settings.timezone)
    begin = moment_from(since, "since", zone)
    end = moment_from(until, "until", zone, end_of_day=True) if until else datetime.now(UTC)
    opened = opened_world(settings)
    with psycopg.connect(opened.conninfo) as connection:
        slates = read_recorded(connection, begin, end)
        if otherwise == Otherwise():
            _tell_exploration(told_exploration(slates, exploration, seed=seed), as_json=as_json)
            return
        outcomes = Outcomes.of(slates)
    with share_progress() as progress:
        done = partial(progress, "replaying")
        told_of = told_otherwise(opened, outcomes, otherwise, seed=seed, done=done)
    _tell_otherwise(told_of, as_json=as_json)


def _tell_exploration(found: ToldExploration, *, as_json: bool) -> None:
    if as_json:
        told = asdict(found)
        rewards = told.pop("rewards")
        typer.echo(json.dumps(told | rewards))
        return
    title = f"{found.slates:,} slates, had exploration been {found.exploration:g}"
    console.print(_table_of(found.rewards, title))


def _tell_otherwise(found: ToldOtherwise, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    title = (
        f"{found.slates:,} slates, {found.replayed:,} of them replayed as they were; positions:"
        f" {found.shares['positions_same']:.1%} the same, {found.shares['positions_told']:.1%}"
        f" others that are told, {found.shares['positions_not_told']:.1%} not told"
    )
    console.print(_table_of(found.rewards, title))


def _table_of(found: Mapping[str, Mapping[str, Told]], title: str) -> Table:
    columns = ("a slate", "estimate", "value", "95 % interval", _EFFECTIVE, "mean weight")
    table = Table(*columns, title=title, caption=_WHEN_TOO_LITTLE)
    for reward, row in found.items():
        for name, one in row.items():
            table.add_row(reward, name, *_cells(one))
    return table


def _covered(repetitions: int, slates: int, seed: int) -> list[Covered]:
    found = []
    with share_progress() as progress:
        for consideration in CONSIDERATIONS:
            found += coverage(
                repetitions,
                consideration=consideration,
                slates=slates,
                seed=seed,
                done=partial(progress, f"{_considered(consideration)} considered"),
            )
    return found


def _compared_table(comparisons: Sequence[Comparison]) -> Table:
    table = Table(
        *("policy", "from the log of", "estimate", "clicks an impression", "95 % interval"),
        *(_EFFECTIVE, "mean weight"),
        caption=_WHEN_TOO_LITTLE,
    )
    for row in comparisons:
        table.add_row(row.policy, row.policy, "as it was", *_cells(row.on_policy))
        for name, one in row.off_policy.items():
            table.add_row(row.policy, row.log_of, name, *_cells(one))
    return table


def _cells(one: Told) -> tuple[str, str, str, str]:
    behind = f"{one.weighing.effective:,.0f}", f"{one.weighing.mean:.2f}"
    if one.estimate is None:
        return "too little", "", *behind
    estimate = one.estimate
    return f"{estimate.value:.4f}", f"{estimate.low:.4f} .. {estimate.high:.4f}", *behind


def _considered(share: float) -> str:
    return "all" if share == 1.0 else f"1 in {1.0 / share:.0f}"


def _covered_table(covered: Sequence[Covered], repetitions: int, slates: int) -> Table:
    table = Table(
        *("considered", "people look", "estimate", "assumption", "truth", "mean estimate"),
        *(_EFFECTIVE, "half width", *METHODS),
        title=f"How often 95 % intervals hold the truth, in {repetitions:,} logs of {slates:,} "
        "slates",
        caption="Truth and mean estimate: bookings of a slate, of its first position for ips, "
        "snips and dr. Half width: of the studentised interval, over the truth. The last three "
        "columns: logs whose interval, made so, held the truth.",
    )
    for row in covered:
        table.add_row(
            _considered(row.consideration),
            row.people,
            row.estimator,
            "holds" if row.holds else "broken",
            f"{row.truth:.4f}",
            f"{row.mean:.4f}",
            f"{row.effective:,.0f}",
            f"{row.half_width:.0%}",
            *[f"{row.coverage[method]:.1%}" for method in METHODS],
        )
    return table
