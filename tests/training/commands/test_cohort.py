import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from reco.cli import app
from reco.errors import InvalidInput
from training.cohort.assumptions import variants
from training.simulate.parameters import SCALES, Scale

SMALL = ("--months", "2", "--people", "50", "--seeds", "1", "--size", "demo")
TINY = Scale(users=250, venues=60, items=500, offers=2_000, extent=SCALES["demo"].extent)
START = ("--start", "2026-09-07")


def simulate(*arguments):
    return CliRunner().invoke(app, ["simulate", "cohort", *arguments], catch_exceptions=False)


def test_the_help_tells_the_policies_that_are_lived_by_default():
    by_default = "[default: nearest, popular, relevance, dpp, round-robin, horizon@.98]"
    # Lines are broken anywhere.
    assert by_default.replace(" ", "") in "".join(simulate("--help").stdout.split())


def test_an_unknown_policy_is_refused_before_anything_is_made(tmp_path):
    out = tmp_path / "cohort"
    with pytest.raises(InvalidInput, match="no policy 'magic'"):
        simulate("--policy", "magic", *SMALL, *START, "--out", str(out))
    assert not out.exists()


@pytest.mark.parametrize("option", ["--workers", "--seeds"])
def test_no_worker_and_no_seed_are_refused_by_name(tmp_path, option):
    out = tmp_path / "cohort"
    done = simulate("--policy", "popular", option, "0", "--out", str(out))
    assert done.exit_code == 2
    assert option in done.output
    assert not out.exists()


def test_a_plot_that_cannot_be_drawn_is_refused_before_anything_is_made(tmp_path):
    out, plot = ("--out", str(tmp_path / "cohort")), ("--plot", str(tmp_path / "no" / "one.png"))
    with pytest.raises(InvalidInput, match="plot: there is no folder"):
        simulate("--policy", "popular", *plot, *out)
    with pytest.raises(InvalidInput, match="plot: --sensitivity draws nothing"):
        simulate("--policy", "relevance", "--sensitivity", *plot, *out)
    assert not list(tmp_path.iterdir())


def test_a_sensitivity_that_is_refused_is_so_before_anything_is_lived(tmp_path):
    out = tmp_path / "cohort"
    second = out / "people-less-open"
    second.mkdir(parents=True)
    (second / "assumptions.json").write_text('{"digest": "of others"}', encoding="utf-8")
    (second / "bookings-popular-1.parquet").touch()
    policies = ("--policy", "relevance", "--policy", "horizon@.9")
    with pytest.raises(InvalidInput, match="people-less-open holds lives of other"):
        simulate("--sensitivity", *policies, *SMALL, *START, "--out", str(out))
    assert not list(out.glob("as-assumed/*.parquet"))


@pytest.mark.slow
def test_a_sensitivity_is_told_by_variant_each_in_a_folder_of_its_own(tmp_path, monkeypatch):
    chosen = ("as assumed", "every place looked at alike")

    def two_of_one_world(usual):
        told = variants(usual)
        return {name: told[name] for name in chosen}

    monkeypatch.setattr("training.commands.cohort.scale_of", lambda _: TINY)
    monkeypatch.setattr("training.commands.cohort.variants", two_of_one_world)
    policies = ("--policy", "relevance", "--policy", "horizon@.9")
    few = ("--months", "1", "--people", "20", "--seeds", "1", "--workers", "1", *START)
    out = tmp_path / "cohort"
    done = simulate("--sensitivity", *policies, *few, "--out", str(out), "--json")
    report = json.loads(done.stdout)
    assert tuple(report) == chosen
    for one in report.values():
        assert [told["policy"] for told in one["policies"]] == ["relevance", "horizon@.9"]
        assert [apart["against"] for apart in one["differences"]] == ["relevance"]
    assert report[chosen[0]] != report[chosen[1]]
    kept = {str(file.relative_to(out)) for file in out.glob("*/*.parquet")}
    assert kept == {
        f"{folder}/{table}-1.parquet"
        for folder in ("as-assumed", "every-place-looked-at-alike")
        for table in (
            *("bookings-relevance", "worth-relevance", "people-cohort"),
            *("bookings-horizon@.9", "worth-horizon@.9"),
        )
    }
    # How slates are looked at changes nothing of what the model learns from.
    assert len(list((out / "models").iterdir())) == 1


def test_a_sensitivity_needs_something_to_compare_with(tmp_path):
    with pytest.raises(InvalidInput, match="relevance, dpp"):
        simulate("--sensitivity", "--policy", "popular", "--out", str(tmp_path / "cohort"))


@pytest.mark.parametrize("policies", [["horizon@.98"], ["relevance", "dpp"]])
def test_a_sensitivity_needs_a_difference(tmp_path, policies):
    named = [argument for policy in policies for argument in ("--policy", policy)]
    with pytest.raises(InvalidInput, match="nothing to compare with"):
        simulate("--sensitivity", *named, "--out", str(tmp_path / "cohort"))


def keep_lives(out, seed, booking_people, policy="popular"):
    """Keep lives of four people of whom so many booked in three categories, the others in one."""
    booked = [
        (person, kind)
        for person in range(4)
        for kind in "abc"[: 3 if person < booking_people else 1]
    ]
    person, kinds = zip(*booked, strict=True)
    named = ("category", "subcategory", "venue", "venue_type", "genre")
    tables = {
        f"bookings-{policy}": {
            "person": person,
            "week": [0] * len(person),
            "amount_cents": [5_000] * len(person),
            **dict.fromkeys(named, kinds),
        },
        f"worth-{policy}": {
            "person": [0],
            "bookings": [0.5],
            "points": [1.0],
            "best_bookings": [1.0],
            "best_points": [4.0],
        },
        "people-cohort": {"density": ["dense", "town", "rural", "town"]},
    }
    out.mkdir(exist_ok=True)
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), out / f"{name}-{seed}.parquet")


def test_the_screen_has_shares_in_percent_and_the_seeds_that_lie_farthest_out(tmp_path):
    two, one = tmp_path / "both", tmp_path / "one"
    for out, seed, booking_people in ((two, 1, 2), (two, 2, 3), (one, 1, 2)):
        keep_lives(out, seed, booking_people)
    asked = ("--policy", "popular", "--months", "1", "--people", "4", *START)
    alone = simulate(*asked, "--seeds", "1", "--out", str(one)).stdout
    both = simulate(*asked, "--seeds", "2", "--out", str(two)).stdout
    # Of three categories: half of four people, and three of them.
    assert "62.5 (" in both
    assert "[50 .. 75]" in both
    # 400 and 500 of 2,000 EUR; what was lost is the same of both.
    assert "[20 .. 25]" in both
    assert "75 (75 .. 75)" in both
    assert "50 (" in alone
    assert "[" not in alone
    # By category, too: half of the people booked one of it.
    assert re.search(r"│ b +│ 0\.5 \(0 \.\. 1\) +│", alone)


def test_floors_differ_from_the_one_that_serves_in_the_end_and_by_month(tmp_path):
    out = tmp_path / "cohort"
    for policy, booking_people in (("horizon@.9", 3), ("horizon@.98", 1)):
        keep_lives(out, 1, booking_people, policy)
    asked = ("--policy", "horizon@.9", "--policy", "horizon@.98", "--months", "6", "--people", "4")
    told = (*asked, "--seeds", "1", *START, "--out", str(out))
    (apart,) = json.loads(simulate(*told, "--json").stdout)["differences"]
    assert (apart["policy"], apart["against"]) == ("horizon@.9", "horizon@.98")
    assert list(apart["months"]) == ["6"]
    for figures in (apart["figures"], apart["months"]["6"]):
        assert figures["three_categories"]["estimate"]["value"] == 0.5
        assert figures["bookings"]["estimate"]["value"] == 1.0
    screen = simulate(*told).stdout
    assert "The same at the end of a month" in screen
    # No table leaves out what its intervals are.
    assert screen.count("95 % interval over people and seeds") == screen.count("┏") == 5


@pytest.mark.slow
def test_a_cohort_of_the_demo_world_is_told_in_figures(tmp_path, monkeypatch):
    # It is asked twice, and the code may be edited meanwhile.
    monkeypatch.setattr("training.commands.cohort.code_revision", lambda: "of one moment")
    policies = ("--policy", "relevance", "--policy", "horizon@.9", "--policy", "round-robin")
    out = ("--out", str(tmp_path / "cohort"))
    result = simulate(*policies, *SMALL, *START, *out, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    figures = {one["policy"]: one["figures"] for one in report["policies"]}
    assert list(figures) == ["relevance", "horizon@.9", "round-robin"]
    for of_policy in figures.values():
        bookings = of_policy["bookings"]["estimate"]
        assert 0 < bookings["low"] <= bookings["value"] <= bookings["high"]
        assert 0 <= of_policy["regret bookings"]["estimate"]["value"] < 1
    apart, of_rotation = report["differences"]
    assert (apart["policy"], apart["against"]) == ("horizon@.9", "relevance")
    assert (of_rotation["policy"], of_rotation["against"]) == ("horizon@.9", "round-robin")
    ours, theirs = (
        figures[name]["horizon_points"]["estimate"]["value"] for name in ("horizon@.9", "relevance")
    )
    difference = apart["figures"]["horizon_points"]["estimate"]["value"]
    assert difference == pytest.approx(ours - theirs)
    again = simulate(*policies, *SMALL, *START, *out)
    assert again.stdout.count("round-robin") >= 3
    assert "LIVRE" in again.stdout
    assert "rural" in again.stdout
