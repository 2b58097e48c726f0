"""The command `reco benchmark offpolicy`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from reco.console import console
from reco.errors import InvalidInput
from training.commands.progress import share_progress
from training.datasets.open_bandit import read_open_bandit
from training.offpolicy.coverage import CONSIDERATIONS, METHODS, SLATES, Covered, coverage
from training.offpolicy.intervals import Told
from training.offpolicy.open_bandit import Comparison, compare_policies


class Format(StrEnum):
    """What the folder holds."""

    OPEN_BANDIT = "open-bandit"


_READERS = {Format.OPEN_BANDIT: read_open_bandit}


def offpolicy(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Folder of the logs of two policies.")
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
        rows, table = covered, _covered_table(covered)
    if as_json:
        typer.echo(json.dumps({"rows": [asdict(row) for row in rows]}))
    else:
        console.print(table)


def _covered(repetitions: int, slates: int, seed: int) -> list[Covered]:
    found = []
    with share_progress() as progress:
        for consideration in CONSIDERATIONS:
            found += coverage(
                repetitions,
                consideration=consideration,
                slates=slates,
                seed=seed,
                done=partial(progress, f"{consideration:.0%} considered"),
            )
    return found


def _compared_table(comparisons: Sequence[Comparison]) -> Table:
    table = Table(
        *("policy", "from the log of", "estimate", "clicks", "95 % interval", "effective"),
        "mean weight",
    )
    for row in comparisons:
        table.add_row(row.policy, row.policy, "as it was", *_cells(row.on_policy))
        for name, told in row.off_policy.items():
            table.add_row(row.policy, row.log_of, name, *_cells(told))
    return table


def _cells(told: Told) -> tuple[str, str, str, str]:
    behind = f"{told.weighing.effective:,.0f}", f"{told.weighing.mean:.2f}"
    if told.estimate is None:
        return "too little", "", *behind
    estimate = told.estimate
    return f"{estimate.value:.4f}", f"{estimate.low:.4f} .. {estimate.high:.4f}", *behind


def _covered_table(covered: Sequence[Covered]) -> Table:
    table = Table(
        *("considered", "people look", "estimate", "assumption", "truth", "mean", "effective"),
        *("half width", *METHODS),
    )
    for row in covered:
        table.add_row(
            f"{row.consideration:.0%}",
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
