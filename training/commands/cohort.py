"""`reco simulate cohort`: people with hidden tastes live through their credit under policies."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from reco.console import console
from reco.errors import InvalidInput
from reco.whole_table import Table
from training.cohort.assumptions import Assumptions, variants
from training.cohort.intervals import OverSeeds
from training.cohort.plot import save_cohort_plot
from training.cohort.policies import NAMES
from training.cohort.report import (
    COMPARED_THROUGH_TIME,
    Difference,
    Told,
    as_json,
    differences,
    told,
)
from training.cohort.run import Cohorts
from training.commands.progress import share_progress
from training.commands.revision import code_revision
from training.commands.simulate import app as simulate_app
from training.commands.simulate import this_monday
from training.simulate.parameters import PARAMETERS, scale_of
from training.simulate.places import DENSITIES
from training.slate_plot import require_plots

_SERVED = "horizon@.98"
_POLICIES = ("nearest", "popular", "relevance", "dpp", "round-robin", _SERVED)
_MODELS = "models"
_AGAINST = ("relevance", "dpp", "round-robin", "credit@0", _SERVED)
_SHOWN = ("three_categories", "horizon_points", "credit_used", "bookings")
_REGRET = ("regret bookings", "regret points")
_SHARES = ("three_categories", "credit_used", *_REGRET)
"""Figures, and beginnings of names of such, that are shown in %."""
_PERCENT = 100.0
_CAPTION = "95 % interval over people and seeds; below it, of several seeds, the least and the most"
_BOOKINGS_OF = "bookings "
"""Before a category or a territory, in the names of figures."""
_BOOKINGS_IN = {f"{_BOOKINGS_OF}{kind}" for kind in DENSITIES}


@simulate_app.command()
def cohort(
    *,
    policies: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            help=f"{', '.join(NAMES)}; may be repeated. [default: {', '.join(_POLICIES)}]",
        ),
    ] = None,
    months: Annotated[int, typer.Option(help="That the credit lasts.")] = 24,
    credit_eur: Annotated[
        float, typer.Option(help="That everybody is granted, above 0; caps stay.")
    ] = PARAMETERS.credit_eur,
    people: Annotated[int, typer.Option(help="Of each cohort.")] = 2_000,
    seeds: Annotated[int, typer.Option(min=1, help="Cohorts, each in a world of its own.")] = 3,
    size: Annotated[str, typer.Option(help="Of the world: demo, town or france.")] = "town",
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="When the credit begins. [default: this Monday]",
        ),
    ] = None,
    refit_weeks: Annotated[int, typer.Option(help="The model is fitted again so often.")] = 13,
    lesson_slates: Annotated[
        int,
        typer.Option(help="Shown between two fits, that teach the ranker; 0: it stays as it is."),
    ] = 1_500,
    out: Annotated[
        Path,
        typer.Option(
            help="Folder that keeps every life; a run that was stopped goes on, by the same code."
        ),
    ] = Path("cohort"),
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    is_sensitivity: Annotated[
        bool,
        typer.Option("--sensitivity", help="Change the assumptions, one at a time, and compare."),
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw figures by month to a PNG.")] = None,
    is_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """Let a cohort that sees one feed a week live through its credit under each policy.

    A simulation says what follows from its assumptions, not what people would do.
    """
    if plot:
        _require_plot(plot, is_sensitivity=is_sensitivity)
    assumptions = Assumptions(
        scale=scale_of(size),
        start=start.date() if start else this_monday(),
        people=people,
        months=months,
        weeks_between_fits=refit_weeks,
        lesson_slates=lesson_slates,
        parameters=replace(PARAMETERS, credit_eur=credit_eur),
    )
    chosen, numbers = tuple(policies or _POLICIES), tuple(range(1, seeds + 1))
    if is_sensitivity:
        _sensitivity(assumptions, chosen, numbers, out, workers=workers, is_json=is_json)
        return
    cohorts = Cohorts(assumptions, chosen, numbers, out, out / _MODELS, code_revision())
    tolds, apart = lived_through(cohorts, workers)
    if is_json:
        typer.echo(json.dumps(as_json(tolds, apart)))
    else:
        _show(tolds, apart)
    if plot:
        save_cohort_plot(tolds, plot)


def _show(tolds: Sequence[Told], apart: Sequence[Difference]) -> None:
    console.print(_table(tolds))
    console.print(_differences(apart))
    if any(one.months for one in apart):
        console.print(_differences_by_month(apart))
    console.print(_by_category(tolds))
    console.print(_by_territory(tolds))


def _require_plot(plot: Path, *, is_sensitivity: bool) -> None:
    if is_sensitivity:
        raise InvalidInput("plot", "--sensitivity draws nothing; leave one of the two out")
    require_plots(plot)


def lived_through(cohorts: Cohorts, workers: int) -> tuple[list[Told], list[Difference]]:
    """Live through what is missing, and return every policy's figures and the differences."""
    with share_progress() as progress:
        cohorts.run(workers, progress)
    lives = {policy: cohorts.lived(policy) for policy in cohorts.policies}
    ours, against = _compared(cohorts.policies)
    return [told(kept) for kept in lives.values()], differences(lives, ours, against)


def _compared(policies: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return our policies, once each, and what they are told against."""
    named = dict.fromkeys(policies)
    ours = [policy for policy in named if policy.startswith(("horizon", "credit"))]
    return ours, [policy for policy in _AGAINST if policy in named]


def _sensitivity(
    usual: Assumptions,
    policies: Sequence[str],
    seeds: Sequence[int],
    out: Path,
    *,
    workers: int,
    is_json: bool,
) -> None:
    """Live through each variant of the assumptions, in a folder of its own."""
    ours, against = _compared(policies)
    if not any(policy != other for policy in ours for other in against):
        raise InvalidInput("policy", "nothing to compare with", _AGAINST)
    found, revision = {}, code_revision()
    each = {
        name: Cohorts(
            assumptions, policies, seeds, out / name.replace(" ", "-"), out / _MODELS, revision
        )
        for name, assumptions in variants(usual).items()
    }
    # What is refused is told before hours of lives, not between them.
    for cohorts in each.values():
        cohorts.claim()
    for name, cohorts in each.items():
        found[name] = lived_through(cohorts, workers)
    if is_json:
        typer.echo(json.dumps({name: as_json(*one) for name, one in found.items()}))
        return
    for name, (tolds, apart) in found.items():
        console.print(_table(tolds, name))
        console.print(_differences(apart))


def _table(tolds: Sequence[Told], title: str = "A simulated cohort") -> Table:
    headers = map(_header, (*_SHOWN, *_REGRET))
    table = Table("policy", *headers, title=title, caption=_CAPTION)
    for one in tolds:
        cells = [_cell(one.figures, name) for name in (*_SHOWN, *_REGRET)]
        table.add_row(one.policy, *cells)
    return table


def _differences(apart: Sequence[Difference]) -> Table:
    headers = map(_header, _SHOWN)
    title = "Person by person of the same cohorts"
    table = Table("difference", *headers, title=title, caption=_CAPTION)
    for one in apart:
        cells = [_cell(one.figures, name) for name in _SHOWN]
        table.add_row(f"{one.policy} - {one.against}", *cells)
    return table


def _differences_by_month(apart: Sequence[Difference]) -> Table:
    headers = map(_header, COMPARED_THROUGH_TIME)
    title = "The same at the end of a month"
    table = Table("difference", "month", *headers, title=title, caption=_CAPTION)
    for one in apart:
        for month, figures in one.months.items():
            cells = [_cell(figures, name) for name in COMPARED_THROUGH_TIME]
            table.add_row(f"{one.policy} - {one.against}", str(month), *cells)
    return table


def _by_category(tolds: Sequence[Told]) -> Table:
    """Return the bookings of each category, those of the most bookings first."""

    def made(one: Told, name: str) -> float:
        return one.figures[name].estimate.value if name in one.figures else 0.0

    named = {name for one in tolds for name in one.figures if name.startswith(_BOOKINGS_OF)}
    names = sorted(
        named - _BOOKINGS_IN, key=lambda name: (-sum(made(one, name) for one in tolds), name)
    )
    policies = (one.policy for one in tolds)
    table = Table("category", *policies, title="Bookings a person by category", caption=_CAPTION)
    for name in names:
        cells = (_cell(one.figures, name) or "0" for one in tolds)
        table.add_row(name.removeprefix(_BOOKINGS_OF), *cells)
    return table


def _by_territory(tolds: Sequence[Told]) -> Table:
    names = [f"{name} {kind}" for name in ("bookings", "three_categories") for kind in DENSITIES]
    title = "By where people live"
    table = Table("policy", *map(_header, names), title=title, caption=_CAPTION)
    for one in tolds:
        table.add_row(one.policy, *(_cell(one.figures, name) for name in names))
    return table


def _cell(figures: Mapping[str, OverSeeds], name: str) -> str:
    """Return a figure with its interval, and below it the seeds farthest out, if there are two.

    All to the digit that the largest of them has in the fourth place.

    >>> from training.intervals import Estimate
    >>> lost = OverSeeds(Estimate(-0.25833, -0.5333, 0.0002083), -0.3, -0.2)
    >>> _cell({"bookings": lost}, "bookings").splitlines()
    ['-0.258 (-0.533 .. 0)', '[-0.3 .. -0.2]']
    """
    if name not in figures:
        return ""
    found, scale = figures[name], _PERCENT if name.startswith(_SHARES) else 1.0
    numbers = [scale * number for number in (*astuple(found.estimate), found.least, found.most)]
    places = max(4 - len(f"{max(map(abs, numbers)):.0f}"), 0)
    # A zero has no sign.
    value, low, high, least, most = (f"{round(number, places) + 0.0:g}" for number in numbers)
    extremes = f"\n[{least} .. {most}]" if found.least < found.most else ""
    return f"{value} ({low} .. {high}){extremes}"


def _header(name: str) -> str:
    return f"{name}, %" if name.startswith(_SHARES) else name
