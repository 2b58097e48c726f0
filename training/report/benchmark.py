"""What `reco benchmark slates --json` wrote, told in a report with the very numbers of the file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reco.errors import InvalidInput
from training.paired import Compared


@dataclass(frozen=True)
class Method:
    """One setting of one way to choose slates."""

    method: str
    parameter: str
    is_chosen: bool
    """By validation."""
    is_served: bool
    """By feeds, where nobody has set other dials."""
    metrics: Mapping[str, Compared]

    @property
    def line(self) -> str:
        """What a curve calls it: what is served may be of another intensity than its method."""
        return "served" if self.is_served else self.method

    @property
    def setting(self) -> str:
        """What a table calls its parameter."""
        return f"{self.parameter} (served)" if self.is_served else self.parameter


@dataclass(frozen=True)
class SlateBenchmark:
    """A benchmark of slates."""

    data: str
    k: int
    users: int
    methods: tuple[Method, ...]
    score_order: Mapping[str, Compared]
    """The order by the model's own score."""
    probability: Mapping[str, float]

    @property
    def chosen(self) -> tuple[Method, ...]:
        """One setting a method, what is served, fair slates: what the command's screen shows."""
        return tuple(
            one
            for one in self.methods
            if one.is_chosen or one.is_served or one.method == "horizon_fair"
        )


def read_benchmark(path: Path) -> SlateBenchmark:
    """Return the benchmark that a file holds.

    Raises
    ------
    InvalidInput
        There is no such file, or it holds something else.
    """
    try:
        return _benchmark(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InvalidInput("slates", f"there is no file {path}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidInput(
            "slates", f"{path} holds no benchmark of slates", ["what `--json` wrote"]
        ) from None


def _benchmark(told: Mapping[str, Any]) -> SlateBenchmark:
    methods = [
        Method(
            row["method"],
            row["parameter"],
            row["chosen"],
            # Files of before do not say.
            row.get("served", False),
            _metrics(row["metrics"]),
        )
        for row in told["rows"]
    ]
    return SlateBenchmark(
        data=told["data"],
        k=told["k"],
        users=told["users"],
        methods=tuple(methods),
        score_order=_metrics(told["score_order"]),
        probability=dict(told["probability"]),
    )


def _metrics(told: Mapping[str, Any]) -> dict[str, Compared]:
    return {name: Compared(**figure) for name, figure in told.items()}
