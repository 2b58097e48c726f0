from dataclasses import replace

import numpy as np
import pytest

from training.cohort.seasons import past_setting, supply_setting
from training.simulate.calendar import DAY_S
from training.simulate.places import load_towns
from training.simulate.supply import make_supply

from .conftest import TINY


@pytest.fixture(scope="module")
def supplies():
    """The supply of a usual world and of one of two years more, with the former's midnight."""
    scale = replace(TINY.scale, items=3_000, offers=12_000, venues=300)
    past = past_setting(replace(TINY, scale=scale), 1)
    towns = load_towns(past.scale.extent, past.parameters)
    return past, make_supply(towns, past), make_supply(towns, supply_setting(past, 104))


def open_at(supply, past, at_s):
    """Return how many dated and undated offers can be booked at a moment."""
    subcategories = past.programme.subcategories
    is_event = np.array([s.is_event for s in subcategories])[
        supply.items.subcategory[supply.offers.item]
    ]
    closes_s = np.minimum(supply.stocks.open_until_s(), supply.offers.withdrawn_s)
    is_open = (supply.offers.published_s <= at_s) & (closes_s > at_s)
    return int((is_open & is_event).sum()), int((is_open & ~is_event).sum())


def test_the_supply_of_years_begins_as_the_usual_world_ends(supplies):
    past, usual, years = supplies
    now_s = past.calendar.now_s
    dated, undated = open_at(usual, past, now_s)
    dated_then, undated_then = open_at(years, past, now_s)
    assert dated_then == pytest.approx(dated, rel=0.25)
    assert undated_then == pytest.approx(undated, rel=0.05)


def test_as_much_takes_place_in_every_season(supplies):
    past, _, years = supplies
    dated = [
        open_at(years, past, past.calendar.now_s + days * DAY_S)[0] for days in range(-90, 730, 91)
    ]
    assert min(dated) > 0.8 * max(dated)


def test_works_grow_with_their_offers(supplies):
    past, usual, years = supplies

    def works_an_offer(supply):
        is_event = np.array([s.is_event for s in past.programme.subcategories])
        of_event = is_event[supply.items.subcategory]
        return of_event.sum() / of_event[supply.offers.item].sum()

    assert works_an_offer(years) == pytest.approx(works_an_offer(usual), rel=0.1)
