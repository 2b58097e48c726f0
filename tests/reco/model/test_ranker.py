"""A ranker from its facts and tables: nothing is served on which exactness could not rest."""

import numpy as np
import pytest

from features.clock import UNDATED
from reco.model.link import LinkFacts
from reco.model.ranker import RANKER_LAYOUT, AffinityFacts, Ranker, RankerFacts, WeekFacts

AFFINITY = AffinityFacts(prior_bookings=20.0, lift=0.5, met=-0.2)
WEEK = WeekFacts(hours=tuple(np.arange(24.0)), weekdays=tuple(100.0 * np.arange(7.0)))
FACTS = RankerFacts(
    distance_knots_per_m=1.0,
    price_knots_per_cent=1.0,
    wait_knots_per_day=1.0,
    rarity_knots_per_log=1.0,
    online=0.0,
    crowding=-0.3,
    popular_intercept=-2.0,
    popular_slope=0.5,
    credit=0.2,
    affinity=AFFINITY,
    week=WEEK,
    link=LinkFacts(told=(-100.0, 100.0), meant=(-90.0, 80.0)),
)
TABLES = dict.fromkeys(RANKER_LAYOUT, np.array([0.0, 0.5, 2.0]))


def test_what_is_right_is_served_as_it_is():
    ranker = Ranker.of(FACTS, TABLES)
    assert ranker.arrays().keys() == TABLES.keys()
    assert ranker.costs.of_distance(np.array([4.0])).tolist() == [2.0]
    assert (ranker.costs.online, ranker.costs.credit) == (0.0, 0.2)


def test_an_hour_of_the_week_costs_what_its_hour_and_its_day_do():
    week = Ranker.of(FACTS, TABLES).costs.week
    assert week[24 * 2 + 5] == 205.0
    assert week[24 * 6 + 23] == 623.0
    assert week[UNDATED] == 0.0


@pytest.mark.parametrize("name", RANKER_LAYOUT)
@pytest.mark.parametrize(
    "table", [[0.1, 1.0], [0.0, 1.0, 1.0], [0.0, 2.0, 1.0], [0.0, np.nan], [0.0, np.inf], [0.0]]
)
def test_a_table_that_does_not_rise_from_0_is_refused(name, table):
    with pytest.raises(ValueError, match=name):
        Ranker.of(FACTS, TABLES | {name: np.array(table)})


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"distance_knots_per_m": 0.0}, "cost_distance"),
        ({"price_knots_per_cent": -1.0}, "cost_price"),
        ({"wait_knots_per_day": np.nan}, "cost_wait"),
        ({"rarity_knots_per_log": np.inf}, "cost_rarity"),
        ({"online": -0.1}, "online"),
        ({"online": np.inf}, "online"),
        ({"credit": -0.1}, "credit"),
        ({"credit": np.nan}, "credit"),
        ({"popular_slope": 0.0}, "popular_slope"),
        ({"popular_slope": np.nan}, "popular_slope"),
        ({"crowding": np.nan}, "crowding"),
        ({"popular_intercept": np.inf}, "popular_intercept"),
        ({"link": LinkFacts(told=(0.0, 1.0), meant=(1.0, 1.0))}, "link"),
        ({"affinity": AFFINITY.model_copy(update={"prior_bookings": 0.0})}, "prior_bookings"),
        ({"affinity": AFFINITY.model_copy(update={"lift": -0.1})}, "affinity.lift"),
        ({"affinity": AFFINITY.model_copy(update={"lift": np.inf})}, "affinity.lift"),
        ({"affinity": AFFINITY.model_copy(update={"met": np.nan})}, "affinity.met"),
        ({"week": WEEK.model_copy(update={"hours": (0.0,) * 23})}, "week.hours"),
        ({"week": WEEK.model_copy(update={"hours": (-0.1,) * 24})}, "week.hours"),
        ({"week": WEEK.model_copy(update={"weekdays": (np.nan,) * 7})}, "week.weekdays"),
    ],
)
def test_a_number_by_which_an_offer_could_add_to_its_item_is_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        Ranker.of(FACTS.model_copy(update=wrong), TABLES)
