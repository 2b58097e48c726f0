"""Dials: what is told is turned, what is not stays, and a price alone has no floor."""

import math

import pytest
from pydantic import ValidationError

from reco.errors import InvalidInput
from reco.feed.dials import SERVED, Dials, check_dials
from reco.settings import Settings

PRICED = Dials(0.95, 1.0, 180.0)


@pytest.mark.parametrize(
    ("told", "turned"),
    [
        ({}, PRICED),
        ({"intensity": 10.0}, Dials(0.95, 10.0, 180.0)),
        ({"floor": 0.9}, Dials(0.9, 1.0, 0.0)),
        ({"points_a_booking": 50.0}, Dials(0.0, 1.0, 50.0)),
        ({"floor": 0.0, "points_a_booking": 50.0}, Dials(0.0, 1.0, 50.0)),
        ({"floor": 0.9, "intensity": 2.0, "points_a_booking": 50.0}, Dials(0.9, 2.0, 50.0)),
    ],
)
def test_what_is_told_is_turned_and_a_price_alone_has_no_floor(told, turned):
    assert PRICED.turned(**told) == turned


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("floor", -0.1),
        ("floor", math.nan),
        ("intensity", 0.9),
        ("intensity", math.inf),
        ("points_a_booking", 0.0),
        ("points_a_booking", -1.0),
        ("points_a_booking", 1_000_001.0),
        ("points_a_booking", math.nan),
    ],
)
def test_what_is_out_of_range_is_named(name, value):
    told = {"floor": None, "intensity": None, "points_a_booking": None} | {name: value}
    with pytest.raises(InvalidInput) as caught:
        check_dials(**told)
    assert caught.value.field == name
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: value})


def test_an_operator_sets_what_is_served(monkeypatch):
    assert Settings().dials == SERVED == Dials()
    for name, value in (("FLOOR", "0.95"), ("INTENSITY", "1"), ("POINTS_A_BOOKING", "180")):
        monkeypatch.setenv(f"RECO_{name}", value)
    assert Settings().dials == PRICED
    monkeypatch.delenv("RECO_FLOOR")
    assert Settings().dials == Dials(0.0, 1.0, 180.0)
