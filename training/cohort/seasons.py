"""The supply of years: the simulator's world over more periods, as dense as its last weeks."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from training.cohort.assumptions import Assumptions
from training.simulate.calendar import Calendar
from training.simulate.items import items_per_subcategory, offers_per_subcategory
from training.simulate.programme import Programme, Subcategory, read_programme
from training.simulate.randomness import Streams
from training.simulate.setting import Setting


def past_setting(assumptions: Assumptions, seed: int) -> Setting:
    """Return the setting of the year before the cohort starts."""
    parameters = assumptions.parameters
    return Setting(
        size="cohort",
        anchor=assumptions.start,
        scale=assumptions.scale,
        parameters=parameters,
        programme=read_programme(),
        calendar=Calendar.of(assumptions.start, parameters),
        streams=Streams(seed),
    )


def supply_setting(past: Setting, weeks: int) -> Setting:
    """Return the setting of the supply of that year and of `weeks` more.

    Dated works come at the rate of the world's last weeks, evenly over the whole time: venues take
    down what is over, so that the weeks before are thinner in a world that is looked at once.
    Undated ones go on coming out at their rate of the past year, and stay.
    """
    usual = past.parameters
    anchor = past.anchor + timedelta(weeks=weeks)
    days = usual.history_days + 7 * weeks
    growth = _growth(past, days)
    stay = usual.backlist_share / float(growth[~_is_event(past.programme)][0])
    parameters = replace(
        usual,
        history_days=days,
        recent_share=0.0,
        recent_days=7 - usual.agenda_days,
        backlist_share=stay,
    )
    programme, offers, items = _grown(past, growth)
    return replace(
        past,
        anchor=anchor,
        scale=replace(past.scale, offers=offers, items=items),
        parameters=parameters,
        programme=programme,
        calendar=Calendar.of(anchor, parameters),
    )


def _is_event(programme: Programme) -> NDArray[np.bool_]:
    return np.array([s.is_event for s in programme.subcategories])


def _growth(past: Setting, days: int) -> NDArray[np.float64]:
    """Return how many times the usual offers there are of each subcategory in so many days."""
    usual = past.parameters
    ahead_days = usual.agenda_days - 7
    dated = usual.recent_share / (usual.recent_days + ahead_days) * (days + ahead_days)
    undated = usual.backlist_share + (1 - usual.backlist_share) * days / usual.history_days
    return np.where(_is_event(past.programme), dated, undated)


def _grown(past: Setting, growth: NDArray[np.float64]) -> tuple[Programme, int, int]:
    """Return the programme with so many times the offers and works, and how many that makes."""
    rows = past.programme.subcategories
    usual_offers = offers_per_subcategory(past.programme, past.scale.offers)
    offers = np.round(usual_offers * growth)
    items = items_per_subcategory(past.programme, past.scale.items, usual_offers) * growth
    grown = tuple(
        _with(row, share, float(count), float(works))
        for row, share, count, works in zip(rows, offers / offers.sum(), offers, items, strict=True)
    )
    return replace(past.programme, subcategories=grown), int(offers.sum()), round(items.sum())


def _with(row: Subcategory, share: float, offers: float, works: float) -> Subcategory:
    """Return the row with a share of the offers, and as many works of so many offers."""
    exponent = row.item_exponent
    if exponent is not None and offers > 1:
        exponent = min(1.0, math.log(max(works, 1.0)) / math.log(offers))
    return replace(row, offer_share=share, item_exponent=exponent)
