"""Every method by the name that reports use, and the settings of each that are tried."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from reco.feed.dials import SERVED
from reco.feed.slate import Quota
from reco.feed.widening import Aim, Pool, widen
from training.diversify.candidates import Candidates, Method
from training.diversify.categories import calibrated, round_robin, xquad
from training.diversify.likeness import dpp_attributes, dpp_latent, mmr

FLOORS = (0.995, 0.99, 0.985, 0.98, 0.975, 0.97, 0.96, 0.95, 0.93, 0.9, 0.8)
PRICES = (
    6400.0, 1600.0, 800.0, 560.0, 400.0, 320.0, 280.0, 250.0, 225.0, 200.0, 180.0, 160.0, 145.0,
    130.0, 115.0, 100.0, 90.0, 80.0, 70.0, 60.0, 50.0, 40.0,
)  # fmt: skip
"""Points that a booking counts beside those that it earns, the gentlest slate first.

A slate at a price is one that is seen once (m = 1): one knob leaves validation less to chance.
"""
PRICED_FLOOR = 0.95
"""Kept whatever the price."""
INTENSITIES = (1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True)
class Setting:
    """A method at one value of its parameter."""

    method: str
    parameter: str
    floor: float = 1.0
    intensity: float = 1.0
    """Of the horizon slate alone, as is the price."""
    points_a_booking: float = 0.0
    large_share: float = 1.0
    """Of it alone: the most of a slate that the largest venues have while others can take it."""
    value: float = 0.0
    """Of the others."""

    @property
    def widens(self) -> bool:
        """Whether it is a horizon slate, by price or by floor, fair or not."""
        return self.method.startswith("horizon")

    def choose(self, candidates: Candidates, k: int) -> NDArray[np.int64]:
        """Return up to k rows of the candidates, shown by descending probability."""
        if self.widens:
            pool = Pool(candidates.probability, candidates.values, self._quotas(candidates, k))
            aim = Aim(k, self.floor, self.intensity, points_a_booking=self.points_a_booking)
            return widen(pool, aim).chosen
        return np.sort(OTHERS[self.method](candidates, self.value, k))

    def _quotas(self, candidates: Candidates, k: int) -> tuple[Quota, ...]:
        if self.large_share >= 1.0:
            return ()
        most = int(self.large_share * k)
        group = candidates.is_large.astype(np.int64)
        return (Quota(group, np.where(candidates.is_large, most, k)),)


def relevance(candidates: Candidates, parameter: float, k: int) -> NDArray[np.int64]:
    """Take the likeliest."""
    del parameter
    return np.arange(min(k, len(candidates.probability)))


def at_random(candidates: Candidates, most: float, k: int) -> NDArray[np.int64]:
    """Draw from the `most` likeliest."""
    size = min(max(int(most), k), len(candidates.probability))
    return np.random.default_rng(candidates.seed).permutation(size)[:k]


OTHERS: Mapping[str, Method] = MappingProxyType(
    {
        "relevance": relevance,
        "mmr": mmr,
        "dpp_latent": dpp_latent,
        "dpp_attributes": dpp_attributes,
        "calibrated": calibrated,
        "round_robin": round_robin,
        "xquad": xquad,
        "random": at_random,
    }
)

_VALUES: Mapping[str, tuple[float, ...]] = {
    "mmr": (0.99, 0.97, 0.95, 0.9, 0.8, 0.7),
    "dpp_latent": (16.0, 8.0, 4.0, 2.0, 1.0, 0.5),
    "dpp_attributes": (16.0, 8.0, 4.0, 2.0, 1.5, 1.0, 0.7, 0.5),
    "calibrated": (0.03, 0.1, 0.2, 0.3),
    "xquad": (0.1, 0.3, 0.6, 0.9),
    "random": (21.0, 22.0, 25.0, 100.0),
}


def priced(points_a_booking: float) -> Setting:
    """Return the slate that widens the horizon at one price of relevance for everybody."""
    parameter = f"price={points_a_booking:g}"
    return Setting("horizon", parameter, PRICED_FLOOR, points_a_booking=points_a_booking)


def floored(floor: float, intensity: float) -> Setting:
    """Return the slate that widens the horizon by all that a floor allows."""
    return Setting("horizon_floor", f"floor={floor:g},m={intensity:g}", floor, intensity)


def served() -> Setting:
    """Return the slate that feeds serve where nobody has set other dials."""
    return floored(SERVED.floor, SERVED.intensity)


def fair(setting: Setting, large_share: float) -> Setting:
    """Return a horizon slate that leaves the largest venues but a share of its places."""
    parameter = f"{setting.parameter},large={large_share:g}"
    return replace(setting, method="horizon_fair", parameter=parameter, large_share=large_share)


def dial() -> list[Setting]:
    """Return every horizon slate that is tried, of each intensity the gentlest first."""
    return [
        *(priced(price) for price in PRICES),
        floored(1.0, 1.0),
        *(floored(floor, intensity) for intensity in INTENSITIES for floor in FLOORS),
    ]


def settings() -> list[Setting]:
    """Return every setting that is tried, the order by relevance first."""
    return [
        Setting("relevance", ""),
        *dial(),
        *(
            Setting(method, f"{value:g}", value=value)
            for method, values in _VALUES.items()
            for value in values
        ),
        Setting("round_robin", ""),
    ]
