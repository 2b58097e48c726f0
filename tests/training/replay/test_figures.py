"""Every figure of a replayed slate against its plain definition, told from the rows of a world."""

import json
import math
from bisect import bisect_left, bisect_right

import numpy as np
import pyarrow as pa
import pytest
from plain_world import START, WEEK, Plain, plain_world

from features.horizon import expected_gains
from reco.db.arrays import micros
from training.replay.evaluation import Evaluation
from training.replay.figures import Backdrop, affordable_offers, figures_of
from training.replay.futures import window_of
from training.replay.plan import Plan
from training.replay.reading import past_from_folder
from training.replay.slates import Lists, System
from training.replay.summary import summary_from, summary_of
from training.replay.week import Week

K = 12
OF_PROBABILITIES = (
    "ece", "ece_rel", "log_loss", "log_loss_base", "log_loss_less_base", "brier", "auc",
)  # fmt: skip
SYSTEMS = (System("likeliest", None, 1.0), System("wide", None, 0.5, 30.0))


@pytest.fixture(scope="module")
def plain():
    return Plain(plain_world(), K)


@pytest.fixture(scope="module")
def evaluation(plain, tmp_path_factory):
    past = past_from_folder(plain.world.write(tmp_path_factory.mktemp("plain") / "frames"))
    plan = Plan(SYSTEMS, START, 2, n=K, radius_m=5e4, users=None, everybody=True)
    return Evaluation(past, plan, b"a key")


@pytest.fixture(scope="module")
def rows(evaluation):
    """The figures of everybody in both weeks, as they are written."""
    everybody = np.arange(len(evaluation.users))
    return [(at, Week.of(evaluation, at).part(everybody)) for at in evaluation.plan.moments]


def user_names(evaluation):
    return {
        evaluation.pseudonym(row): name for row, name in enumerate(evaluation.past.people.names)
    }


def slate_of(evaluation, row):
    return [evaluation.past.names.offer_id[offer].as_py() for offer in row["offers"]]


def is_told(found, expected, name):
    """Say whether a figure is what it should be; None is NaN."""
    if expected is None:
        return math.isnan(found)
    # A sphere is not the ellipsoid.
    return found == pytest.approx(expected, rel=5e-3 if "distance" in name else 1e-5, abs=2e-6)


def is_written(found, expected, name):
    """Say whether a figure is told in a row as it should be: distances to the nearest km."""
    if expected is None or "distance" not in name:
        return is_told(found, expected, name)
    return found % 1_000 == 0 and abs(found - expected) <= 500 + 5e-3 * expected


def test_every_row_tells_what_its_slate_is_worth(plain, evaluation, rows):
    names, wrong, checked = user_names(evaluation), [], set()
    for at, table in rows:
        for row in table.to_pylist():
            user, slate = names[row["user"]], slate_of(evaluation, row)
            beyond = plain.beyond(user, at, slate, row["radius_m"])
            expected = {f"{name}@{K}": value for name, value in beyond.items()}
            for k in (10, K):
                expected |= plain.relevance(user, at, slate, k)
            wrong += [
                (name, user, at, row[name], value)
                for name, value in expected.items()
                if not is_written(row[name], value, name)
            ]
            checked |= {name for name, value in expected.items() if value is not None}
            wanted = {plain.item(offer) for offer in plain.later(user, at)}
            assert row["hits"] == [plain.item(offer) in wanted for offer in slate]
            assert row["booked_later"] == len(wanted)
            assert math.isnan(row[f"ndcg@{K}"]) == (not wanted)
    assert not wrong
    assert len(checked) == 9 + 2 * 6


def test_slates_are_told_beside_their_figures(plain, evaluation, rows):
    names, latent = user_names(evaluation), evaluation.latent
    intensity = {system.name: system.intensity for system in SYSTEMS}
    item_rows = {name.decode(): row for row, name in
                 enumerate(evaluation.past.items.item_external_id.tolist())}  # fmt: skip
    for at, table in rows:
        bookable = plain.open_stocks(at)
        venues = {plain.world.offers[offer]["venue_id"] for offer in bookable} - {None}
        for row in table.to_pylist():
            user, slate = names[row["user"]], slate_of(evaluation, row)
            assert [item_rows[plain.item(offer)] for offer in slate] == row["items"]
            assert set(slate) <= set(bookable)
            assert row["expected_gain@12"] == pytest.approx(sum(row["gains"]), rel=1e-5, abs=1e-6)
            chances = [1 - (1 - chance) ** intensity[row["system"]] for chance in
                       row["probabilities"]]  # fmt: skip
            often = sum(expected_gains(map(plain.values, slate), chances, plain.met(user, at)))
            assert row["gain_at_intensity@12"] == pytest.approx(often, rel=1e-4, abs=1e-6)
            assert row["bookings"] == len(plain.history(user, at))
            assert row["bookable_items"] == len(set(map(plain.item, bookable)))
            assert row["bookable_venues"] == len(venues)
            first = [plain.category(offer) for offer in plain.history(user, at)[:1]]
            assert [row["first_category"]] == (first or [None])
            units = [vector / (np.linalg.norm(vector) or 1.0) for vector in latent[row["items"]]]
            apart = [1 - a @ b for place, a in enumerate(units) for b in units[place + 1 :]]
            assert row["ild_latent@12"] == pytest.approx(np.mean(apart), rel=1e-4, abs=1e-5)
            gram = np.array([[a @ b for a in units] for b in units])
            assert row["volume@12"] == pytest.approx(
                math.sqrt(max(0.0, np.linalg.det(gram))), rel=1e-3, abs=1e-6
            )


def test_any_lists_are_judged_by_the_same_definitions(plain, evaluation):
    """Drawn at random: dear and far offers, empty lists, announced ones."""
    drawn, past, at = np.random.default_rng(3), evaluation.past, START
    week = Week.of(evaluation, at)
    offer_names, users = past.names.offer_id.to_pylist(), evaluation.users
    lists = Lists.empty(len(users), K)
    slates, limits_cents = [], np.zeros((len(users), 3), dtype=np.int64)
    names = [past.people.names[user] for user in users.tolist()]
    for place, user in enumerate(names):
        offers = drawn.permutation(week.moment.catalogue.base.offer_id - 1)
        _, first = np.unique(past.offers.item[offers], return_index=True)
        offers = offers[np.sort(first)][: drawn.integers(0, K + 1)]
        lists.offer[place, : len(offers)] = offers
        lists.item[place, : len(offers)] = past.offers.item[offers]
        slates.append([offer_names[offer] for offer in offers])
        for column, cap in enumerate(("event", "digital", "physical")):
            limits_cents[place, column] = min(1e9, plain.limit_cents(user, at, cap))
        far = [plain.distance_m(user, offer) for offer in slates[-1]]
        lists.distance_m[place, : len(far)] = [np.nan if m is None else m for m in far]
    window = window_of(evaluation.attributes, evaluation.acts, users, micros(at), micros(at + WEEK))
    is_affordable = affordable_offers(week.moment.catalogue, lists.offer, limits_cents)
    most = np.array([plain.most_points(user, at, 2e5) for user in names])
    figures = figures_of(lists, window, Backdrop(week.share_of_users, None, most, is_affordable))
    affordable, hits, wrong = set(), 0.0, []
    for place, (user, slate) in enumerate(zip(names, slates, strict=True)):
        expected = plain.relevance(user, at, slate, K)
        hits += expected.get(f"hit@{K}", 0.0)
        expected |= {f"{n}@{K}": v for n, v in plain.beyond(user, at, slate, 2e5).items()}
        affordable.add(expected[f"affordable@{K}"])
        wrong += [
            (name, user, figures[name][place], value)
            for name, value in expected.items()
            if not is_told(figures[name][place], value, name)
        ]
    assert not wrong
    assert len(affordable) > 5
    assert hits > 2


def plain_gini(exposures):
    """Return the mean difference over twice the mean."""
    apart = [abs(a - b) for a in exposures for b in exposures]
    return np.mean(apart) / (2 * np.mean(exposures))


def test_totals_are_those_of_all_slates_of_a_week(plain, evaluation, rows):
    table = pa.concat_tables([week for _, week in rows])
    summary = summary_of(table, [system.name for system in SYSTEMS], K)
    for told in summary.systems:
        coverage, of_items, of_venues = [], [], []
        for at, week in rows:
            bookable = plain.open_stocks(at)
            items = dict.fromkeys(map(plain.item, bookable), 0)
            venues = dict.fromkeys((plain.world.offers[o]["venue_id"] for o in bookable), 0.0)
            venues.pop(None)
            for row in week.to_pylist():
                if row["system"] == told.system:
                    for place, offer in enumerate(slate_of(evaluation, row), 1):
                        items[plain.item(offer)] += 1
                        venue = plain.world.offers[offer]["venue_id"]
                        if venue is not None:
                            venues[venue] += 1 / math.log2(place + 1)
            coverage.append(np.mean([shown > 0 for shown in items.values()]))
            of_items.append(plain_gini(list(items.values())))
            of_venues.append(plain_gini(list(venues.values())))
        assert told.metrics[f"coverage@{K}"].value == pytest.approx(np.mean(coverage))
        assert told.metrics[f"gini@{K}"].value == pytest.approx(np.mean(of_items))
        assert told.metrics[f"venue_gini@{K}"].value == pytest.approx(np.mean(of_venues))


def test_the_mean_is_over_people_and_of_each_over_weeks(evaluation, rows):
    table = pa.concat_tables([week for _, week in rows])
    summary = summary_of(table, [system.name for system in SYSTEMS], K)
    assert summary.people == len(evaluation.users)
    for told in summary.systems:
        for name in (f"ndcg@{K}", f"horizon_recall@{K}", f"distance_m@{K}"):
            of_person = {}
            for row in table.to_pylist():
                if row["system"] == told.system and not math.isnan(row[name]):
                    of_person.setdefault(row["user"], []).append(row[name])
            means = [np.mean(figures) for figures in of_person.values()]
            assert told.metrics[name].value == pytest.approx(np.mean(means), rel=1e-6)
            if name.startswith("ndcg"):
                assert summary.judged == len(of_person)


def test_probabilities_are_not_judged_by_people_drawn_because_they_booked(rows):
    table = pa.concat_tables([week for _, week in rows])
    drawn = table.set_column(
        table.column_names.index("drawn_of_all"), "drawn_of_all", pa.array([False] * len(table))
    )
    summary = summary_of(drawn, [system.name for system in SYSTEMS], K)
    assert {(told.probability, told.curve) for told in summary.systems} == {(None, None)}
    for told in summary.systems:
        assert {told.metrics[name].value for name in OF_PROBABILITIES} == {None}
        assert told.metrics["distinct"].value > 0.0


def test_probabilities_are_judged_by_all_that_was_shown(rows):
    table = pa.concat_tables([week for _, week in rows])
    summary = summary_of(table, [system.name for system in SYSTEMS], K)
    for told in summary.systems:
        pairs = [
            pair
            for row in table.to_pylist()
            if row["system"] == told.system
            for pair in zip(row["probabilities"], row["hits"], strict=True)
        ]
        chance, hit = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
        assert told.probability.brier == pytest.approx(np.mean((chance - hit) ** 2))
        won = [(a > b) + (a == b) / 2 for a in chance[hit == 1] for b in chance[hit == 0]]
        assert told.probability.auc == pytest.approx(np.mean(won))
        bins, ascending = [[] for _ in range(15)], sorted(chance)
        for one, booked in zip(chance, hit, strict=True):
            # Equal ones go together, by the middle of their run.
            middle = bisect_left(ascending, one) + bisect_right(ascending, one)
            bins[int(middle / 2 * 15 / len(ascending))].append(one - booked)
        ece = sum(abs(sum(gaps)) for gaps in bins) / len(pairs)
        assert told.probability.ece == pytest.approx(ece)
        assert told.probability.ece_rel == pytest.approx(ece / hit.mean())
        shares = [row["distinct"] for row in table.to_pylist() if row["system"] == told.system]
        assert told.metrics["distinct"].value == pytest.approx(np.mean(shares))
        assert 0.0 < told.metrics["distinct"].value <= 1.0
        assert sum(told.curve.count) == len(pairs)
        loss = [-math.log(p if booked else 1 - p) for p, booked in zip(chance, hit, strict=True)]
        rate = hit.mean()
        base = -rate * math.log(rate) - (1 - rate) * math.log(1 - rate)
        expected = vars(told.probability) | {"log_loss": np.mean(loss), "log_loss_base": base}
        expected |= {"log_loss_less_base": np.mean(loss) - base}
        assert set(expected) == set(OF_PROBABILITIES)
        for name, value in expected.items():
            assert told.metrics[name].value == pytest.approx(value), name


def test_every_figure_has_an_interval_and_a_paired_test(rows):
    """But those that need more people than there are here, which have the test."""
    table = pa.concat_tables([week for _, week in rows])
    summary = summary_of(table, [system.name for system in SYSTEMS], K)
    needing = {"ece", "ece_rel", *(f"{name}@{K}" for name in ("coverage", "gini", "venue_gini"))}
    first, second = (told.metrics for told in summary.systems)
    assert list(first) == list(second)
    assert needing | set(OF_PROBABILITIES) < set(first)
    for name, figure in second.items():
        if name not in needing:
            assert figure.low <= figure.value <= figure.high, name
            assert figure.change_low <= figure.change <= figure.change_high, name
        if not name.startswith("ece"):
            assert 0.0 < figure.p <= 1.0, name
            assert first[name].p is None


def test_a_summary_is_read_as_it_was_told(rows):
    table = pa.concat_tables([week for _, week in rows])
    summary = summary_of(table, [system.name for system in SYSTEMS], K)
    assert summary_from(json.loads(json.dumps(summary.as_object()))) == summary
