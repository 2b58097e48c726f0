"""What an evaluation replays: which systems, which weeks, which people."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reco.errors import InvalidInput
from training.replay.slates import System

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Plan:
    """What is to be replayed."""

    systems: tuple[System, ...]
    """Compared with the first."""
    start: datetime
    """Of the first week."""
    weeks: int
    n: int
    radius_m: float
    users: int | None
    """Drawn at random, seeded; None: all."""
    everybody: bool
    """Draw from all who could ask; else from those who booked something in the weeks."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.weeks < 1:
            raise InvalidInput("weeks", f"{self.weeks} is less than 1")
        names = [system.name for system in self.systems]
        if len(set(names)) < len(names):
            raise InvalidInput("versions", f"one of {names} is named twice")
        for system in self.systems:
            cutoff = system.model.cutoff if system.model else None
            if cutoff is not None and cutoff > self.start:
                raise InvalidInput(
                    "cutoff",
                    f"{system.name} was trained until {cutoff:%Y-%m-%d %H:%M} and has seen what it"
                    f" would be judged by; begin later, or train with --cutoff"
                    f" {self.start:%Y-%m-%d}",
                )

    @property
    def moments(self) -> list[datetime]:
        """The starts of the weeks."""
        return [self.start + week * WEEK for week in range(self.weeks)]

    @property
    def end(self) -> datetime:
        """Of the last week."""
        return self.start + self.weeks * WEEK

    @property
    def name(self) -> str:
        """What a run of it is called: the same for the same plan, so that a run goes on."""
        return f"{self.start.astimezone(UTC):%Y%m%d}-{self.weeks}w-{self._digest()}"

    def _digest(self) -> str:
        systems = [(s.name, s.model.digest if s.model else None, s.dials) for s in self.systems]
        start = self.start.astimezone(UTC).isoformat()
        people = (self.users, self.everybody, self.seed)
        told = (systems, start, self.weeks, self.n, self.radius_m, people)
        return hashlib.blake2b(repr(told).encode(), digest_size=4).hexdigest()
