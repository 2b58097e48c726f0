"""Where the settings of each kind of model are searched for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType


@dataclass(frozen=True)
class Range:
    """Values of one setting."""

    low: float
    high: float
    is_log: bool = False
    is_whole: bool = False


def widened(span: Range, value: float) -> Range | None:
    """Return `span`, as much wider as it must be to hold `value`.

    None where it is searched by its logarithm, and the value has none: 0 turns a part of a model
    off, and what is off is not searched for.
    """
    if span.is_log and not value > 0.0:
        return None
    return replace(span, low=min(span.low, value), high=max(span.high, value))


_IALS = {
    "factors": Range(32, 256, is_log=True, is_whole=True),
    "unobserved_weight": Range(0.003, 1.0, is_log=True),
    "regularisation": Range(0.0001, 0.5, is_log=True),
    "nu": Range(0.3, 1.0),
    # By their logarithm, so that a balance that is off (0, the default) stays off.
    "observed_balance": Range(0.05, 1.0, is_log=True),
    "unobserved_balance": Range(0.05, 1.0, is_log=True),
    "category_balance": Range(0.05, 1.0, is_log=True),
    "recency_balance": Range(0.05, 4.0, is_log=True),
}
_FILTER = {
    "factors": Range(32, 1_024, is_log=True, is_whole=True),
    "low_pass": Range(0.02, 3.0, is_log=True),
    "sharpening": Range(0.0, 1.0),
    "user_power": Range(0.2, 0.8),
    "item_power": Range(0.0, 0.7),
    "side_power": Range(0.2, 0.7),
    "output_power": Range(-0.1, 0.3),
    "neighbours": Range(50, 800, is_log=True, is_whole=True),
    "distance_power": Range(0.0, 1.0),
    # By their logarithm, so that what is off (0, the default) stays off.
    "merged_sharpening": Range(0.05, 5.0, is_log=True),
    "near_weight": Range(0.02, 1.0, is_log=True),
}

SPACES: Mapping[str, Mapping[str, Range]] = MappingProxyType(
    {
        "popularity": {},  # Its areas and its window are chosen by hand.
        "itemknn": {
            "neighbours": Range(20, 800, is_log=True, is_whole=True),
            "user_power": Range(0.0, 1.0),
            "item_power": Range(0.0, 0.6),
        },
        "als": {
            "factors": Range(16, 256, is_log=True, is_whole=True),
            "regularisation": Range(0.1, 100.0, is_log=True),
            "alpha": Range(1.0, 100.0, is_log=True),
        },
        "ials": _IALS,
        "bpr": {
            "factors": Range(16, 128, is_log=True, is_whole=True),
            "learning_rate": Range(0.01, 0.2, is_log=True),
            "regularisation": Range(0.001, 0.3, is_log=True),
            "iterations": Range(30, 300, is_log=True, is_whole=True),
        },
        "ease": {"regularisation": Range(1.0, 5_000.0, is_log=True)},
        "filter": _FILTER,
        "hybrid": {
            **_IALS,
            "filter_weight": Range(0.02, 3.0, is_log=True),
            "components": Range(32, 640, is_log=True, is_whole=True),
            **{name: span for name, span in _FILTER.items() if name != "factors"},
        },
    }
)
"""By kind, then setting; the half-life, where events have times, is tried for all."""
