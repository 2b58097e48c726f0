"""One setting of one way to choose slates, as a benchmark tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.paired import Compared


@dataclass(frozen=True)
class Row:
    """One setting of one method."""

    method: str
    parameter: str
    chosen: bool
    """By validation, within the loss of ndcg (`training.slate_choice`)."""
    served: bool
    """By feeds, where nobody has set other dials (`reco.feed.dials`)."""
    metrics: Mapping[str, Compared]

    @property
    def is_shown(self) -> bool:
        """Whether a summary shows it: one setting a method, what is served, fair slates."""
        return self.chosen or self.served or self.method == "horizon_fair"

    @property
    def line(self) -> str:
        """What a curve calls it: what is served may be of another intensity than its method."""
        return "served" if self.served else self.method

    @property
    def setting(self) -> str:
        """What a table calls its parameter."""
        return f"{self.parameter} (served)" if self.served else self.parameter

    def as_object(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        metrics = {name: vars(figure) for name, figure in self.metrics.items()}
        return vars(self) | {"metrics": metrics}
