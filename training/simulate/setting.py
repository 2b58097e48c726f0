"""What every stage of the simulation is given: size, seed, date, rows and assumptions."""

from dataclasses import dataclass
from datetime import date

from training.simulate.calendar import Calendar
from training.simulate.parameters import PARAMETERS, Parameters, Scale, scale_of
from training.simulate.programme import Programme, read_programme
from training.simulate.randomness import Streams


@dataclass(frozen=True)
class Setting:
    """A world before anything stands in it."""

    size: str
    anchor: date
    scale: Scale
    parameters: Parameters
    programme: Programme
    calendar: Calendar
    streams: Streams


def setting_of(size: str, seed: int, anchor: date, parameters: Parameters = PARAMETERS) -> Setting:
    """Return the setting of a world; an unknown size raises `InvalidInput`."""
    return Setting(
        size,
        anchor,
        scale_of(size),
        parameters,
        read_programme(),
        Calendar.of(anchor, parameters),
        Streams(seed),
    )
