"""The figures of a run: means over people with 95 % intervals, beside the first system."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reco.errors import InvalidInput
from training.beyond import gini
from training.intervals import Estimate
from training.paired import Compared, compare
from training.reliability import Curve, Reliability, curve_of
from training.replay.exchange import exchange_p
from training.replay.exposure import items_exposed, venues_exposed
from training.replay.forecasts import Forecasts, pseudo_values
from training.replay.miscalibrations import Errors, errors_of
from training.replay.totals import coverage_totals, covered, gini_totals

SEGMENTS = ("seen", "density", "first_category")
"""Columns by which people are told apart."""
_TOLD = (
    "system", "at", "user", "items", "venues", "bookable_items", "bookable_venues",
    "probabilities", "hits", "drawn_of_all",
)  # fmt: skip
DISTINCT = "distinct"
"""Share of distinct values among the 500 likeliest candidates of a person."""
LEAST_PEOPLE = 30
"""A segment of fewer is not shown, nor a figure that fewer of one have: its intervals would say
nothing, and it might be one person."""


@dataclass(frozen=True)
class SystemFigures:
    """All figures of one system."""

    system: str
    metrics: Mapping[str, Compared]
    """Those of probabilities have values where people were drawn of all and any were booked."""
    probability: Reliability | None
    """Of the probabilities shown, where people were drawn of all; None: they were drawn because
    they booked, or nothing that was shown was booked."""
    curve: Curve | None
    ece: Estimate | None
    """What is left of the calibration error (`probability.ece`) without what chance alone makes
    of it, and its 95 % interval."""
    ece_rel: Estimate | None
    """The same over the base rate."""


@dataclass(frozen=True)
class Segment:
    """The figures of some of the people."""

    kind: str
    value: str
    people: int
    systems: tuple[Mapping[str, Compared], ...]
    """In the order of the run."""


@dataclass(frozen=True)
class RunSummary:
    """What a run found."""

    people: int
    """With a slate."""
    judged: int
    """Of them, who booked something new in a week."""
    systems: tuple[SystemFigures, ...]
    segments: tuple[Segment, ...]

    def groups(self) -> Iterator[tuple[str, str, int, tuple[Mapping[str, Compared], ...]]]:
        """Yield everybody, then each segment: kind, value, people, and the metrics by system."""
        yield "all", "all", self.people, tuple(one.metrics for one in self.systems)
        for one in self.segments:
            yield one.kind, one.value, one.people, one.systems

    def as_object(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return asdict(self)


def summary_from(told: Mapping[str, Any]) -> RunSummary:
    """Return the summary that `RunSummary.as_object` told.

    Raises
    ------
    InvalidInput
        An older version told it.
    """
    systems = [
        SystemFigures(
            system=one["system"],
            metrics=_metrics_from(one["metrics"]),
            probability=Reliability(**one["probability"]) if one["probability"] else None,
            curve=_curve_from(one["curve"]) if one["curve"] else None,
            ece=Estimate(**one["ece"]) if one["ece"] else None,
            ece_rel=Estimate(**one["ece_rel"]) if one["ece_rel"] else None,
        )
        for one in told["systems"]
    ]
    segments = [
        Segment(
            kind=one["kind"],
            value=one["value"],
            people=one["people"],
            systems=tuple(_metrics_from(metrics) for metrics in one["systems"]),
        )
        for one in told["segments"]
    ]
    return RunSummary(told["people"], told["judged"], tuple(systems), tuple(segments))


def _curve_from(told: Mapping[str, Any]) -> Curve:
    if set(told) != set(Curve.__dataclass_fields__):
        raise InvalidInput("run", "it was made by an older version; evaluate again")
    return Curve(**{name: tuple(column) for name, column in told.items()})


def _metrics_from(told: Mapping[str, Any]) -> dict[str, Compared]:
    return {name: Compared(**figure) for name, figure in told.items()}


def columns_of(names: Iterable[str]) -> list[str]:
    """Return those of the columns that `Week.part` makes that a summary is made of."""
    return [name for name in names if name in _TOLD or name in SEGMENTS or _is_figure(name)]


def _is_figure(name: str) -> bool:
    return "@" in name or name == DISTINCT


def summary_of(rows: pa.Table, systems: Sequence[str], n: int, seed: int = 0) -> RunSummary:
    """Return the figures of the rows that `Week.part` made, of `columns_of` at least.

    A person's figure is the mean over the weeks in which it is defined.
    """
    metrics = [name for name in rows.column_names if _is_figure(name)]
    user = pc.rank(rows["user"], tiebreaker="dense").to_numpy().astype(np.int64) - 1
    told = {name: rows[name].to_numpy().astype(np.float64) for name in metrics}
    system = pc.index_in(rows["system"], pa.array(systems)).to_numpy().astype(np.int64)
    tables = [
        by_person({name: column[own] for name, column in told.items()}, user[own])
        for own in (system == at for at in range(len(systems)))
    ]
    found = _all_shown(rows, system, user)
    of_people = compare(
        [table | chances for table, chances in zip(tables, pseudo_values(found), strict=True)],
        [True] * len(systems), seed,
    )  # fmt: skip
    errors = errors_of(found, seed)
    of_all = _totals(rows, system, user, n, seed)
    return RunSummary(
        people=len(np.unique(user)),
        judged=int(np.count_nonzero(~np.isnan(tables[0][f"ndcg@{n}"]))),
        systems=tuple(
            _figures(systems[at], of_people[at] | of_all[at], one, errors[at])
            for at, one in enumerate(found)
        ),
        segments=tuple(_segments(rows, user, tables, seed)),
    )


def by_person(
    columns: Mapping[str, NDArray[np.float64]], user: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Return the mean of each person (U,) over the rows in which a figure is defined.

    Parameters
    ----------
    columns
        Figures of N rows.
    user
        (N,) number of the person of each row.
    """
    people = int(user.max(initial=-1)) + 1
    means = {}
    for name, column in columns.items():
        known = ~np.isnan(column)
        count = np.bincount(user[known], minlength=people)
        total = np.bincount(user[known], column[known], minlength=people)
        means[name] = np.full(people, np.nan)
        np.divide(total, count, out=means[name], where=count > 0)
    return means


def _totals(
    rows: pa.Table, system: NDArray[np.int64], person: NDArray[np.int64], n: int, seed: int
) -> list[dict[str, Compared]]:
    """Return what all slates of a week show together, the mean of the weeks, of each system."""
    week = pc.rank(rows["at"], tiebreaker="dense").to_numpy().astype(np.int64) - 1
    items, venues = (
        [
            [
                exposed(rows.filter(pa.array(chosen)), person[chosen])
                for chosen in ((system == at) & (week == of) for of in range(week.max() + 1))
            ]
            for at in range(system.max() + 1)
        ]
        for exposed in (items_exposed, venues_exposed)
    )
    people = int(person.max()) + 1
    found = {
        "coverage": coverage_totals(items, people, seed),
        "gini": gini_totals(items, people, seed),
        "venue_gini": gini_totals(venues, people, seed),
    }
    p = exchange_p(items, people, {"coverage": covered, "gini": gini}, seed)
    p |= exchange_p(venues, people, {"venue_gini": gini}, seed)
    columns = {f"{name}@{n}": totals.compared(p[name]) for name, totals in found.items()}
    return [{name: told[at] for name, told in columns.items()} for at in range(system.max() + 1)]


def _all_shown(
    rows: pa.Table, system: NDArray[np.int64], person: NDArray[np.int64]
) -> list[Forecasts]:
    """Return what each system said of all that it showed, and what came of it."""
    people = int(person.max()) + 1
    # Of people drawn because they booked, no probability can be told to be right.
    is_fair = bool(pc.all(rows["drawn_of_all"]).as_py())
    return [
        _forecasts(rows.filter(pa.array(own)), person[own], people)
        if is_fair
        else Forecasts.of_nothing(people)
        for own in (system == at for at in range(system.max() + 1))
    ]


def _forecasts(rows: pa.Table, person: NDArray[np.int64], people: int) -> Forecasts:
    return Forecasts(
        probability=pc.list_flatten(rows["probabilities"]).to_numpy().astype(np.float64),
        outcome=pc.list_flatten(rows["hits"]).to_numpy(zero_copy_only=False).astype(bool),
        person=np.repeat(person, pc.list_value_length(rows["hits"]).to_numpy()),
        people=people,
    )


def _figures(
    name: str, metrics: Mapping[str, Compared], shown: Forecasts, errors: Errors
) -> SystemFigures:
    return SystemFigures(
        system=name,
        metrics=_slates_first({**metrics, **errors.compared}),
        probability=shown.reliability if shown.can_tell else None,
        curve=curve_of(shown.probability, shown.outcome, shown.person) if shown.can_tell else None,
        ece=errors.without_chance.get("ece"),
        ece_rel=errors.without_chance.get("ece_rel"),
    )


def _slates_first(metrics: Mapping[str, Compared]) -> dict[str, Compared]:
    """Return figures of slates of a length, then those of probabilities."""
    return dict(sorted(metrics.items(), key=lambda figure: "@" not in figure[0]))


def _segments(
    rows: pa.Table,
    user: NDArray[np.int64],
    tables: Sequence[Mapping[str, NDArray[np.float64]]],
    seed: int,
) -> list[Segment]:
    """Return the figures of each kind of people that are enough; each as in their first week."""
    _, first = np.unique(user, return_index=True)
    found = []
    for kind in SEGMENTS:
        of_person = pc.fill_null(rows[kind].take(pa.array(first)), "none").to_numpy()
        for value in np.unique(of_person).tolist():
            chosen = of_person == value
            people = int(np.count_nonzero(chosen))
            if people < LEAST_PEOPLE:
                continue
            some = _of_enough(
                [{name: column[chosen] for name, column in table.items()} for table in tables]
            )
            compared = compare(some, [True] * len(some), seed)
            found.append(Segment(kind, value, people, tuple(compared)))
    return found


def _of_enough(
    tables: Sequence[Mapping[str, NDArray[np.float64]]],
) -> list[dict[str, NDArray[np.float64]]]:
    """Leave undefined what is defined for too few people under all systems."""
    few = {
        name
        for name in tables[0]
        if np.count_nonzero(~np.isnan([table[name] for table in tables]).any(axis=0)) < LEAST_PEOPLE
    }
    return [
        {
            name: np.full_like(column, np.nan) if name in few else column
            for name, column in table.items()
        }
        for table in tables
    ]
