"""The world that a cohort lives in: years of supply, a year's ordinary people, and the cohort."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from features.interactions import Events
from reco.frames.sources import MemorySource
from training.cohort.assumptions import Assumptions
from training.cohort.seasons import past_setting, supply_setting
from training.extract import events_from_source
from training.market import Market, market_of
from training.replay.past import Past
from training.replay.reading import past_from_source
from training.simulate.bookings import bookings_frame, settle_bookings
from training.simulate.intentions import draw_intentions
from training.simulate.interactions import interaction_frames
from training.simulate.items import Items, items_frame
from training.simulate.market import find_offers, open_market, reach_of
from training.simulate.offers import offers_frame
from training.simulate.outcomes import draw_outcomes
from training.simulate.places import DENSITIES, Towns, load_towns
from training.simulate.setting import Setting
from training.simulate.stocks import stocks_frame
from training.simulate.supply import Supply, make_supply
from training.simulate.truth import Truth
from training.simulate.users import Users, make_users, users_frame
from training.simulate.venues import venues_frame


@dataclass(frozen=True)
class CohortWorld:
    """A world at the moment when the cohort's credit begins; rows as in the simulated frames."""

    seed: int
    past: Past
    """All of the supply, and the ordinary people with what they did; the cohort comes last."""
    events: Events
    market: Market
    """Both without the cohort's own, which is still to come."""
    truth: Truth
    """Of the cohort alone, its first person in row 0; no policy may read it."""
    ordinary: int
    """People before the first of the cohort."""
    start_s: int
    """The midnight at which everybody's credit begins, seconds since 1970."""

    @property
    def people(self) -> int:
        """How many the cohort has."""
        return len(self.past.people) - self.ordinary


def make_world(assumptions: Assumptions, seed: int) -> CohortWorld:
    """Draw the world of a seed, up to the moment when the cohort starts."""
    setting = past_setting(assumptions, seed)
    frames, truth, ordinary = _drawn(setting, assumptions)
    _give_back()
    source = MemorySource(frames)
    past = past_from_source(source)
    _give_back()
    events = events_from_source(source).standing()
    market = market_of(frames, events)
    del source, frames
    _give_back()
    return CohortWorld(
        seed=seed,
        past=past,
        events=events,
        market=market,
        truth=truth,
        ordinary=ordinary,
        start_s=setting.calendar.now_s,
    )


def _drawn(setting: Setting, assumptions: Assumptions) -> tuple[Mapping[str, pa.Table], Truth, int]:
    """Return the frames, the truth of the cohort, and how many ordinary people there are."""
    towns = load_towns(setting.scale.extent, setting.parameters)
    supply = make_supply(towns, supply_setting(setting, assumptions.weeks))
    ordinary = make_users(towns, setting)
    cohort = _cohort(towns, setting, assumptions.people)
    frames = _frames(setting, towns, supply, ordinary, cohort)
    return frames, _truth(cohort, supply.items, setting), len(ordinary)


def _give_back() -> None:
    """Give the system what Arrow keeps of what is gone: in the end as much as the world takes."""
    pa.default_memory_pool().release_unused()


def _cohort(towns: Towns, setting: Setting, people: int) -> Users:
    """Draw people whose credit begins together, now."""
    streams = replace(setting.streams, seed=setting.streams.seed + _OWN_SEED)
    drawn = make_users(
        towns, replace(setting, scale=replace(setting.scale, users=people), streams=streams)
    )
    return replace(drawn, granted_s=np.full(people, setting.calendar.now_s))


_OWN_SEED = 1_000_003
"""Apart from the seeds of worlds, so that the cohort is not drawn like the ordinary people."""


def _frames(
    setting: Setting, towns: Towns, supply: Supply, ordinary: Users, cohort: Users
) -> Mapping[str, pa.Table]:
    everybody = _joined(ordinary, cohort)
    found = find_offers(
        intentions := draw_intentions(ordinary, setting),
        ordinary,
        open_market(supply, setting),
        reach_of(towns, supply.venues, setting.parameters),
        setting,
        progress=_unseen,
    )
    outcomes = draw_outcomes(intentions, found, ordinary, supply, setting)
    bookings = settle_bookings(outcomes, supply, setting)
    return {
        "taxonomy": setting.programme.taxonomy(),
        "items": items_frame(supply.items, setting),
        "venues": venues_frame(supply.venues, towns, setting),
        "offers": offers_frame(supply.offers),
        "stocks": stocks_frame(supply.stocks, supply.offers),
        "users": users_frame(everybody, setting.parameters),
        "bookings": bookings_frame(bookings, len(everybody), len(supply.stocks)),
        "interactions": pa.concat_tables(
            interaction_frames(outcomes, bookings, len(everybody), len(supply.offers))
        ),
    }


def _unseen(share: float) -> None:
    """Nobody waits for a part of a world alone."""
    del share


def _joined(some: Users, others: Users) -> Users:
    columns = {
        name: np.concatenate([column, getattr(others, name)]) for name, column in vars(some).items()
    }
    return Users(**columns)


def _truth(cohort: Users, items: Items, setting: Setting) -> Truth:
    return Truth(
        tastes=cohort.tastes,
        openness=cohort.openness,
        price_sensitivity=cohort.price_sensitivity,
        reach_m=cohort.reach_m,
        density=np.array(DENSITIES)[cohort.density],
        style=items.style,
        scene=items.scene,
        quality=items.quality,
        styles=tuple(style.name for style in setting.programme.styles),
        parameters=setting.parameters,
    )
