"""What came of the lives of a cohort: person by person, month by month."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.horizon import POINTS
from training.cohort.assumptions import Assumptions

MANY_CATEGORIES = 3
"""The policy figure (METRICS, 1) counts people with so many."""
CENTS = 100.0

PersonFigures = Mapping[str, NDArray[np.float64]]
"""Figure to its value for each person (P,)."""


@dataclass(frozen=True)
class Lived:
    """Lives of one cohort under one policy, as they are kept."""

    policy: str
    seed: int
    bookings: pa.Table
    """Those that stand in the end."""
    worth: pa.Table
    """Of some slates."""
    people: pa.Table
    """A row a person: density."""
    assumptions: Assumptions

    @cached_property
    def firsts(self) -> Mapping[str, pd.DataFrame]:
        """By attribute, the week in which a person first booked each value: person, week."""
        frame = self.bookings.to_pandas()
        frame["genre"] = frame["genre"].str.split("|")
        found = {}
        for attribute in POINTS:
            values = frame[["person", "week", attribute]]
            values = values.explode(attribute) if attribute == "genre" else values
            values = values.dropna()
            found[attribute] = values.groupby(["person", attribute], as_index=False)["week"].min()
        return found

    def until(self, week: int) -> PersonFigures:
        """Return the figures of each person after so many weeks.

        Of bookings that stand in the end: one that is cancelled later is missing before, too.
        """
        count = len(self.people)
        earned = {
            attribute: np.bincount(first["person"][first["week"] < week], minlength=count)
            for attribute, first in self.firsts.items()
        }
        frame = self.bookings.select(["person", "week", "amount_cents"]).to_pandas()
        made = frame[frame["week"] < week]
        spent_eur = np.bincount(made["person"], made["amount_cents"], count) / CENTS
        points = sum(POINTS[attribute] * number for attribute, number in earned.items())
        return {
            "three_categories": (earned["category"] >= MANY_CATEGORIES).astype(np.float64),
            "categories": earned["category"].astype(np.float64),
            "horizon_points": np.asarray(points, dtype=np.float64),
            "credit_used": spent_eur / self.assumptions.parameters.credit_eur,
            "bookings": np.bincount(made["person"], minlength=count).astype(np.float64),
        }

    def at_the_end(self) -> PersonFigures:
        """Return the figures of each person when the credit ends, with what splits them up."""
        figures = self.until(self.assumptions.weeks)
        return {**figures, **self._of_categories(), **self._of_territories(figures)}

    def _of_categories(self) -> PersonFigures:
        frame = self.bookings.select(["person", "category"]).to_pandas()
        return {
            f"bookings {category}": np.bincount(rows["person"], minlength=len(self.people)).astype(
                np.float64
            )
            for category, rows in frame.groupby("category")
        }

    def _of_territories(self, figures: PersonFigures) -> PersonFigures:
        """Return bookings and the policy figure by density; NaN for who lives elsewhere."""
        density = self.people["density"].to_numpy(zero_copy_only=False)
        return {
            f"{name} {kind}": np.where(density == kind, figures[name], np.nan)
            for name in ("bookings", "three_categories")
            for kind in ("dense", "town", "rural")
        }

    def regret(self) -> PersonFigures:
        """Return what was expected of the judged slates of each person, and of the best ones."""
        frame = self.worth.to_pandas().groupby("person").sum(numeric_only=True)
        return {
            name: frame[name].to_numpy(dtype=np.float64)
            for name in ("bookings", "best_bookings", "points", "best_points")
        }
