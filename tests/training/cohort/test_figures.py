from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from features.horizon import POINTS, points, values_of
from training.cohort.figures import Lived
from training.cohort.intervals import over_seeds, share_lost
from training.cohort.report import differences, told
from training.replay.values import Attributes

from .conftest import SEED, TINY


@pytest.fixture(scope="module")
def lived(begun, ours):
    return Lived("ours", SEED, ours.bookings(), ours.worth(), begun.people(), TINY)


@pytest.fixture(scope="module")
def likeliest(begun):
    """The same people under the order by relevance."""
    other = begun.lived("relevance")
    return Lived("theirs", SEED, other.bookings(), other.worth(), begun.people(), TINY)


@pytest.mark.parametrize("week", [0, 3, TINY.weeks])
def test_figures_are_those_of_a_plain_computation(lived, ours, week):
    figures, rows = lived.until(week), lived.bookings.to_pylist()
    for person in range(TINY.people):
        mine = [row for row in rows if row["person"] == person and row["week"] < week]
        values = [
            values_of(
                **{name: row[name] for name in POINTS if name != "genre"},
                genres=(row["genre"] or "").split("|"),
            )
            for row in mine
        ]
        categories = {row["category"] for row in mine}
        plain = {
            "bookings": len(mine),
            "categories": len(categories),
            "three_categories": float(len(categories) >= 3),
            "horizon_points": points(values),
            "credit_used": sum(row["amount_cents"] for row in mine) / 50_000,
        }
        assert {name: column[person] for name, column in figures.items()} == pytest.approx(plain)


def test_values_are_those_of_the_booked_offers(lived, ours):
    attributes = Attributes(ours.world.past)
    for row in lived.bookings.to_pylist():
        table = attributes.table(np.array([row["offer"]]))
        genres = (row["genre"] or "").split("|")
        known = values_of(**{n: row[n] for n in POINTS if n != "genre"}, genres=genres)
        assert {table.names[code] for code in table.value} == known


def test_the_table_holds_means_over_people(lived):
    row, end = told([lived]), lived.at_the_end()
    assert row.figures["bookings"].estimate.value == pytest.approx(lived.bookings.num_rows / 50)
    for name, figure in row.figures.items():
        assert figure.estimate.low <= figure.estimate.value <= figure.estimate.high
        if not name.startswith("regret"):
            assert figure.estimate.value == pytest.approx(np.nanmean(end[name]))
    by_category = [f for name, f in row.figures.items() if name.startswith("bookings ") and
                   name.split()[1].isupper()]  # fmt: skip
    total = sum(figure.estimate.value for figure in by_category)
    assert total == pytest.approx(row.figures["bookings"].estimate.value)
    assert [month.estimate.value for month in row.by_month["bookings"]][-1] == pytest.approx(
        row.figures["bookings"].estimate.value
    )


def test_territories_split_the_people(lived):
    end = lived.at_the_end()
    parts = np.stack([end[f"bookings {kind}"] for kind in ("dense", "town", "rural")])
    assert (np.isfinite(parts).sum(axis=0) == 1).all()
    np.testing.assert_array_equal(np.nansum(parts, axis=0), end["bookings"])


def test_differences_are_paired_by_person_and_seed(lived, likeliest):
    (apart,) = differences({"ours": [lived], "theirs": [likeliest]}, ["ours"], ["theirs"])
    expected = lived.bookings.num_rows - likeliest.bookings.num_rows
    assert apart.figures["bookings"].estimate.value * TINY.people == pytest.approx(expected)


def test_differences_by_month_are_of_what_was_booked_by_then(lived, likeliest):
    """Two months of lives, stretched to twelve."""

    def stretched(one):
        week = pa.array(6 * one.bookings["week"].to_numpy())
        at = one.bookings.column_names.index("week")
        slow = one.bookings.set_column(at, "week", week)
        return replace(one, bookings=slow, assumptions=replace(TINY, months=12))

    slow, beside = stretched(lived), stretched(likeliest)
    (apart,) = differences({"ours": [slow], "theirs": [beside]}, ["ours"], ["theirs"])
    assert list(apart.months) == [6, 12]
    for month, week in ((6, 26), (12, 52)):
        made, theirs = (one.until(week) for one in (slow, beside))
        assert set(apart.months[month]) == {"three_categories", "horizon_points", "bookings"}
        for name, figure in apart.months[month].items():
            assert figure == over_seeds([made[name] - theirs[name]])
    by_then = [
        sum(week < 26 for week in one.bookings["week"].to_pylist()) for one in (slow, beside)
    ]
    bookings = apart.months[6]["bookings"].estimate.value
    assert bookings * TINY.people == pytest.approx(by_then[0] - by_then[1])
    assert {name: apart.figures[name] for name in apart.months[12]} == apart.months[12]


def test_an_interval_holds_the_spread_of_seeds_and_of_people():
    generator = np.random.default_rng(0)
    alike = over_seeds([generator.normal(size=400) for _ in range(3)])
    apart = over_seeds([generator.normal(shift, size=400) for shift in (-3.0, 0.0, 3.0)])

    def width(one):
        return one.estimate.high - one.estimate.low

    assert width(alike) == pytest.approx(2 * 1.96 / np.sqrt(1_200), rel=0.5)
    assert width(apart) > 10 * width(alike)
    assert apart.least < -2.5
    assert apart.most > 2.5


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_people_of_a_seed_that_is_drawn_twice_are_drawn_anew(seeds):
    """Of seeds that are the same world an interval is that of all their people together."""
    world = np.tile([0.0, 1.0], 200)
    told = over_seeds([world] * seeds).estimate
    expected = 2 * 1.96 * 0.5 / np.sqrt(400 * seeds)
    assert told.high - told.low == pytest.approx(expected, rel=0.1)


def test_people_without_a_figure_are_left_out():
    assert over_seeds([np.array([1.0, np.nan, 3.0])]).estimate.value == 2.0


def test_seeds_without_anybody_are_left_out():
    nobody, some = np.full(3, np.nan), np.array([1.0, 3.0, 5.0])
    both = over_seeds([some, nobody])
    assert both.estimate == over_seeds([some]).estimate
    assert (both.least, both.most) == (3.0, 3.0)


def test_a_territory_without_anybody_is_not_told(lived):
    dense = pa.table({"density": ["dense"] * TINY.people})
    figures = told([replace(lived, people=dense)]).figures
    assert "bookings rural" not in figures
    assert figures["bookings dense"] == figures["bookings"]


def test_the_share_lost_is_of_sums():
    lost = share_lost([np.array([1.0, 2.0])], [np.array([4.0, 2.0])])
    assert lost.estimate.value == pytest.approx(0.5)
