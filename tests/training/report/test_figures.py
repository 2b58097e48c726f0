"""What a report computes beside the summary, against slow plain definitions."""

from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reco.errors import InvalidInput
from training.beyond import gini
from training.replay.summary import summary_from
from training.report.charts import undominated
from training.report.contents import report_of
from training.report.maps import Ground
from training.report.people import SystemRows, system_rows
from training.report.places import LEAST_PEOPLE, territory_of
from training.report.shares import online_shares, shares_of
from training.report.svg import Scale
from training.report.venues import MOST_NAMED, lorenz


@pytest.fixture(scope="module")
def rows(run):
    """The rows of the run by system, each by (week, person)."""
    found = defaultdict(dict)
    for row in run.rows().to_pylist():
        found[row["system"]][row["at"], row["user"]] = row
    return found


def test_overlap_is_the_mean_over_people_of_the_mean_over_weeks(report, rows):
    shares = defaultdict(list)
    for key, row in rows["near"].items():
        other = rows["wide"][key]["items"]
        shares[key[1]].append(len(set(row["items"]) & set(other)) / len(row["items"]))
    expected = np.mean([np.mean(of_person) for of_person in shares.values()])
    assert report.changes.overlap.value == pytest.approx(expected)
    assert report.changes.overlap.low <= expected <= report.changes.overlap.high
    assert report.changes.slates == len(rows["near"])


def test_what_is_shown_more_and_less_is_counted_by_slates(report, rows, run):
    times = [Counter(item for row in rows[name].values() for item in row["items"])
             for name in ("near", "wide")]  # fmt: skip
    title = run.table("items")["title"].to_pylist()
    named = [Counter({title[at]: count for at, count in one.items()}) for one in times]
    for moved in (*report.changes.gained, *report.changes.lost):
        assert (moved.first, moved.second) == (named[0][moved.title], named[1][moved.title])
    most = max(named[1][name] - named[0][name] for name in title)
    assert report.changes.gained[0].second - report.changes.gained[0].first == most


def test_categories_share_all_of_the_slates(report):
    for part in ("first", "second"):
        total = sum(getattr(one, part).value for one in report.changes.categories)
        assert total == pytest.approx(1.0)
    for one in report.changes.categories:
        assert one.difference.value == pytest.approx(one.second.value - one.first.value)


def test_a_cell_tells_the_mean_of_its_people(report, rows):
    people = defaultdict(lambda: defaultdict(list))
    for (_, user), row in rows["wide"].items():
        people[row["lon"], row["lat"]][user].append(row["hit@8"])
    for cell in report.territory.cells:
        own = people[cell.lon, cell.lat]
        means = [np.nanmean(weeks) for weeks in own.values() if not np.isnan(weeks).all()]
        assert cell.people == len(own)
        told = cell.figures["hit@8"][1]
        assert told.value == pytest.approx(np.mean(means))
        spread = 1.96 * np.std(means) / np.sqrt(len(means))
        assert [told.low, told.high] == pytest.approx(
            [told.value - spread, told.value + spread], abs=0.2 * spread + 0.5 / len(means)
        )


def test_cells_of_few_people_are_left_out(alone):
    told = report_of(alone).territory
    assert all(cell.people >= LEAST_PEOPLE for cell in told.cells)
    assert sum(cell.people for cell in told.cells) + told.people_left_out == 13


def test_shares_of_venues_sum_to_all(report):
    for groups in (report.exposure.by_type, report.exposure.by_size):
        for at in range(2):
            assert sum(one.exposure[at].value for one in groups.values()) == pytest.approx(1.0)
        assert sum(one.bookings for one in groups.values()) == pytest.approx(1.0)
        assert sum(one.offers for one in groups.values()) == pytest.approx(1.0)
        assert sum(one.venues for one in groups.values()) == 12
    assert report.exposure.by_size["large"].bookings >= 0.5


def test_shares_of_exposure_are_those_of_all_slates_with_intervals_by_people(report, rows, run):
    kinds = run.table("venues")["venue_type"].to_pylist()
    for at, name in enumerate(("near", "wide")):
        shown = defaultdict(float)
        for row in rows[name].values():
            for place, venue in enumerate(row["venues"]):
                shown[kinds[venue]] += 1 / np.log2(place + 2)
        for kind, one in report.exposure.by_type.items():
            told = one.exposure[at]
            assert told.value == pytest.approx(shown[kind] / sum(shown.values()))
            assert told.low < told.value < told.high
            assert told.change_low <= told.change <= told.change_high
            assert (told.p is None) == (at == 0)


def test_the_venues_most_shown_have_intervals_and_tests(report):
    found = report.exposure
    assert len(found.most_shown) == min(MOST_NAMED, len(found.venues)) > 5
    for venue, told in zip(found.venues, found.most_shown, strict=False):
        assert [one.value for one in told] == pytest.approx(list(venue.shares.exposure))
        assert all(one.low <= one.value <= one.high for one in told)
        assert told[-1].p is not None


def test_the_share_online_is_that_of_all_places():
    pages = {
        "near": [[0, -1, 2], [1], [-1, -1]],
        "wide": [[0, 1, 2], [-1, 1], [1]],
    }
    systems = [
        SystemRows(pa.table({"items": slates, "venues": slates}), np.array([0, 1, 1]))
        for slates in pages.values()
    ]
    first, second = online_shares(systems, seed=0)
    assert (first.value, second.value) == (pytest.approx(3 / 6), pytest.approx(1 / 6))
    assert second.change == pytest.approx(-2 / 3)
    (of_kind,) = shares_of(systems[:1], {"zero": np.array([True, False, False])}, seed=0)["zero"]
    assert of_kind.value == pytest.approx(1 / (2 + 1 / np.log2(4)))


def test_the_lorenz_curve_is_that_of_the_gini_coefficient_told(report):
    for at, curve in enumerate(report.exposure.lorenz):
        area = np.trapezoid(curve, report.exposure.venue_share)
        told = report.summary.systems[at].metrics["venue_gini@8"].value
        assert 1.0 - 2.0 * area == pytest.approx(told, abs=0.01)


@settings(max_examples=40)
@given(arrays(float, st.integers(1, 30), elements=st.floats(0.0, 100.0)))
def test_a_lorenz_curve_rises_from_nought_to_all_below_the_diagonal(exposure):
    curve = lorenz(exposure)
    assert curve[0] == 0.0
    assert curve[-1] == pytest.approx(1.0)
    assert (np.diff(curve) >= -1e-9).all()
    assert (curve <= np.linspace(0.0, 1.0, len(curve)) + 1e-9).all()
    assert gini(exposure) >= -1e-9


points = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12)


@given(points)
def test_the_front_beats_all_others_and_nothing_of_it_is_beaten(found):
    front = [found[at] for at in undominated(found)]
    assert front
    for x, y in found:
        assert any(a >= x and b >= y for a, b in front)
    for x, y in front:
        assert not any((a >= x and b > y) or (a > x and b >= y) for a, b in front)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.booleans())
def test_ticks_are_few_and_within_the_axis(low, room, is_root):
    low = abs(low) if is_root else low
    scale = Scale(low, low + room, 0.0, 100.0, is_root)
    ticks = scale.ticks()
    assert len(ticks) <= 12
    assert all(low - 1e-6 * room <= tick <= low + room * (1 + 1e-6) for tick in ticks)
    assert scale(low) == 0.0
    assert scale(low + room) == 100.0


def test_bins_hold_the_share_that_came_true(report):
    for bins, system in zip(report.bins, report.summary.systems, strict=True):
        assert [one.booked for one in bins] == list(system.curve.rate)
        assert all(one.low <= one.booked <= one.high for one in bins)
        assert sum(one.shown for one in bins) == sum(system.curve.count)


def test_a_summary_of_before_bins_had_intervals_is_refused(run):
    told = run.summary()
    del told["systems"][0]["curve"]["low"]
    with pytest.raises(InvalidInput, match="older version; evaluate again"):
        summary_from(told)


def test_a_system_can_be_chosen_by_name_and_letter(three):
    by_name, by_letter = report_of(three, "wide"), report_of(three, "C")
    assert by_name.beside == by_letter.beside == 2
    assert by_name.others[0][0] == "B against A: "


def test_people_without_a_home_are_counted_and_on_no_map(run):
    (rows,) = system_rows(run, ["near"], ["hit@8", "novel_recall@8", "distance_m@8"])
    table = rows.rows
    for name in ("lon", "lat"):
        nowhere = pa.nulls(len(table), pa.float64())
        table = table.set_column(table.schema.get_field_index(name), name, nowhere)
    told = territory_of([SystemRows(table, rows.user)], 8)
    assert (told.cells, told.people_nowhere, told.people_left_out) == ((), rows.people, 0)


def test_a_cell_of_which_no_figure_is_known_is_counted(run):
    names = ["hit@8", "novel_recall@8", "distance_m@8"]
    (rows,) = system_rows(run, ["near"], names)
    table = rows.rows
    for name in names:
        unknown = pa.array(np.full(len(table), np.nan))
        table = table.set_column(table.schema.get_field_index(name), name, unknown)
    told = territory_of([SystemRows(table, rows.user)], 8)
    assert sum(cell.people for cell in told.cells) == rows.people
    assert {figures for cell in told.cells for figures in cell.figures.values()} == {(None,)}


def test_towns_are_named_where_something_is_shown():
    north_and_south = [(2.35, 48.85), (5.37, 43.30)]
    named = "".join(str(one) for town in Ground.around(north_and_south, 0.5).towns for one in town)
    assert "Paris" in named
    assert "Marseille" in named
    assert not any(other in named for other in ("Milan", "Lyon", "Stuttgart"))
    nowhere = Ground.around([(-30.0, 40.0), (3.0, 52.0)], 0.2).towns
    assert "London" in "".join(str(one) for town in nowhere for one in town)
