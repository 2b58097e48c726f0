"""The commands `reco experiments ...`: compare variants on real people, watch, and end it."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from pydantic import TypeAdapter
from rich.console import Group, RenderableType
from rich.text import Text

from reco.console import By, WorldOption, actor_of, console, settings_for
from reco.db.ready import opened_world
from reco.errors import InvalidInput, NotFound
from reco.experiments.plan import CHAMPION, GUARDS, METRICS, Experiment, Plan, Variant
from reco.experiments.records import create, experiment_named, experiments, stop
from reco.experiments.trial import check_models
from reco.feed.dials import NAMES
from reco.model.registry import Act
from reco.moments import duration_from, moment_from
from reco.whole_table import Table
from training.commands.pairs import known_pairs, number, pairs
from training.experiments.sequences import Difference
from training.experiments.status import Status, status_of

app = typer.Typer(no_args_is_help=True)

_WINDOW = "7d"
_PLANNED_USERS = 2_000
_DROPPED = "off"
_GUARD_STATES = {
    "breached": "BREACHED",
    "not breached": "not shown to be breached",
    "unknown": "too few, or all alike",
}

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the experiment.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("create")
def create_experiment(
    context: typer.Context,
    name: Name,
    *,
    variant: Annotated[
        list[str],
        typer.Option(
            help="LABEL[:model=VERSION,floor=.9,intensity=10,points_a_booking=180,weight=2]; once a"
            " variant. The others are compared with the first."
        ),
    ],
    metric: Annotated[str, typer.Option(help=f"Decided on: {', '.join(METRICS)}.")] = next(
        iter(METRICS)
    ),
    guard: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=MARGIN",
            help=f"What may be lost, or {_DROPPED}: {', '.join(GUARDS)}. [default: all]",
        ),
    ] = None,
    window: Annotated[
        str, typer.Option(help="So long is counted from a person's first slate on.")
    ] = _WINDOW,
    fixed_horizon: Annotated[
        str | None,
        typer.Option(help="Look once, after so long: 28d. [default: always valid, look any time]"),
    ] = None,
    planned_users: Annotated[
        int,
        typer.Option(
            help="Judged people, of all variants together, at which always-valid intervals are"
            " tightest."
        ),
    ] = _PLANNED_USERS,
    salt: Annotated[str | None, typer.Option(help="Of the draw. [default: by chance]")] = None,
    start: Annotated[str | None, typer.Option(help="Date or time. [default: now]")] = None,
    by: By = None,
    world: WorldOption = None,
) -> None:
    """Show variants to people drawn by a hash of their ids, until it is stopped."""
    settings = settings_for(context, world)
    opened, now = opened_world(settings), datetime.now(UTC)
    plan = Plan(
        name=name,
        salt=secrets.token_hex(8) if salt is None else salt,
        variants=tuple(variant_from(text) for text in variant),
        metric=metric,
        guards=guards_from(guard or ()),
        window=duration_from(window, "window"),
        planned_users=planned_users,
        horizon=duration_from(fixed_horizon, "fixed_horizon") if fixed_horizon else None,
    )
    check_models(plan, opened.conninfo, opened.models)
    started_at = moment_from(start, "start", ZoneInfo(settings.timezone)) if start else now
    made = create(opened.conninfo, plan, Act(now, actor_of(by)), started_at)
    console.print(_plan_table(made))
    console.print(f"{name} runs from {_moment(made.started_at)} on.", highlight=False)


@app.command("list")
def list_experiments(
    context: typer.Context, *, as_json: AsJson = False, world: WorldOption = None
) -> None:
    """List all experiments, the newest first."""
    opened = opened_world(settings_for(context, world))
    known = experiments(opened.conninfo)
    if as_json:
        typer.echo(TypeAdapter(list[Experiment]).dump_json(known, indent=2).decode())
        return
    table = Table(title=f"Experiments of the world {opened.name}")
    for column in ("name", "state", "from", "to", "variants", "metric", "why it ended"):
        table.add_column(column)
    for one in known:
        labels = ", ".join(variant.label for variant in one.plan.variants)
        span = _moment(one.started_at), _moment(one.stopped_at)
        reason = one.stop_reason or ""
        table.add_row(one.plan.name, one.state, *span, labels, one.plan.metric, reason)
    console.print(table)


@app.command()
def status(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Of the experiment. [default: the newest]")
    ] = None,
    *,
    as_json: AsJson = False,
    world: WorldOption = None,
) -> None:
    """Show where an experiment stands, and what follows from it."""
    opened = opened_world(settings_for(context, world))
    found = status_of(opened.conninfo, _named(opened.conninfo, name), datetime.now(UTC))
    if as_json:
        typer.echo(TypeAdapter(Status).dump_json(found, indent=2).decode())
    else:
        console.print(status_tables(found), highlight=False)


@app.command("stop")
def stop_experiment(
    context: typer.Context,
    name: Name,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    by: By = None,
    world: WorldOption = None,
) -> None:
    """End an experiment: within seconds the champion answers everybody."""
    opened = opened_world(settings_for(context, world))
    stop(opened.conninfo, name, Act(datetime.now(UTC), actor_of(by), reason))
    console.print(f"{name} is stopped; the champion answers everybody.", highlight=False)


def variant_from(text: str) -> Variant:
    """Return the variant that `text` names, else raise `InvalidInput`.

    >>> variant_from("wide:floor=.9,weight=2") == Variant("wide", weight=2.0, floor=0.9)
    True
    """
    label, _, rest = text.partition(":")
    field = f"variant {label}"
    told = known_pairs(field, rest, ("model", "weight", *NAMES))
    dials = {name: number(field, told[name]) for name in NAMES if name in told}
    return Variant(
        label,
        weight=number(field, told.get("weight", "1")),
        model=told.get("model", CHAMPION),
        **dials,
    )


def guards_from(texts: Sequence[str]) -> dict[str, float]:
    """Return the margin of each guard: its own, unless `texts` say another or drop it.

    >>> guards_from(["cancellations=off", "empty_slates=.05", "relevance_kept=off"])
    {'empty_slates': 0.05, 'bookings_made': 0.1}
    """
    told = pairs("guard", texts)
    for name in told.keys() - GUARDS.keys():
        raise InvalidInput("guard", f"{name!r} is unknown", list(GUARDS))
    return {
        name: number("guard", told[name]) if name in told else guard.margin
        for name, guard in GUARDS.items()
        if told.get(name) != _DROPPED
    }


def status_tables(found: Status) -> RenderableType:
    """Return an experiment's status as tables, and what follows in words."""
    parts: list[RenderableType] = [_people_table(found)]
    if found.may_look:
        parts += [_mean_table(found), _comparison_table(found)]
    if found.guards:
        parts.append(_guard_table(found))
    alarm = "NOT AS PLANNED" if found.split.is_wrong else "not shown to be other than planned"
    parts.append(Text(f"The split of the people is {alarm} (p = {found.split.p:.3g})."))
    parts += [Text(line) for line in found.advice]
    return Group(*parts)


def _people_table(found: Status) -> Table:
    one = found.experiment
    title = f"{one.plan.name}, {one.state}: {_moment(one.started_at)} to {_moment(found.until)}"
    table = Table(title=title)
    for column in ("variant", "planned", "users", "slates", "impressions", "judged"):
        table.add_column(column, justify="left" if column == "variant" else "right")
    for variant in found.variants:
        counts = (variant.users, variant.slates, variant.impressions, variant.judged)
        table.add_row(variant.label, f"{variant.share:.1%}", *(f"{count:,}" for count in counts))
    return table


def _mean_table(found: Status) -> Table:
    table = Table(title="Means of a judged person")
    table.add_column("figure")
    for variant in found.variants:
        table.add_column(variant.label, justify="right")
    for name in dict.fromkeys((*METRICS, *GUARDS)):
        means = (variant.means.get(name) for variant in found.variants)
        table.add_row(name, *("" if mean is None else f"{mean:.4f}" for mean in means))
    return table


def _comparison_table(found: Status) -> Table:
    plan = found.experiment.plan
    kind = "at the fixed horizon" if plan.horizon else "valid at every look"
    title = f"A judged person, over {plan.variants[0].label} (95 % intervals, {kind})"
    table = Table(title=title)
    for column in ("variant", "metric", "difference", "p", ""):
        table.add_column(column, justify="right" if column in {"difference", "p"} else "left")
    for one in found.comparisons:
        mark = "decided on" if one.metric == plan.metric else ""
        table.add_row(one.variant, one.metric, *_difference(one.difference), mark)
    return table


def _guard_table(found: Status) -> Table:
    table = Table(title="Guards (one-sided, valid at every look)")
    for column in ("variant", "guard", "may be lost", ""):
        table.add_column(column, justify="right" if column == "may be lost" else "left")
    for one in found.guards:
        margin = f"{one.margin:.0%}" if GUARDS[one.guard].is_relative else f"{one.margin:g}"
        table.add_row(one.variant, one.guard, margin, _GUARD_STATES[one.state])
    return table


def _plan_table(made: Experiment) -> Table:
    plan = made.plan
    table = Table(title=f"Experiment {plan.name}")
    for column in ("variant", "people", "model", *NAMES):
        table.add_column(column)
    for variant, buckets in zip(plan.variants, plan.buckets, strict=True):
        dials = (_dial(getattr(variant, name)) for name in NAMES)
        table.add_row(variant.label, f"{buckets / sum(plan.buckets):.1%}", variant.model, *dials)
    return table


def _named(conninfo: str, name: str | None) -> Experiment:
    if name is not None:
        return experiment_named(conninfo, name)
    known = experiments(conninfo)
    if not known:
        raise NotFound("experiment", "of this world")
    return known[0]


def _difference(found: Difference | None) -> tuple[str, str]:
    if found is None:
        return "too few, or all alike", ""
    return f"{found.value:+.4f} ({found.low:+.4f} .. {found.high:+.4f})", f"{found.p:.3g}"


def _dial(value: float | None) -> str:
    return "as for all" if value is None else f"{value:g}"


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else ""
