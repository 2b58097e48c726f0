"""What became of a partner's rows, on the wire."""

from dataclasses import dataclass

from reco.core.backoffice.rows import Fault, Outcome, Result


@dataclass(frozen=True)
class FaultShown:
    """What is wrong or odd about a field, and the values that are accepted, if they can be told."""

    field: str
    detail: str
    accepted: tuple[str, ...]


@dataclass(frozen=True)
class RowOutcome:
    """What became of a row: `id` is the partner's own, `public_id` the one on the wire."""

    kind: str | None
    id: str | None
    public_id: str | None
    outcome: Result
    warnings: tuple[FaultShown, ...]
    errors: tuple[FaultShown, ...]


def row_outcome(outcome: Outcome) -> RowOutcome:
    """Return `outcome` as it is shown."""
    return RowOutcome(
        outcome.kind,
        outcome.id,
        outcome.public_id,
        outcome.outcome,
        _shown(outcome.warnings),
        _shown(outcome.errors),
    )


def refused(kind: str | None, own_id: str | None, *faults: FaultShown) -> RowOutcome:
    """Return the outcome of what could not be read as a row."""
    return RowOutcome(kind, own_id, None, "refused", (), faults)


def _shown(faults: tuple[Fault, ...]) -> tuple[FaultShown, ...]:
    """Return `faults` as they are shown."""
    return tuple(FaultShown(fault.field, fault.detail, fault.accepted) for fault in faults)
