"""Which events are one series."""

import pandas as pd
import pytest

from training.datasets.series import series_key, without_edition


def keys(*names):
    return set(series_key(pd.Series(names)))


@pytest.mark.parametrize(
    "names",
    [
        ("Tango  Practica ", "tango practica"),
        ("BarCamp 2010", "5th Annual Barcamp", "BarCamp!", "Barcamp (2013)", "BarCamp #4"),
        ("Club meeting-January 13th, 2011", "Club meeting - Feb. 10", "Club Meeting"),
        ("Show on 8/3/12", "Show on 10/11/2013"),
        ("February Tango Night", "Tango Night"),
    ],
)
def test_one_series(names):
    assert len(keys(*names)) == 1


@pytest.mark.parametrize(
    "names",
    [
        ("Drupal part 1", "Drupal part 2"),
        ("C evening", "C++ evening", "C# evening"),
        ("50/50 Milonga", "Milonga"),
        ("Hike (5+ miles)", "Hike (8 miles)"),
        ("Ruby (Bozeman)", "Ruby (Missoula)"),
        ("May", "June"),
        ("???", "!!!"),
    ],
)
def test_different_series(names):
    assert len(keys(*names)) == len(names)


def test_a_name_that_is_all_edition_stays():
    names = pd.Series([" May  2015 ", "Show - April 2015"])
    assert without_edition(names).to_list() == ["May 2015", "Show"]
