"""What people come across: offers in reach and open at that time, likelier if near and popular.

An offer belongs to one group (segment of demand and hidden taste). Its chance to be met from an
area is `decay(area, venue) x attraction(offer)`, a product, so that a draw has two steps: a venue
by area, an offer by venue. Running sums make each step a binary search for all intentions of a
group and period at once; memory is one list of (area, venue) pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.simulate.calendar import Calendar
from training.simulate.intentions import Intentions
from training.simulate.items import SCENED_CATEGORY
from training.simulate.offers import NOWHERE
from training.simulate.parameters import Parameters
from training.simulate.places import DENSITIES, Towns, pairs_within
from training.simulate.randomness import draw_in_segments, running_sum
from training.simulate.setting import Setting
from training.simulate.supply import Supply
from training.simulate.users import Users
from training.simulate.venues import Venues

NOTHING = -1


@dataclass(frozen=True)
class Reach:
    """Pairs (area, venue) within reach, ordered by area; the last venue is "on line"."""

    area: NDArray[np.int32]
    venue: NDArray[np.int32]
    decay: NDArray[np.float32]
    areas: int


@dataclass(frozen=True)
class Market:
    """Each offer's group and attraction in each period."""

    group: NDArray[np.int64]
    """(offers,)"""
    venue: NDArray[np.int64]
    """(offers,) row in the venues, their number where digital."""
    attraction: NDArray[np.float64]
    """(offers,) quality times the subcategory's pull."""
    opens_s: NDArray[np.int64]
    closes_s: NDArray[np.int64]


def reach_of(towns: Towns, venues: Venues, parameters: Parameters) -> Reach:
    """Return which venues people of each area come across, and how readily."""
    area, venue, distance_m = pairs_within(
        towns.area_lon, towns.area_lat, venues.lon, venues.lat, parameters.max_reach_m
    )
    reach_m = np.array([parameters.reach_m[name] for name in DENSITIES])[towns.area_density]
    everywhere = np.arange(towns.areas)
    areas = np.concatenate([area, everywhere]).astype(np.int32)
    rows = np.concatenate([venue, np.full(towns.areas, len(venues))]).astype(np.int32)
    decay = np.concatenate([np.exp(-distance_m / reach_m[area]), np.ones(towns.areas)])
    order = np.lexsort((rows, areas))
    return Reach(areas[order], rows[order], decay[order].astype(np.float32), towns.areas)


def open_market(supply: Supply, setting: Setting) -> Market:
    """Return the market of all offers."""
    items, offers, programme = supply.items, supply.offers, setting.programme
    subcategory = items.subcategory[offers.item]
    scene = np.maximum(items.scene[offers.item], 0)
    taste = items.style[offers.item] * setting.parameters.scenes + scene
    return Market(
        _groups(programme.segment_of[subcategory], taste, setting),
        np.where(offers.venue == NOWHERE, len(supply.venues), offers.venue),
        items.quality[offers.item] * programme.pull[subcategory],
        offers.published_s,
        np.minimum(offers.withdrawn_s, supply.stocks.open_until_s()),
    )


def find_offers(
    intentions: Intentions,
    users: Users,
    market: Market,
    reach: Reach,
    setting: Setting,
    *,
    progress: Callable[[float], None],
) -> NDArray[np.int32]:
    """Return the offer that each intention meets, `NOTHING` where little or nothing is in reach."""
    generator, periods = setting.streams.of("market"), setting.calendar.periods
    group = _groups(intentions.segment, intentions.taste, setting)
    period = setting.calendar.period_of(intentions.at_s)
    slot = (group * periods + period).astype(np.int16)
    order = np.argsort(slot, kind="stable")
    groups = np.unique(market.group)
    bounds = np.searchsorted(slot[order], np.arange((int(groups[-1]) + 1) * periods + 1))
    found = np.full(len(intentions), NOTHING, dtype=np.int32)
    for done, number in enumerate(groups.tolist()):
        shelf = _Shelf.of(number, market, reach)
        for first in range(number * periods, (number + 1) * periods):
            rows = order[bounds[first] : bounds[first + 1]]
            if len(rows):
                weight = shelf.weights(market, setting.calendar, first - number * periods)
                area = users.area[intentions.user[rows]]
                found[rows] = shelf.draw(generator, weight, area, setting.parameters.scarcity)
        progress((done + 1) / len(groups))
    return _only_open(found, intentions, market)


def _groups(
    segment: NDArray[np.integer], taste: NDArray[np.int16], setting: Setting
) -> NDArray[np.int64]:
    """Return one number for a segment of demand and a style, and for books a scene."""
    scenes, programme = setting.parameters.scenes, setting.programme
    scened = np.array([category == SCENED_CATEGORY for category, _ in programme.segments])[segment]
    kept = np.where(scened, taste, taste // scenes * scenes)
    return segment.astype(np.int64) * len(programme.styles) * scenes + kept


def _only_open(
    found: NDArray[np.int32], intentions: Intentions, market: Market
) -> NDArray[np.int32]:
    """Drop what was not yet, or no longer, to be had at the very moment."""
    is_open = (market.opens_s[found] <= intentions.at_s) & (
        intentions.at_s < market.closes_s[found]
    )
    return np.where((found != NOTHING) & is_open, found, NOTHING).astype(np.int32)


@dataclass(frozen=True)
class _Shelf:
    """One group's offers ordered by venue, and the pairs (area, venue) that lead to them."""

    offer: NDArray[np.int64]
    venue_start: NDArray[np.int64]
    """(venues of the group + 1,)"""
    pair_venue: NDArray[np.int32]
    pair_decay: NDArray[np.float32]
    area_start: NDArray[np.int64]
    """(areas + 1,)"""

    @classmethod
    def of(cls, group: int, market: Market, reach: Reach) -> "_Shelf":
        offer = np.flatnonzero(market.group == group)
        offer = offer[np.argsort(market.venue[offer], kind="stable")]
        venues, counts = np.unique(market.venue[offer], return_counts=True)
        local = np.full(int(max(reach.venue.max(), venues.max())) + 1, NOTHING, dtype=np.int32)
        local[venues] = np.arange(len(venues))
        pair_venue = local[reach.venue]
        pairs = np.flatnonzero(pair_venue != NOTHING)
        per_area = np.bincount(reach.area[pairs], minlength=reach.areas)
        return cls(
            offer,
            np.concatenate([[0], np.cumsum(counts)]),
            pair_venue[pairs],
            reach.decay[pairs],
            np.concatenate([[0], np.cumsum(per_area)]),
        )

    def weights(self, market: Market, calendar: Calendar, period: int) -> NDArray[np.float64]:
        """Return each offer's attraction times the share of the period in which it is open."""
        start_s = calendar.start_s + period * calendar.period_s
        end_s = start_s + calendar.period_s
        opens_s = np.maximum(market.opens_s[self.offer], start_s)
        closes_s = np.minimum(market.closes_s[self.offer], end_s)
        overlap = np.maximum(closes_s - opens_s, 0) / calendar.period_s
        return np.asarray(market.attraction[self.offer] * overlap)

    def draw(
        self,
        generator: np.random.Generator,
        weight: NDArray[np.float64],
        area: NDArray[np.int32],
        scarcity: float,
    ) -> NDArray[np.int64]:
        """Return an offer for each of (N,) areas, `NOTHING` where supply is too scarce."""
        uniform = generator.random((3, len(area)))
        by_offer = running_sum(weight)
        by_venue = np.diff(by_offer[self.venue_start])
        by_pair = running_sum(self.pair_decay * by_venue[self.pair_venue])
        start, end = self.area_start[area], self.area_start[area + 1]
        supply = by_pair[end] - by_pair[start]
        met = np.flatnonzero(uniform[0] * (supply + scarcity) < supply)
        found = np.full(len(area), NOTHING, dtype=np.int64)
        pair = draw_in_segments(uniform[1, met], by_pair, start[met], end[met])
        venue = self.pair_venue[pair]
        found[met] = self.offer[
            draw_in_segments(
                uniform[2, met], by_offer, self.venue_start[venue], self.venue_start[venue + 1]
            )
        ]
        return found
