"""Which venues are shown, beside what they offer and what had been booked there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from training.beyond import largest_half
from training.paired import Compared
from training.replay.exposure import venue_exposure, with_unshown
from training.report.people import SystemRows
from training.report.shares import online_shares, shares_of

LARGE, SMALL, UNBOOKED = "large", "small", "never booked"
MOST_NAMED = 10
"""Venues of which shares of exposure have intervals."""
_UNKNOWN = "unknown"
_POINTS = 100
_METRES_EDGES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)


@dataclass(frozen=True)
class Shares:
    """What one venue has of everything that is at venues."""

    offers: float | None
    """None: there are none at all."""
    bookings: float | None
    exposure: tuple[float | None, ...]
    """Discounted by position, in the order of the systems."""


@dataclass(frozen=True)
class KindShares:
    """What the venues of one kind have of everything that is at venues."""

    venues: int
    offers: float | None
    """None: there are none at all."""
    bookings: float | None
    exposure: tuple[Compared, ...]
    """Discounted by position, in the order of the systems."""


@dataclass(frozen=True)
class Venue:
    """One venue on the map."""

    name: str
    venue_type: str
    lon: float
    lat: float
    shares: Shares


@dataclass(frozen=True)
class Exposure:
    """How the places on slates are shared among venues."""

    venue_share: tuple[float, ...]
    """Of the Lorenz curves, from the least shown."""
    lorenz: tuple[tuple[float, ...], ...]
    """Share of the exposure of each system, over `venue_share`; the mean of the weeks."""
    by_type: Mapping[str, KindShares]
    by_size: Mapping[str, KindShares]
    venues: tuple[Venue, ...]
    """Those most exposed by the last of the systems."""
    most_shown: tuple[tuple[Compared, ...], ...]
    """Shares of exposure of the first of them, in the order of the systems."""
    within_m: Mapping[int, tuple[float | None, ...]]
    """Share of what is shown at a venue that is so near, in the order of the systems. Whose they
    are is not told, so that there are no intervals."""
    online: tuple[Compared, ...]
    """Share of what is shown that is at no venue."""


def exposure_of(
    systems: Sequence[SystemRows], venues: pa.Table, most: int = 300, seed: int = 0
) -> Exposure:
    """Return how systems expose venues.

    Parameters
    ----------
    venues
        The table of the run.
    most
        Venues that are told one by one.
    """
    exposed = [venue_exposure(system.rows, len(venues)) for system in systems]
    kinds = venues["venue_type"].to_pylist()
    kind = np.array([name or _UNKNOWN for name in kinds])
    bookings = venues["bookings"].to_numpy().astype(np.float64)
    size = np.where(largest_half(bookings), LARGE, np.where(bookings > 0, SMALL, UNBOOKED))
    share_of = _Whole(venues["offers"].to_numpy().astype(np.float64), bookings, exposed)
    order = np.argsort(-exposed[-1], kind="stable")[:most]
    by_type = {name: kind == name for name in sorted(set(kind.tolist()))}
    by_size = {name: size == name for name in (LARGE, SMALL, UNBOOKED)}
    told = [at for at in order.tolist() if exposed[-1][at] > 0]
    one_by_one = {str(at): np.arange(len(kind)) == at for at in told[:MOST_NAMED]}
    exposure = _shares_of_groups(systems, (by_type, by_size, one_by_one), seed)
    return Exposure(
        venue_share=tuple(np.linspace(0.0, 1.0, _POINTS + 1).tolist()),
        lorenz=tuple(tuple(_lorenz_of_weeks(system).tolist()) for system in systems),
        by_type=share_of.kinds(by_type, exposure[0]),
        by_size=share_of.kinds(by_size, exposure[1]),
        venues=tuple(
            Venue(
                name=venues["name"][at].as_py() or venues["venue_id"][at].as_py(),
                venue_type=str(kind[at]),
                lon=venues["lon"][at].as_py(),
                lat=venues["lat"][at].as_py(),
                shares=share_of.one(np.arange(len(kind)) == at),
            )
            for at in told
        ),
        most_shown=tuple(exposure[2].values()),
        within_m=_within(systems),
        online=online_shares(systems, seed),
    )


def _shares_of_groups(
    systems: Sequence[SystemRows], groups: Sequence[Mapping[str, NDArray[np.bool_]]], seed: int
) -> list[dict[str, tuple[Compared, ...]]]:
    """Return the shares of the venues (V,) of every group, all by the same resamples."""
    marks = {
        f"{place} {name}": marks
        for place, group in enumerate(groups)
        for name, marks in group.items()
    }
    found = shares_of(systems, marks, seed)
    return [
        {name: found[f"{place} {name}"] for name in group} for place, group in enumerate(groups)
    ]


@dataclass(frozen=True)
class _Whole:
    """What all venues have; (V,) each."""

    offers: NDArray[np.float64]
    bookings: NDArray[np.float64]
    exposed: Sequence[NDArray[np.float64]]

    def one(self, chosen: NDArray[np.bool_]) -> Shares:
        """Return the shares of the one that is marked."""
        return Shares(
            offers=_part(self.offers, chosen),
            bookings=_part(self.bookings, chosen),
            exposure=tuple(_part(exposed, chosen) for exposed in self.exposed),
        )

    def kinds(
        self,
        chosen: Mapping[str, NDArray[np.bool_]],
        exposure: Mapping[str, tuple[Compared, ...]],
    ) -> dict[str, KindShares]:
        """Return the shares of venues of kinds."""
        return {
            name: KindShares(
                venues=int(np.count_nonzero(marks)),
                offers=_part(self.offers, marks),
                bookings=_part(self.bookings, marks),
                exposure=exposure[name],
            )
            for name, marks in chosen.items()
        }


def _part(column: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float | None:
    total = float(column.sum())
    return float(column[chosen].sum()) / total if total else None


def _lorenz_of_weeks(system: SystemRows) -> NDArray[np.float64]:
    """Return the mean of the Lorenz curves of the weeks, as the Gini coefficient is theirs."""
    rows = system.rows
    weeks = [rows.filter(pc.equal(rows["at"], at)) for at in pc.unique(rows["at"])]
    curves = [
        lorenz(with_unshown(venue_exposure(week), week["bookable_venues"][0].as_py()))
        for week in weeks
    ]
    return np.asarray(np.mean(curves, axis=0))


def lorenz(exposure: NDArray[np.float64], points: int = _POINTS) -> NDArray[np.float64]:
    """Return the share of the exposure of the least exposed, at shares of the venues from 0 to 1.

    >>> lorenz(np.array([1.0, 3.0]), 2).tolist()
    [0.0, 0.25, 1.0]
    """
    total = float(exposure.sum())
    at = np.linspace(0.0, 1.0, points + 1)
    if not total:
        return at
    cumulated = np.append(0.0, np.cumsum(np.sort(exposure))) / total
    return np.interp(at, np.linspace(0.0, 1.0, len(cumulated)), cumulated)


def _within(systems: Sequence[SystemRows]) -> dict[int, tuple[float | None, ...]]:
    distances = [system.shown("pooled_distances_m").astype(np.float64) for system in systems]
    known = [column[~np.isnan(column)] for column in distances]
    farthest = max((float(column.max(initial=0.0)) for column in known), default=0.0)
    edges = [edge for edge in _METRES_EDGES if edge / 2 < farthest]
    return {edge: tuple(_share(column <= edge) for column in known) for edge in edges}


def _share(marks: NDArray[np.bool_]) -> float | None:
    return float(marks.mean()) if len(marks) else None
