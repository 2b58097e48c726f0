"""How a system answers, as a manifest tells it; and whether the service answers so now."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from reco.feed.dials import NAMES
from training.replay.slates import System


def facts_of(system: System) -> dict[str, Any]:
    """Return what makes a system's answers, as JSON takes it.

    `of_what_is_shown`: its probabilities were corrected by slates on record, and are of a booking
    if shown; else they are of one on a visit.
    """
    model = system.model
    cutoff = model.cutoff if model else None
    probability = model.metrics.get("probability", {}) if model else {}
    return {
        "version": model.version if model else None,
        "kind": model.kind if model else None,
        "trained_until": cutoff.isoformat() if cutoff else None,
        "settings": dict(model.parameters) if model else {},
        "of_what_is_shown": probability.get("taught") is not None,
        **asdict(system.dials),
    }


def answers_alike(system: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two systems, by their facts, show everybody the same."""
    return all(system.get(name) == other.get(name) for name in ("version", *NAMES))
