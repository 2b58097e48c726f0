"""What `reco benchmark slates --json` wrote, told in a report with the very numbers of the file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reco.errors import InvalidInput
from training.paired import Compared
from training.slate_rows import Row


@dataclass(frozen=True)
class SlateBenchmark:
    """A benchmark of slates."""

    data: str
    k: int
    users: int
    rows: tuple[Row, ...]
    score_order: Mapping[str, Compared]
    """The order by the model's own score."""
    probability: Mapping[str, float]

    @property
    def shown(self) -> tuple[Row, ...]:
        """What the command's screen shows, too."""
        return tuple(row for row in self.rows if row.is_shown)


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
    rows = [
        Row(
            method=row["method"],
            parameter=row["parameter"],
            chosen=row["chosen"],
            # Files of before do not say.
            served=row.get("served", False),
            metrics=_metrics(row["metrics"]),
        )
        for row in told["rows"]
    ]
    return SlateBenchmark(
        data=told["data"],
        k=told["k"],
        users=told["users"],
        rows=tuple(rows),
        score_order=_metrics(told["score_order"]),
        probability=dict(told["probability"]),
    )


def _metrics(told: Mapping[str, Any]) -> dict[str, Compared]:
    return {name: Compared(**figure) for name, figure in told.items()}
