"""The gate lets through what is shown not to be worse, on what neither model has seen."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from tastes import START, events_of, moment, two_tastes

from features.interactions import BOOKING, VIEW, interaction_matrix
from reco.errors import ArtifactRefused, InvalidInput
from reco.model.artifact import read_artifact
from reco.model.history import History
from reco.model.loaded import load_model
from reco.model.ranker import RankerFacts
from training.booked import BookedOffer
from training.criteria import latency_criterion, mean_criterion
from training.evaluate import rank_items
from training.fits import PARAMETERS
from training.gate import Floors, judge
from training.latency import Requests, median_intervals, paired_latencies_ms
from training.metrics import user_figures
from training.run import train_model
from training.saving import save_model
from training.trial import (
    LEAST_USERS,
    Contender,
    history_in,
    history_matrix,
    recipe_of,
    scores_of,
    trial_of,
)

NOW = datetime(2025, 6, 1, tzinfo=UTC)
RANKER = RankerFacts(
    distance_knots_per_m=1.0,
    price_knots_per_cent=1.0,
    wait_knots_per_day=1.0,
    rarity_knots_per_log=1.0,
    online=0.0,
    crowding=0.0,
    popular_intercept=0.0,
    popular_slope=0.0,
)
CUTOFF = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=70)


@cache
def crowd():
    """Bookings of 300 people with two tastes."""
    return two_tastes(users=300)


@pytest.fixture(scope="module")
def contender(tmp_path_factory):
    """A function that trains a model on the crowd, once for each question."""

    @cache
    def make(kind, cutoff=None):
        trained = train_model(
            crowd(), PARAMETERS[kind](), split="time", cutoff=cutoff, progress=lambda *_: None
        )
        summary = save_model(trained, models=tmp_path_factory.mktemp("models"), now=NOW)
        facts = read_artifact(summary.folder).facts
        return Contender(load_model(summary.folder), facts)

    return make


def judged(
    candidate, champion, events=None, booked=(), floors=None, users=2_000, clock=lambda: 0.0
):
    return judge(
        events or crowd(),
        candidate,
        champion,
        floors=floors or Floors(),
        users=users,
        read_booked=lambda users: [one for one in booked if one.user_id in set(users)],
        # By the clock that stands still neither is the slower one.
        clock=clock,
    )


def named(verdict, name):
    (found,) = (criterion for criterion in verdict.criteria if criterion.name == name)
    return found


def test_the_same_model_is_not_worse_than_itself(contender):
    verdict = judged(contender("itemknn", CUTOFF), contender("itemknn", CUTOFF))
    ndcg = named(verdict, "ndcg@20")
    assert verdict.passed
    assert (ndcg.difference.low, ndcg.difference.high) == (0, 0)
    assert ndcg.candidate.value == ndcg.champion.value > 0.1


def test_a_worse_model_is_refused_with_the_interval(contender):
    verdict = judged(contender("popularity", CUTOFF), contender("itemknn", CUTOFF))
    ndcg = named(verdict, "ndcg@20")
    assert not verdict.passed
    assert ndcg.limit == pytest.approx(-0.05 * ndcg.champion.value)
    assert ndcg.difference.high < ndcg.limit
    assert f"{ndcg.difference.low:+.4f} .. {ndcg.difference.high:+.4f}" in verdict.reasons[0]
    assert judged(contender("itemknn", CUTOFF), contender("popularity", CUTOFF)).passed


def test_who_looks_no_worse_and_may_be_is_refused():
    """The whole interval lies above the floor, not its middle; and few are no evidence."""
    champion = np.full(60, 0.5)
    for apart, passed in ((0.3, False), (0.05, True)):
        candidate = champion + np.where(np.arange(60) % 2, apart, -apart)
        found = mean_criterion("ndcg", np.column_stack([candidate, champion]), 0.05)
        assert found.difference.value == pytest.approx(0.0)
        assert (found.difference.low >= found.limit, found.passed) == (passed, passed)
    alike = np.full((LEAST_USERS, 2), 0.5)
    assert mean_criterion("ndcg", alike, 0.05, is_needed=True).passed
    assert not mean_criterion("ndcg", alike[1:], 0.05, is_needed=True).passed


def test_a_recipe_of_the_same_kind_is_another_by_its_settings(contender):
    good = contender("itemknn")
    worse = {"parameters": good.facts.parameters | {"neighbours": 1}}
    poor = replace(good, facts=good.facts.model_copy(update=worse))
    assert trial_of(crowd(), poor, good, users=50).is_refit
    ndcg = named(judged(poor, good), "ndcg@20")
    assert ndcg.candidate.value < ndcg.champion.value
    assert not ndcg.passed


def test_a_floor_is_a_setting(contender):
    low = Floors(ndcg_loss=0.99, horizon_loss=1, cold_loss=0.99)
    pair = contender("popularity", CUTOFF), contender("itemknn", CUTOFF)
    assert judged(*pair, floors=low).passed
    assert not judged(*pair, floors=replace(low, ndcg_loss=0.0)).passed


def test_too_few_people_are_no_evidence(contender):
    few = crowd().take(crowd().user < 20)
    verdict = judged(contender("itemknn"), contender("itemknn"), few)
    assert not verdict.passed
    assert re.search(r"ndcg@20: \d+ to judge by, fewer than 30", verdict.reasons[0])
    assert named(verdict, "horizon_recall@20").passed


def test_models_are_judged_on_what_came_after_both(contender):
    early, late = contender("itemknn", CUTOFF), contender("popularity", CUTOFF + timedelta(days=10))
    for pair in ((early, late), (late, early)):
        trial = trial_of(crowd(), *pair, users=2_000)
        assert not trial.is_refit
        assert trial.part.cutoff == START + np.timedelta64(80, "D")
        assert trial.part.past.at.max() < trial.part.cutoff <= trial.part.future.at.min()
        assert "after both models" in trial.told


def test_where_few_did_anything_after_both_models_recipes_are_judged(contender):
    pair = contender("itemknn", CUTOFF), contender("popularity", CUTOFF)
    is_early = crowd().at < START + np.timedelta64(70, "D")
    few = crowd().take(is_early | (crowd().user < 150))
    assert trial_of(few, *pair, users=50).is_refit


def test_what_ranks_the_unknown_is_what_was_popular_before(contender):
    trial = trial_of(
        crowd(), contender("itemknn", CUTOFF), contender("popularity", CUTOFF), users=50
    )
    met = interaction_matrix(trial.part.past).sum(axis=0)
    np.testing.assert_allclose(trial.fallback, np.where(met > 0, met, np.nan))


def test_a_history_is_as_old_as_the_border_and_told_in_the_models_own_rows():
    part = SimpleNamespace(
        past=events_of([0, 0, 0], [0, 1, 2], [50, 60, 60], users=1, items=3),
        cutoff=START + np.timedelta64(70, "D"),
    )
    matrix = history_matrix(part, SimpleNamespace(half_life_days=10.0))
    # The model does not know item 1, and has the others in rows of its own.
    history = history_in(matrix, np.array([4, -1, 2], dtype=np.int32))(0)
    assert history.rows.tolist() == [2, 4]
    assert history.weights.tolist() == [0.5, 0.25]


def test_what_was_cancelled_later_is_judged_as_what_it_was(contender):
    early = crowd().at < START + np.timedelta64(80, "D")
    events = replace(crowd(), cancelled=np.where(early, moment(90), moment(None)))
    pair = contender("itemknn", CUTOFF), contender("popularity", CUTOFF + timedelta(days=10))
    assert len(trial_of(events, *pair, users=50).part.past) == np.count_nonzero(early)


def test_recipes_are_judged_where_a_model_has_seen_all(contender):
    trial = trial_of(crowd(), contender("itemknn"), contender("popularity", CUTOFF), users=2_000)
    assert trial.is_refit
    assert len(trial.part.future) == pytest.approx(0.1 * len(crowd()), rel=0.2)
    assert "fitted again without it" in trial.told


def test_a_recipe_does_not_speak_for_arrays_that_lack_the_last_weeks(contender):
    old, new = contender("itemknn", CUTOFF), contender("itemknn")
    anything = Floors(ndcg_loss=9, horizon_loss=9, cold_loss=9, slowdown=99)
    verdict = judged(old, new, floors=anything, users=50)
    assert verdict.reasons == (
        "trained until: 2025-03-12 00:00 UTC, the champion until "
        f"{new.facts.cutoff:%Y-%m-%d %H:%M} UTC",
    )
    assert judged(new, old, floors=anything, users=50).passed
    hours = {"cutoff": new.facts.cutoff - timedelta(hours=20)}
    little = replace(new, facts=new.facts.model_copy(update=hours))
    assert judged(little, new, floors=anything, users=50).passed
    # What came after both is judged by the arrays themselves.
    later = contender("itemknn", CUTOFF + timedelta(days=10))
    told = {found.name for found in judged(old, later, floors=anything, users=50).criteria}
    assert "trained until" not in told


def test_a_recipe_that_cannot_be_fitted_again_is_refused_by_its_version(contender, monkeypatch):
    candidate, champion = contender("popularity"), contender("ease")
    monkeypatch.setattr("training.models.ease.MAX_ITEMS", 10)
    with pytest.raises(ArtifactRefused, match=r"weight for each pair of items.*--force") as refusal:
        judged(candidate, champion, users=50)
    assert refusal.value.address == champion.model.version


def with_ranker(contender, low, high):
    """Return a contender with a ranker whose log-loss was measured so."""
    loss = {"value": (low + high) / 2, "low": low, "high": high}
    probability = {"visits": 500, "people": 200, "loss_a_visit": loss}
    metrics = contender.facts.metrics | {"probability": probability}
    told = {"ranker": RANKER, "metrics": metrics}
    return replace(contender, facts=contender.facts.model_copy(update=told))


def test_a_ranker_is_not_lost_nor_taken_unproven(contender):
    plain = contender("itemknn", CUTOFF)
    of_visits = with_ranker(plain, -0.3, -0.1)
    del of_visits.facts.metrics["probability"]["people"]
    proven, unproven = with_ranker(plain, -0.3, -0.1), with_ranker(plain, -0.3, 0.1)
    outcomes = {
        name: judged(*pair, users=50).criteria[-1]
        for name, pair in {
            "lost": (plain, proven),
            "kept": (proven, unproven),
            "new": (proven, plain),
            "unproven": (unproven, plain),
            "neither": (unproven, unproven),
            "less": (unproven, proven),
            "worse": (with_ranker(plain, 0.1, 0.3), unproven),
            "neither over people": (unproven, of_visits),
        }.items()
    }
    assert {name: found.passed for name, found in outcomes.items()} == {
        "lost": False,
        "kept": True,
        "new": True,
        "unproven": False,
        "neither": True,
        "less": False,
        "worse": False,
        "neither over people": True,
    }
    assert "the candidate has none" in outcomes["lost"].told
    assert "interval -0.3000 .. +0.1000" in outcomes["unproven"].told
    assert outcomes["new"].count == 200
    assert "neither is proven" in outcomes["neither"].told
    # No comparison: each was measured on visits of its own.
    assert [found.difference for found in outcomes.values()] == [None] * len(outcomes)
    assert outcomes["kept"].champion.high == 0.1


def test_the_people_drawn_are_the_same_each_time_and_as_many_as_asked(contender):
    pair = contender("itemknn", CUTOFF), contender("popularity", CUTOFF)
    one, again = (trial_of(crowd(), *pair, users=50) for _ in range(2))
    assert one.is_in_sample.sum() == 50
    np.testing.assert_array_equal(one.task.users, again.task.users)


def test_who_booked_nothing_yet_is_judged_apart(contender):
    events = crowd().take(np.arange(len(crowd())))
    early = events.at < START + np.timedelta64(70, "D")
    events.kind[early & (events.user < 100)] = VIEW
    verdict = judged(contender("popularity", CUTOFF), contender("itemknn", CUTOFF), events)
    cold = named(verdict, "ndcg@20, cold users")
    assert 30 <= cold.count <= 100
    assert not cold.passed
    assert named(judged(*[contender("itemknn", CUTOFF)] * 2, crowd()), cold.name).count < 30


def test_who_is_drawn_for_having_booked_nothing_is_judged_apart_alone(contender):
    """Beside those drawn from all they would count twice."""
    events = crowd().take(np.arange(len(crowd())))
    early = events.at < START + np.timedelta64(70, "D")
    events.kind[early & (events.user < 100)] = VIEW
    model, other = contender("itemknn", CUTOFF), contender("popularity", CUTOFF)
    trial = trial_of(events, model, other, users=50)
    assert len(trial.task.users) > 50
    np.testing.assert_array_equal(trial.is_cold, trial.task.users < 100)
    ranked = rank_items(scores_of(trial, model), trial.task, trial.fallback, 20)
    figures = user_figures(ranked, trial.task.targets, (20,))
    rows = np.flatnonzero(events.kind == BOOKING)
    at = [moment.replace(tzinfo=UTC) for moment in events.at[rows].tolist()]
    booked = [
        booked_offer(events, events.user[row], events.item[row], at=when)
        for row, when in zip(rows, at, strict=True)
    ]
    verdict = judged(model, other, events, booked, users=50)
    # Each item has a category of its own, so that the points found are the items found.
    for name, figure in (("ndcg@20", "ndcg@20"), ("horizon_recall@20", "recall_full@20")):
        found = named(verdict, name)
        assert found.count == 50
        assert found.candidate.value == pytest.approx(figures[figure][trial.is_in_sample].mean())


def test_undated_events_are_judged_on_their_test_part(contender, tmp_path):
    split = np.where(np.arange(len(crowd())) % 5 == 0, 2, 0).astype(np.int8)
    events = events_of(crowd().user, crowd().item, split=split, users=300, items=40)
    trained = train_model(
        events, PARAMETERS["itemknn"](), split="given", cutoff=None, progress=lambda *_: None
    )
    folder = save_model(trained, models=tmp_path, now=NOW).folder
    given = Contender(load_model(folder), read_artifact(folder).facts)
    trial = trial_of(events, given, given, users=2_000)
    assert not trial.is_refit
    assert np.all(trial.part.future.split == 2)
    assert judged(given, given, events).passed
    with pytest.raises(InvalidInput, match="nothing is held out"):
        trial_of(events_of([0], [0]), given, given, users=9)


def booked_offer(events, user, item, *, at=None, split=None):
    """Return a booking of an item that has a category of its own."""
    return BookedOffer(
        user_id=events.users[user].decode(),
        item_id=events.items[item].decode(),
        at=at,
        split=split,
        category=f"of {events.items[item]}",
        subcategory=None,
        genres=(),
        venue_type=None,
        venue=None,
    )


def test_undated_events_without_a_valid_part_widen_a_horizon_too(contender):
    events = events_of(crowd().user, crowd().item, split=0, users=300, items=40)
    undated = contender("itemknn")
    undated = replace(undated, facts=undated.facts.model_copy(update={"cutoff": None}))
    rows = zip(events.user, events.item, strict=True)
    booked = [booked_offer(events, *row, split="train") for row in rows]
    assert named(judged(undated, undated, events, booked), "horizon_recall@20").count > 100


def test_what_is_booked_again_in_the_part_held_out_was_not_met_before(contender):
    """It is no target, and yet of the future: a venue met with it is new."""
    people = np.arange(40)
    user, item = np.tile(people, 3), np.repeat([0, 0, 1], 40)
    events = events_of(user, item, split=np.repeat([0, 1, 1], 40))
    undated = contender("popularity")
    undated = replace(undated, facts=undated.facts.model_copy(update={"cutoff": None}))
    booked = [
        replace(booked_offer(events, who, what, split=part), category="of everything", venue=venue)
        for who in people
        for what, part, venue in (
            (0, "train", "here"),
            (0, "valid", "there"),
            (1, "valid", "there"),
        )
    ]
    assert named(judged(undated, undated, events, booked), "horizon_recall@20").count == 40


def test_the_horizon_is_what_was_widened_and_shown(contender):
    events, itemknn = crowd(), contender("itemknn", CUTOFF)
    rows = zip(events.user, events.item, events.at, strict=True)
    booked = [
        booked_offer(events, user, item, at=at.item().replace(tzinfo=UTC))
        for user, item, at in rows
    ]
    # What was booked before and cancelled before widened nobody's horizon.
    undone = {
        "at": CUTOFF - timedelta(days=2),
        "cancelled_at": CUTOFF - timedelta(days=1),
    }
    booked += [replace(one, **undone) for one in booked]
    verdict = judged(itemknn, contender("popularity", CUTOFF), booked=booked)
    horizon = named(verdict, "horizon_recall@20")
    assert horizon.count > 200
    assert horizon.limit == pytest.approx(-0.05 * horizon.champion.value)
    # Each item has a category of its own, so that the points found are the items found.
    recall = itemknn.facts.metrics["all_items"]["recall_full@20"]
    assert horizon.candidate.value == pytest.approx(recall["model"][0], abs=1e-9)
    assert horizon.champion.value == pytest.approx(recall["popularity"][0], abs=0.02)


def test_who_met_nothing_new_says_nothing_of_the_horizon(contender):
    events, itemknn = crowd(), contender("itemknn", CUTOFF)
    rows = zip(events.user, events.item, events.at.tolist(), strict=True)
    booked = [
        replace(
            booked_offer(events, user, item, at=at.replace(tzinfo=UTC)), category="of everything"
        )
        for user, item, at in rows
    ]
    assert named(judged(itemknn, itemknn, booked=booked), "horizon_recall@20").count == 0


def test_a_verdict_is_kept_as_json(contender):
    evidence = judged(contender("popularity", CUTOFF), contender("itemknn")).as_evidence()
    again = json.loads(json.dumps(evidence))
    assert again["candidate"] == contender("popularity", CUTOFF).model.version
    assert {row["name"] for row in again["criteria"]} >= {"ndcg@20", "median ms to score a request"}


def test_a_recipe_is_that_of_the_manifest(contender):
    facts = contender("itemknn").facts
    fades = facts.parameters["half_life_days"]
    assert recipe_of(facts) == PARAMETERS["itemknn"](half_life_days=fades)
    strange = facts.model_copy(update={"parameters": {"depth": 3}})
    with pytest.raises(ArtifactRefused, match="cannot fit it again"):
        recipe_of(strange)


class Stopwatch:
    """A clock that only models advance."""

    def __init__(self):
        self.now_s = 0.0

    def model(self, seconds):
        times = iter(seconds * 100)

        def scores(history, rows):
            self.now_s += next(times)
            return np.zeros(len(rows))

        return SimpleNamespace(scorer=SimpleNamespace(scores=scores))


def test_the_quickest_of_a_requests_rounds_counts():
    watch, nothing = Stopwatch(), History.of(np.empty(0, np.int32), np.empty(0, np.float32))
    slow, quick = (
        Requests(watch.model(seconds), (nothing,) * 2, np.arange(3, dtype=np.int32))
        for seconds in ([0.004, 0.002, 0.003], [0.001])
    )
    times_ms = paired_latencies_ms(slow, quick, lambda: watch.now_s)
    np.testing.assert_allclose(times_ms, [[2.0, 1.0], [2.0, 1.0]])


@pytest.mark.parametrize(
    ("candidate_ms", "champion_ms", "passed"),
    [(1.49, 1.0, True), (1.51, 1.0, False), (12.4, 10.0, True), (12.6, 10.0, False)],
)
def test_a_candidate_that_takes_much_longer_is_refused(candidate_ms, champion_ms, passed):
    times_ms = np.tile([candidate_ms, champion_ms], (50, 1))
    assert latency_criterion(times_ms, Floors().slowdown).passed == passed
    assert latency_criterion(times_ms, slowdown=9.0).passed


def test_a_candidate_that_may_take_much_longer_is_refused_though_its_median_does_not():
    candidate_ms = np.where(np.arange(50) < 26, 12.0, 13.2)
    found = latency_criterion(np.column_stack([candidate_ms, np.full(50, 10.0)]), 0.25)
    assert found.difference.value < found.limit < found.difference.high
    assert not found.passed


def test_the_time_of_each_model_is_held_against_it_alone(contender):
    watch, quick = Stopwatch(), contender("itemknn", CUTOFF)
    scorer = quick.model.scorer

    def scores(history, rows):
        watch.now_s += 0.003
        return scorer.scores(history, rows)

    slow = replace(quick, model=replace(quick.model, scorer=SimpleNamespace(scores=scores)))
    name, clock = "median ms to score a request", lambda: watch.now_s
    late = named(judged(slow, quick, users=50, clock=clock), name)
    assert (late.candidate.value, late.champion.value) == pytest.approx((3.0, 0.0))
    assert not late.passed
    assert named(judged(quick, slow, users=50, clock=clock), name).passed


def test_a_person_is_folded_in_anew_each_time_they_are_timed():
    watch, scored = Stopwatch(), SimpleNamespace()

    def solved(history):
        watch.now_s += 0.003
        return history.weights

    def scores(history, rows):
        return history.once(scored, solved)[: len(rows)]

    scored.scores = scores
    known = History.of(np.arange(3, dtype=np.int32), np.ones(3, np.float32))
    asked = Requests(SimpleNamespace(scorer=scored), (known,), np.arange(3, dtype=np.int32))
    times_ms = paired_latencies_ms(asked, asked, lambda: watch.now_s)
    np.testing.assert_allclose(times_ms, [[3.0, 3.0]])


def test_the_interval_of_the_medians_holds_the_difference_that_is_there():
    generator = np.random.default_rng(1)
    base = generator.gamma(4.0, 0.25, 400)
    times_ms = np.column_stack([base + 0.3 + generator.normal(0, 0.05, 400), base])
    first, second, difference = median_intervals(times_ms)
    assert first.low < np.median(times_ms[:, 0]) < first.high
    assert second.value == np.median(base)
    assert difference.low < 0.3 < difference.high
    # Paired: far narrower than either median alone.
    assert difference.high - difference.low < 0.7 * (second.high - second.low)
