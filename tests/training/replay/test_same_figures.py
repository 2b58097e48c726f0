"""The benchmark of slates and the replay judge the same lists by the same figures."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.interactions import BOOKING
from reco.catalogue.shelf import ONLINE
from reco.db.arrays import FOREVER_US, moment_of
from reco.frames.sources import MemorySource
from reco.frames.tables import frame_table
from reco.geo.points import Point
from training.replay.evaluation import Evaluation
from training.replay.exposure import items_exposed, venues_exposed
from training.replay.figures import Backdrop
from training.replay.figures import figures_of as replayed_figures
from training.replay.futures import Acts, window_of
from training.replay.outcome import evaluate
from training.replay.plan import Plan
from training.replay.reachable import Reachable
from training.replay.reading import past_from_source
from training.replay.slates import Lists, Moment, System, around_of
from training.replay.totals import coverage_totals, gini_totals
from training.replay.values import Attributes
from training.report.contents import report_of
from training.report.export import as_object
from training.slate_data import FORMATS, slate_data
from training.slate_lists import figures_of as benchmark_figures
from training.slate_tasks import slate_tasks
from training.slate_totals import totals_of

USERS, ITEMS, VENUES, BOOKINGS, K = 30, 40, 5, 10, 6
EVERYWHERE_M = 2e6
TOTALS = {"coverage", "gini", "venue_gini"}
SHARED = {
    "ndcg", "recall", "recall_full", "mrr", "map", "hit", "horizon_recall", "novel_recall",
    "slate_points", "slate_horizon", "ild", "ild_latent", "volume", "novelty", "calibration_kl",
}  # fmt: skip
"""All that METRICS tells of a list alone; the replay knows means and distances, too."""


@pytest.fixture(scope="module")
def frames():
    """All but one book ten of forty items, each of which is offered at one venue; one looks."""
    generator = np.random.default_rng(11)
    item = [f"i{at:02}" for at in range(ITEMS)]
    user = np.repeat(np.arange(USERS), BOOKINGS)
    booked = np.concatenate([generator.permutation(ITEMS)[:BOOKINGS] for _ in range(USERS)])
    first = datetime(2026, 1, 1, tzinfo=UTC)
    # A month, of which the last fifth is less than a week.
    hours = (2.5 * generator.permutation(len(user))).tolist()
    return {
        "items": frame_table("items", {
            "item_id": item,
            "category": [f"c{at % 6}" for at in range(ITEMS)],
            "subcategory": [f"s{at % 11}" if at % 4 else None for at in range(ITEMS)],
            "genre": [f"g{at % 7}|g{at % 5}" for at in range(ITEMS)],
        }),
        "venues": frame_table("venues", {
            "venue_id": [f"v{at}" for at in range(VENUES)],
            "venue_type": ["bookshop", "cinema", "cinema", "theatre", None],
            "lon": [5.0 + at for at in range(VENUES)],
            "lat": [45.0] * VENUES,
        }),
        "offers": frame_table("offers", {
            "offer_id": item,
            "item_id": item,
            "venue_id": [None if at % 9 == 0 else f"v{at % VENUES}" for at in range(ITEMS)],
        }),
        "stocks": frame_table("stocks", {
            "stock_id": item, "offer_id": item, "price_eur": [1.0] * ITEMS,
        }),
        "users": frame_table("users", {"user_id": [f"u{at:02}" for at in range(USERS + 1)]}),
        "interactions": frame_table("interactions", {
            "user_id": [f"u{at:02}" for at in user] + [f"u{USERS}"] * len(user),
            "offer_id": [item[at] for at in [*booked, *np.sort(booked)]],
            "kind": ["booking"] * len(user) + ["view"] * len(user),
            "at": pa.array([first + timedelta(hours=hour) for hour in [*hours, *hours]]),
        }),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_the_same_lists_have_the_same_figures_in_both(frames, seed):
    _, slates = slate_tasks(slate_data(frames, FORMATS["frames"]), "time")
    users = slates.task.users.astype(np.int64)
    generator = np.random.default_rng(seed)
    ranked = np.array([generator.permutation(ITEMS)[:K] for _ in users]).astype(np.int32)
    ranked[:2, K - 2 :] = -1
    latent = generator.normal(size=(ITEMS, 8))
    by_benchmark = benchmark_figures(ranked, slates, latent)
    by_replay = replayed_figures(*_replayed(frames, slates, users, ranked, latent))
    shared = [f"{name}@{K}" for name in sorted(SHARED)]
    assert set(shared) == set(by_benchmark)
    for name in shared:
        assert not np.isnan(by_benchmark[name]).all()
        np.testing.assert_allclose(by_replay[name], by_benchmark[name], rtol=1e-9, err_msg=name)
    assert len(np.unique(by_benchmark[f"slate_horizon@{K}"])) > len(users) / 2


@pytest.mark.parametrize("seed", range(3))
def test_all_lists_together_have_the_same_figures_in_both(frames, seed):
    _, slates = slate_tasks(slate_data(frames, FORMATS["frames"]), "time")
    generator = np.random.default_rng(seed)
    some = generator.permutation(ITEMS)[: ITEMS // 2]
    ranked = np.array([generator.permutation(some)[:K] for _ in slates.task.users], dtype=np.int32)
    ranked[:2, K - 2 :] = -1
    past = past_from_source(MemorySource(frames))
    moment = Moment(past, moment_of(_border_us(slates) - 1), EVERYWHERE_M, K)
    reachable = Reachable(moment.catalogue)
    venue = past.offers.venue[np.maximum(ranked, 0)]
    venues = np.where(venue == ONLINE, -1, past.venues.rows(venue))
    rows = pa.table({
        "items": [listed[listed >= 0].tolist() for listed in ranked],
        "venues": [of_list[listed >= 0].tolist() for of_list, listed
                   in zip(venues, ranked, strict=True)],
        "bookable_items": [reachable.bookable_items] * len(ranked),
        "bookable_venues": [reachable.bookable_venues] * len(ranked),
    })  # fmt: skip
    person = np.arange(len(ranked))
    told = {
        "coverage": coverage_totals([[items_exposed(rows, person)]], 0, 0),
        "gini": gini_totals([[items_exposed(rows, person)]], 0, 0),
        "venue_gini": gini_totals([[venues_exposed(rows, person)]], 0, 0),
    }
    by_benchmark = together(ranked, slates)
    assert set(by_benchmark) == {f"{name}@{K}" for name in TOTALS}
    for name, totals in told.items():
        assert 0.0 < by_benchmark[f"{name}@{K}"] < 1.0
        assert totals.value == pytest.approx([by_benchmark[f"{name}@{K}"]]), name


def test_a_report_tells_what_the_benchmark_says_of_the_slates_of_its_run(frames, tmp_path):
    """From the frames to the JSON: a replayed week, summed up and told, judged by the other."""
    _, slates = slate_tasks(slate_data(frames, FORMATS["frames"]), "time")
    plan = Plan(
        (System("likeliest", None, 1.0), System("wide", None, 0.6, 3.0)),
        moment_of(_border_us(slates) - 1), 1, n=K, radius_m=EVERYWHERE_M, users=None,
        everybody=False,
    )  # fmt: skip
    evaluation = Evaluation(past_from_source(MemorySource(frames)), plan, b"a key")
    folder, _ = evaluate(
        evaluation, tmp_path / "run", workers=1, progress=lambda what, share: None,
        about={"world": "small", "source": "rows", "begun_at": "today", "code_revision": "none"},
    )  # fmt: skip
    told = as_object(report_of(folder))["summary"]["systems"]
    users = slates.task.users.astype(np.int64)
    assert evaluation.users.tolist() == users.tolist()
    place = {evaluation.pseudonym(user): at for at, user in enumerate(users.tolist())}
    for system in told:
        ranked = np.full((len(users), K), -1, dtype=np.int32)
        for row in folder.rows().to_pylist():
            if row["system"] == system["system"]:
                ranked[place[row["user"]], : len(row["items"])] = row["items"]
        figures = benchmark_figures(ranked, slates, evaluation.latent)
        expected = {name: np.nanmean(column) for name, column in figures.items()}
        expected |= together(ranked, slates)
        assert set(expected) == {f"{name}@{K}" for name in SHARED | TOTALS}
        for name, value in expected.items():
            assert system["metrics"][name]["value"] == pytest.approx(value, rel=1e-5), name
    one, other = (system["metrics"] for system in told)
    assert all(one[f"{name}@{K}"] != other[f"{name}@{K}"] for name in ("slate_horizon", "volume"))


def together(ranked, slates):
    (told,) = totals_of([ranked], slates, 0)
    return {name: figure.value for name, figure in told.items()}


def _border_us(slates):
    return int(slates.part.cutoff.astype("datetime64[us]").astype(np.int64))


def _replayed(frames, slates, users, ranked, latent):
    """Return the lists as a replay at the benchmark's border would have them."""
    past = past_from_source(MemorySource(frames))
    assert [name.encode() for name in past.people.names] == slates.part.past.users.tolist()
    assert past.items.item_external_id.tolist() == slates.part.past.items.tolist()
    at_us = _border_us(slates) - 1
    window = window_of(Attributes(past), Acts.of(past), users, at_us, FOREVER_US - 1)
    moment = Moment(past, moment_of(at_us), EVERYWHERE_M, K)
    around = around_of(moment.catalogue.venues, Point(5.0, 45.0), "home", EVERYWHERE_M)
    reachable = Reachable(moment.catalogue)
    lists = Lists.empty(len(users), K)
    lists.offer[:] = ranked
    lists.item[:] = ranked
    booked = slates.part.past.take(slates.part.past.kind == BOOKING)
    known = [set(booked.user[booked.item == item]) for item in range(ITEMS)]
    backdrop = Backdrop(
        share_of_users=np.array([max(0.5, len(who)) / (USERS + 1) for who in known]),
        latent=latent,
        most_points=np.array([
            reachable.most_points(around, window.times_met[[at]].indices, K)
            for at in range(len(users))
        ]),
        is_affordable=ranked >= 0,
    )  # fmt: skip
    return lists, window, backdrop
