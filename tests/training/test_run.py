"""A training run, from events to an artifact and its figures."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from tastes import START, checkerboard, events_of, two_tastes

from features.interactions import DISMISS, VIEW, interaction_matrix
from reco.errors import InvalidInput
from reco.model.loaded import load_model
from training.fits import PARAMETERS, settled
from training.models.ials import REGULARISATION_SHARE
from training.run import train_model
from training.saving import save_model
from training.summary import as_metrics

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
CUTOFF = FIRST_DAY + timedelta(days=70)


def run(events, models, kind="itemknn", split="time", cutoff=None, tell=None, accounts=None):
    trained = train_model(
        events,
        PARAMETERS[kind](),
        split=split,
        cutoff=cutoff,
        progress=tell or (lambda _what, _share: None),
    )
    return save_model(trained, models=models, now=NOW, accounts=accounts)


def figure(summary, metric="ndcg@10"):
    (found,) = (row for row in summary.figures if row.metric == metric)
    return found


@pytest.mark.parametrize("kind", ["itemknn", "als"])
def test_a_personal_model_finds_more_than_popularity(kind, tmp_path):
    summary = run(two_tastes(), tmp_path, kind, cutoff=CUTOFF)
    found = figure(summary)
    assert found.difference.low > 0
    assert found.model.low < found.model.value < found.model.high
    assert found.difference.value == pytest.approx(found.model.value - found.popularity.value)


def test_popularity_equals_itself(tmp_path):
    summary = run(two_tastes(), tmp_path, "popularity", cutoff=CUTOFF)
    assert {(row.difference.low, row.difference.high) for row in summary.figures} == {(0, 0)}


@pytest.mark.parametrize("kind", sorted(PARAMETERS))
def test_the_future_changes_nothing_but_the_figures(kind, tmp_path):
    events = two_tastes()
    border = START + np.timedelta64(70, "D")
    seen = events.take(events.at < border)
    whole = load_model(run(events, tmp_path / "whole", kind, cutoff=CUTOFF).folder)
    cut = load_model(run(seen, tmp_path / "cut", kind, cutoff=CUTOFF).folder)
    assert whole.calibration == cut.calibration
    assert whole.half_life_days == cut.half_life_days
    np.testing.assert_array_equal(whole.history_item, cut.history_item)
    for name, array in whole.scorer.arrays().items():
        np.testing.assert_array_equal(array, cut.scorer.arrays()[name])


def test_the_summary_and_the_artifact_tell_of_the_same_run(tmp_path):
    events = two_tastes()
    summary = run(events, tmp_path, cutoff=CUTOFF)
    model = load_model(summary.folder, summary.digest)
    past = events.take(events.at < START + np.timedelta64(70, "D"))
    assert (model.version, model.kind) == (summary.version, "itemknn")
    assert model.cutoff == summary.cutoff == CUTOFF
    assert model.metrics == as_metrics(
        summary.figures, summary.open_figures, task=summary.task, is_held_out=True
    )
    assert model.metrics["judged_on"] == "held out"
    assert summary.folder == tmp_path / summary.version
    assert summary.events == len(past)
    assert summary.users == len(np.unique(past.user))
    assert summary.items == len(np.unique(past.item))
    assert summary.is_held_out
    assert len(model.history_item) == interaction_matrix(past).nnz
    assert summary.peak_memory_bytes > 10_000_000
    assert summary.seconds.keys() >= {"fit", "calibrate", "evaluate"}


def test_without_a_cutoff_all_is_seen_and_the_rehearsal_is_judged(tmp_path):
    events = two_tastes()
    summary = run(events, tmp_path)
    assert not summary.is_held_out
    assert summary.events == len(events)
    assert summary.cutoff is not None
    assert events.at.max() < np.datetime64(summary.cutoff.replace(tzinfo=None), "us")
    assert figure(summary).model.value > 0


def test_the_tenth_that_judges_chooses_no_half_life(tmp_path):
    """A classic is booked again in the last tenth but one, what is new in the last."""
    acts = [(60, 0, 0), (20, 1, 690), (10, 0, 700), (10, 1, 710)]
    item, day = (np.concatenate([[act[k]] * act[0] for act in acts]) for k in (1, 2))
    events, last = events_of(range(100), item, day), FIRST_DAY + timedelta(days=711)
    assert run(events, tmp_path / "all", "popularity").half_life_days is None
    # With a cutoff the gate does not judge on what lies before it.
    assert run(events, tmp_path / "cut", "popularity", cutoff=last).half_life_days == 90.0


def test_a_half_life_that_leaves_nothing_is_told():
    day = np.append(np.arange(9), 68)
    events = events_of(range(10), range(10), day)
    with pytest.raises(InvalidInput, match="days leave nothing of all that was done") as told:
        train_model(
            events,
            PARAMETERS["itemknn"](half_life_days=0.3),
            split="time",
            cutoff=None,
            progress=lambda *_: None,
        )
    assert told.value.field == "half_life_days"


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("itemknn", {"user_power": 1e3}),
        ("itemknn", {"neighbours": 0}),
        ("als", {"regularisation": 1e10}),
        # From this on all factors are zero (docs/accuracy.md, "What iALS leaves to the data").
        ("ials", {"regularisation": 1e6}),
        ("hybrid", {"regularisation": 1e6, "filter_weight": 0.0}),
        ("ease", {"regularisation": 1e30}),
        ("filter", {"item_power": 100.0}),
    ],
)
def test_settings_that_leave_nothing_to_say_are_told_by_name(kind, settings):
    with pytest.raises(InvalidInput, match=f"{kind} says nothing of anything by") as told:
        train_model(
            two_tastes(), PARAMETERS[kind](**settings),
            split="time", cutoff=CUTOFF, progress=lambda *_: None,
        )  # fmt: skip
    assert told.value.field == "config"
    assert str(told.value).endswith(f"; look at {' and '.join(settings)}.")


def test_a_half_life_that_leaves_nobody_two_works_is_told():
    # What two people did with the same two works is a thousand half-lives old.
    days = [0, 0, 0, 0, *range(1_000, 1_010)]
    events = events_of([0, 0, 1, 1, *range(2, 12)], [0, 1, 0, 1, *range(2, 12)], days)
    with pytest.raises(InvalidInput, match="itemknn says nothing of anything") as told:
        train_model(
            events, PARAMETERS["itemknn"](half_life_days=1.0),
            split="time", cutoff=None, progress=lambda *_: None,
        )  # fmt: skip
    assert str(told.value).endswith("; look at half_life_days.")


def test_a_little_more_regularisation_than_leaves_any_factor_says_something_still():
    usual = settled(interaction_matrix(two_tastes()), PARAMETERS["ials"]())
    vanishing = usual.regularisation / REGULARISATION_SHARE
    for times in (0.9, 1.1):
        trained = train_model(
            two_tastes(), PARAMETERS["ials"](regularisation=times * vanishing),
            split="time", cutoff=CUTOFF, progress=lambda *_: None,
        )  # fmt: skip
        assert np.isfinite(trained.final.fitted.score_users(np.arange(2, dtype=np.int32))).any()


def test_a_cutoff_is_a_moment_in_any_zone(tmp_path):
    elsewhere = CUTOFF.astimezone(timezone(timedelta(hours=-7)))
    one, other = (
        run(two_tastes(), tmp_path / n, cutoff=c) for n, c in (("utc", CUTOFF), ("west", elsewhere))
    )
    assert one.events == other.events
    assert one.version == other.version


def test_a_given_split_is_tested_on_its_test_part(tmp_path):
    board = checkerboard(30)
    parts = np.where(np.arange(len(board)) % 7 == 0, 2, 0).astype(np.int8)
    parts[3::11] = 1
    events = events_of(board.user, board.item, split=parts)
    summary = run(events, tmp_path, split="given")
    assert summary.cutoff is None
    assert summary.is_held_out
    assert summary.task.targets.nnz == np.count_nonzero(parts == 2)
    assert summary.events == np.count_nonzero(parts != 2)
    assert figure(summary, "recall_full@10").difference.low > 0


def test_a_world_without_bookings_is_trained_on_its_views(tmp_path):
    events = two_tastes()
    events.kind[:] = VIEW
    assert figure(run(events, tmp_path, cutoff=CUTOFF)).difference.low > 0


def test_progress_rises_from_nothing_to_all(tmp_path):
    told = []
    run(two_tastes(), tmp_path, "als", tell=lambda what, share: told.append((what, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert len(set(shares)) > 10


@pytest.mark.parametrize(
    ("events", "options", "field"),
    [
        (events_of([0, 1], [0, 1]), {}, "split"),
        (events_of([0, 1], [0, 1], [3, 4]), {"split": "given"}, "split"),
        (events_of([0, 1], [0, 1], [3, 4]), {"cutoff": FIRST_DAY}, "cutoff"),
        (events_of([0, 1], [0, 1], [3, 4], kind=DISMISS), {}, "events"),
    ],
    ids=["no times", "no split", "nothing before", "nothing to learn"],
)
def test_what_cannot_be_trained_on_is_refused_and_leaves_nothing(tmp_path, events, options, field):
    with pytest.raises(InvalidInput) as refusal:
        run(events, tmp_path, **options)
    assert refusal.value.field == field
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", sorted(PARAMETERS))
def test_a_world_of_two_bookings_can_be_trained(kind, tmp_path):
    summary = run(events_of([0, 1], [0, 1], [3, 4]), tmp_path, kind)
    assert load_model(summary.folder).kind == kind


def test_of_a_large_catalogue_fewer_people_are_judged_and_the_manifest_says_so(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("training.run.MAX_RANKED", 10)
    monkeypatch.setattr("training.run.LEAST_JUDGED", 7)
    summary = run(two_tastes(), tmp_path, cutoff=CUTOFF)
    assert len(summary.task.users) == 7
    people = load_model(summary.folder, summary.digest).metrics["people"]
    assert people == {"judged": 7, "of": summary.task.of_users}
    assert summary.task.of_users > 7
