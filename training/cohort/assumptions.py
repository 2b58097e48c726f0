"""What is assumed of a cohort beside the simulated world's own numbers."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import date

from reco.errors import InvalidInput
from training.simulate.parameters import PARAMETERS, Parameters, Scale

_WEEKS_A_MONTH = 13 / 3
"""A quarter has 13 weeks."""


@dataclass(frozen=True)
class Assumptions:
    """One cohort, before anything is drawn; the same ones give the same lives."""

    scale: Scale
    start: date
    """Everybody's credit begins on its midnight in Paris: a year group at once."""
    people: int = 2_000
    months: int = 24
    weeks_between_fits: int = 13
    """The model is fitted again so often on all that was done by then."""
    lesson_slates: int = 1_500
    """Of those shown between two fits, so many teach the ranker, about; 0: it stays as it was in
    the beginning."""
    n: int = 20
    radius_m: float = 50_000.0
    position_bias: float = 1.0
    """The place j of a slate is looked at in proportion to `log2(j + 1)` to minus this power."""
    parameters: Parameters = field(default_factory=lambda: PARAMETERS)
    """Of the world: its ordinary people and the cohort alike."""

    def __post_init__(self) -> None:
        for name in ("people", "months", "weeks_between_fits"):
            if getattr(self, name) < 1:
                raise InvalidInput(name, f"{getattr(self, name)} is less than 1")
        for name in ("position_bias", "lesson_slates"):
            if getattr(self, name) < 0:
                raise InvalidInput(name, f"{getattr(self, name)} is negative")
        if not self.parameters.credit_eur > 0.0:
            raise InvalidInput("credit_eur", f"{self.parameters.credit_eur} is not above 0")

    @property
    def weeks(self) -> int:
        """Weeks of a life, a feed in each."""
        return weeks_until(self.months)

    def digest(self) -> str:
        """Return what tells these assumptions from others."""
        return _digest(self)

    def world_digest(self) -> str:
        """Return the same of what the world is made of, before anybody looks at a slate."""
        return _digest((self.scale, self.start, self.people, self.weeks, self.parameters))


def weeks_until(month: int) -> int:
    """Return the weeks of so many months, whole ones."""
    return round(month * _WEEKS_A_MONTH)


def _digest(told: object) -> str:
    return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()


def variants(usual: Assumptions) -> dict[str, Assumptions]:
    """Return the assumptions with one of them changed at a time: how far a result hangs on them."""
    world = usual.parameters

    def changed(**changes: object) -> Assumptions:
        return replace(usual, parameters=replace(world, **changes))  # type: ignore[arg-type]

    taste = world.booking_taste
    return {
        "as assumed": usual,
        "people less open": changed(openness=(1.5, 4.5)),
        "people more open": changed(openness=(3.0, 2.0)),
        "tastes decide half as much": changed(booking_taste=taste / 2),
        "tastes decide twice as much": changed(booking_taste=taste * 2),
        "every place looked at alike": replace(usual, position_bias=0.0),
        "the first places twice as much": replace(usual, position_bias=2.0),
    }
