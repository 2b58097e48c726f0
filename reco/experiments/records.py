"""Experiments on record: made, found, stopped. One runs at a time; what was planned stays."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from reco.db.session import look_at
from reco.errors import InvalidInput, NotFound, RuleBroken
from reco.experiments.plan import CHAMPION, Experiment, Plan, Variant, checked
from reco.model.registry import Act, kept_version, publication
from reco.moments import told_moment

_INSERT = """
insert into reco.experiment (name, salt, variants, metric, guards, window_s, horizon_s,
  planned_users, state, created_at, created_by, started_at)
values (%(name)s, %(salt)s, %(variants)s, %(metric)s, %(guards)s, %(window_s)s, %(horizon_s)s,
  %(planned_users)s, 'running', %(created_at)s, %(created_by)s, %(started_at)s)
"""
_STOP = """
update reco.experiment
set state = 'stopped', stopped_at = %s, stopped_by = %s, stop_reason = %s
where name = %s and state = 'running'
"""
_EXPERIMENTS = b"select * from reco.experiment order by created_at desc, name"
_RUNNING = b"select * from reco.experiment where state = 'running'"


def create(conninfo: str, plan: Plan, act: Act, started_at: datetime) -> Experiment:
    """Put an experiment on record, which runs from `started_at` on.

    Raises
    ------
    InvalidInput
        The plan cannot be run, or it would begin before it was made.
    NotFound
        There is no such model version.
    RuleBroken
        Another experiment runs, there was one of that name, or a model is pruned.
    """
    if started_at < act.at:
        now = told_moment(act.at.astimezone(started_at.tzinfo))
        raise InvalidInput("start", f"{told_moment(started_at)} is past: it is {now}")
    row = _row(checked(plan)) | {
        "created_at": act.at,
        "created_by": act.actor,
        "started_at": started_at,
    }
    try:
        # No model is pruned between the look at it and the record that spares it.
        with publication(conninfo) as connection:
            for version in models_of(plan):
                kept_version(conninfo, version)
            connection.execute(_INSERT, row)
    except psycopg.errors.UniqueViolation as error:
        raise _taken(conninfo, plan.name) from error
    return Experiment(plan, "running", act.at, act.actor, started_at)


def stop(conninfo: str, name: str, act: Act) -> Experiment:
    """End an experiment: the champion answers everybody as soon as the workers have heard of it.

    Raises
    ------
    NotFound
        There is none of that name.
    InvalidInput
        There is no reason.
    RuleBroken
        It is stopped already.
    """
    if not act.reason or not act.reason.strip():
        raise InvalidInput("reason", "why it is stopped is kept with it")
    with psycopg.connect(conninfo) as connection:
        stopped = connection.execute(_STOP, (act.at, act.actor, act.reason, name)).rowcount
    found = experiment_named(conninfo, name)
    if not stopped:
        raise RuleBroken(
            "experiment_stopped", f"{name} was stopped at {found.stopped_at}: {found.stop_reason}"
        )
    return found


def running_experiment(conninfo: str) -> Experiment | None:
    """Return the experiment that runs, or is to begin; None: there is none."""
    found = _read(conninfo, _RUNNING)
    return found[0] if found else None


def experiments(conninfo: str) -> list[Experiment]:
    """Return all experiments, the newest first."""
    return _read(conninfo, _EXPERIMENTS)


def experiment_named(conninfo: str, name: str) -> Experiment:
    """Return an experiment, or raise `NotFound`."""
    for known in experiments(conninfo):
        if known.plan.name == name:
            return known
    raise NotFound("experiment", name)


def models_of(plan: Plan) -> list[str]:
    """Return the model versions that a plan names, each once."""
    named = dict.fromkeys(variant.model for variant in plan.variants)
    return [version for version in named if version != CHAMPION]


def _row(plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "salt": plan.salt,
        "variants": Jsonb([asdict(variant) for variant in plan.variants]),
        "metric": plan.metric,
        "guards": Jsonb(dict(plan.guards)),
        "window_s": int(plan.window.total_seconds()),
        "horizon_s": None if plan.horizon is None else int(plan.horizon.total_seconds()),
        "planned_users": plan.planned_users,
    }


def _read(conninfo: str, query: bytes) -> list[Experiment]:
    with look_at(conninfo) as connection:
        rows = connection.cursor(row_factory=dict_row).execute(query).fetchall()
    return [_experiment(row) for row in rows]


def _experiment(row: Mapping[str, Any]) -> Experiment:
    horizon_s = row["horizon_s"]
    plan = Plan(
        name=row["name"],
        salt=row["salt"],
        variants=tuple(Variant(**variant) for variant in row["variants"]),
        metric=row["metric"],
        guards=row["guards"],
        window=timedelta(seconds=row["window_s"]),
        planned_users=row["planned_users"],
        horizon=None if horizon_s is None else timedelta(seconds=horizon_s),
    )
    return Experiment(
        plan=plan,
        state=row["state"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        started_at=row["started_at"],
        stopped_at=row["stopped_at"],
        stopped_by=row["stopped_by"],
        stop_reason=row["stop_reason"],
    )


def _taken(conninfo: str, name: str) -> RuleBroken:
    """Return why an experiment of that name cannot begin."""
    if any(known.plan.name == name for known in experiments(conninfo)):
        return RuleBroken(
            "experiment_exists",
            f"There was an experiment {name}; its weights and variants are fixed. Give another "
            "name: the people are drawn anew.",
        )
    running = running_experiment(conninfo)
    other = running.plan.name if running else "another"
    return RuleBroken(
        "experiment_running",
        f"{other} runs, and two at once would disturb each other; stop it first.",
    )
