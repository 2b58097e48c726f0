"""What a slate tells of the experiment that it was shown in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Exposure:
    """A slate that was shown as one variant of an experiment."""

    name: str
    """Of the experiment."""
    variant: str
