"""The search for settings: it finds better ones, goes on where it was killed, gives up early."""

import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from tastes import START, checkerboard, events_of, two_tastes

from features.interactions import SPLITS
from reco.errors import InvalidInput
from training import search as searching
from training.accuracy import accuracy_plan
from training.configuration import read_parameters
from training.evaluate import among_novel, evaluate, task_of
from training.fits import PARAMETERS
from training.models.popularity import item_popularity
from training.search import Limits, search
from training.studies import Question, digest_of
from training.tune import rehearse

EASE = PARAMETERS["ease"]
SETTINGS = Path(__file__).parents[2] / "docs" / "settings"


def split_board():
    board = checkerboard(40)
    part = np.full(len(board), SPLITS.index("train"))
    part[::7], part[3::7] = SPLITS.index("test"), SPLITS.index("valid")
    return events_of(board.user, board.item, split=part)


def searched(part, start, limits, *, told=lambda *_: None, file=None, metric="ndcg@5"):
    return search(part, task_of(part), start, metric=metric, limits=limits, told=told, file=file)


@pytest.fixture
def part():
    return accuracy_plan(two_tastes(), "time").rehearsal


def test_better_settings_are_found_than_it_began_with(part):
    told = []
    found = searched(part, EASE(regularisation=1.0), Limits(60.0, 12), told=told.append)
    assert found.trials[0].figure < found.best.figure == max(t.figure for t in found.trials)
    assert [so_far.trials for so_far in told] == [found.trials[:n] for n in range(1, 13)]
    assert told[-1].best == found.best
    assert len(found.trials) == 12
    assert found.best.parameters.regularisation > 1.0
    assert set(found.importance) == {"regularisation", "half_life_days"}
    assert sum(found.importance.values()) == pytest.approx(1.0)


def test_without_time_it_still_judges_where_it_began():
    part, start = accuracy_plan(split_board(), "given").rehearsal, PARAMETERS["itemknn"]()
    found = searched(part, start, Limits(0.0))
    assert [trial.parameters for trial in found.trials] == [found.best.parameters] == [start]
    assert found.importance == {}


def test_where_nobody_can_be_judged_nothing_is_chosen():
    booked = np.arange(20) % 2
    part = accuracy_plan(events_of(booked, booked, np.arange(20)), "time").rehearsal
    with pytest.raises(InvalidInput, match=r"nobody has anything new.*validation part"):
        searched(part, EASE(), Limits(0.0))


def test_the_half_life_is_chosen_where_there_are_times():
    old = [(user, user % 5, 0) for user in range(40)]
    new = [(user, 5 + user % 3, 80) for user in range(40, 60)]
    later = [(user, 5 + user % 3, 95) for user in range(60, 80)]
    events = events_of(*map(np.array, zip(*(old + new + later), strict=True)))
    part = accuracy_plan(events, "time").final
    assert part.cutoff > START
    found = searched(part, PARAMETERS["popularity"](), Limits(60.0, 8))
    assert found.best.parameters.half_life_days is not None


@pytest.mark.parametrize(("asked", "first"), [(12.5, 12.5), (math.inf, None)])
def test_it_begins_with_the_half_life_that_is_asked_for(part, asked, first):
    found = searched(part, EASE(half_life_days=asked), Limits(0.0))
    assert [trial.parameters for trial in found.trials] == [EASE(half_life_days=first)]


@pytest.mark.parametrize("regularisation", [0.25, 10_000.0])
def test_it_begins_with_settings_that_lie_out_of_the_range(part, regularisation):
    found = searched(part, EASE(regularisation=regularisation), Limits(0.0))
    assert [trial.parameters.regularisation for trial in found.trials] == [regularisation]


def test_what_is_off_stays_off(part):
    off = PARAMETERS["filter"](factors=32, low_pass=0.0)
    found = searched(part, off, Limits(60.0, 3))
    assert {trial.parameters.low_pass for trial in found.trials} == {0.0}
    assert len({trial.parameters.sharpening for trial in found.trials}) > 1


def test_a_balance_is_searched_for_where_it_is_on():
    ials = PARAMETERS["ials"](unobserved_weight=0.1, regularisation=0.01)
    on, off = (
        Question(replace(ials, unobserved_balance=balance), "ndcg@20", (None,), "")
        for balance in (0.6, 0.0)
    )
    assert on.spans["unobserved_balance"].low < 0.6 < on.spans["unobserved_balance"].high
    assert not {name for name in off.spans if name.endswith("balance")}
    assert "category_balance" not in on.spans


def test_what_is_of_a_new_category_can_choose(part):
    """By two categories of items: who likes the even ones has met theirs, and goes astray."""
    category = np.arange(len(part.past.items), dtype=np.int32) % 2
    told = replace(part, past=replace(part.past, category=category))
    found = searched(told, PARAMETERS["popularity"](), Limits(0.0), metric="novel_recall@5")
    task = task_of(part)
    kept = among_novel(task, told)
    met = {(u, i % 2) for u, i in zip(part.past.user, part.past.item, strict=True)}
    expected = {
        (u, i) for u, i in zip(part.future.user, part.future.item, strict=True)
        if (u, i % 2) not in met
    }  # fmt: skip
    rows, items = kept.targets.nonzero()
    assert {*zip(kept.users[rows], items, strict=True)} == expected
    assert 0 < len(kept.users) < len(task.users)
    assert np.all(np.diff(kept.targets.indptr) > 0)
    fitted = rehearse(told, found.best.parameters, lambda: None)
    figures = evaluate(fitted.fitted.score_users, kept, item_popularity(fitted.matrix), (5,))
    assert found.best.figure == pytest.approx(figures["recall@5"].mean())
    with pytest.raises(InvalidInput, match="these items have none"):
        searched(part, EASE(), Limits(0.0), metric="novel_recall@5")


@pytest.mark.parametrize("file", sorted(SETTINGS.glob("*.toml")), ids=lambda file: file.stem)
def test_a_search_can_begin_with_each_settings_file_of_the_documentation(file):
    start = read_parameters(file)
    question = Question(start, "ndcg@20", (None,), "")
    assert question.first().items() <= asdict(start).items()
    for name, span in question.spans.items():
        assert span.low <= question.first()[name] <= span.high
        assert span.low > 0.0 or not span.is_log


def test_places_and_categories_tell_the_data_of_one_search_from_another(part):
    items = len(part.past.items)
    told, one = {digest_of(part)}, np.zeros(items, dtype=np.int32)
    for lonlat, category in ((1.0, one), (2.0, one), (2.0, np.arange(items) % 2)):
        past = replace(part.past, lonlat=np.full((items, 2), lonlat), category=category)
        told.add(digest_of(replace(part, past=past)))
    assert len(told) == 4


def test_who_came_later_and_did_nothing_yet_makes_no_other_search(part):
    def with_more(events):
        users, items = (np.append([b"a newcomer"], ids) for ids in (events.users, events.items))
        return replace(
            events, users=users, items=items, user=events.user + 1, item=events.item + 1,
            lonlat=np.ones((len(items), 2)), category=np.arange(len(items)),
            closes=np.append(events.closes[:1], events.closes),
        )  # fmt: skip

    def told(events):
        count = len(events.items)
        return replace(events, lonlat=np.ones((count, 2)), category=np.arange(count))

    now, later = (
        digest_of(replace(part, past=of(part.past), future=of(part.future)))
        for of in (told, with_more)
    )
    assert now == later
    other = replace(part.past, users=np.char.add(part.past.users, b"x"))
    assert digest_of(part) != digest_of(replace(part, past=other))


def test_settings_that_cannot_be_fitted_end_a_trial_alone(part, monkeypatch):
    rehearse, tries = searching.rehearse, []

    def rehearsed(*arguments):
        tries.append(arguments)
        if len(tries) == 2:
            raise InvalidInput("regularisation", "too small to solve by")
        return rehearse(*arguments)

    monkeypatch.setattr(searching, "rehearse", rehearsed)
    found = searched(part, EASE(), Limits(60.0, 3))
    assert [trial.figure is None for trial in found.trials] == [False, True, False]
    assert [bool(trial.failed) for trial in found.trials] == [False, True, False]
    assert "too small to solve by" in found.trials[1].failed
    # What a search begins with is to be fitted: else it has nothing to begin with.
    del tries[1:]
    with pytest.raises(InvalidInput, match="too small"):
        searched(part, EASE(), Limits(60.0, 3))


class Killed(Exception):
    """As if by a signal: nothing of the search runs after it."""


def killed_after(count):
    seen = []

    def told(found):
        seen.append(found.trials[-1])
        if len(seen) == count:
            raise Killed

    return told, seen


def test_a_killed_search_goes_on(part, tmp_path):
    file = tmp_path / "study.sqlite"
    told, before = killed_after(3)
    with pytest.raises(Killed):
        searched(part, EASE(), Limits(60.0), told=told, file=file)
    after = []
    found = searched(part, EASE(), Limits(60.0, 6), told=after.append, file=file)
    assert list(found.trials) == [*before, *(so_far.trials[-1] for so_far in after)]
    assert len(found.trials) == 6
    assert len({trial.parameters.regularisation for trial in found.trials}) == 6


def test_a_trial_that_was_cut_off_is_not_counted(part, tmp_path, monkeypatch):
    file = tmp_path / "study.sqlite"

    def cut_off(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(searching, "rehearse", cut_off)
        with pytest.raises(Killed):
            searched(part, EASE(), Limits(60.0), file=file)
    found = searched(part, EASE(), Limits(0.0), file=file)
    assert [trial.parameters for trial in found.trials] == [EASE()]


@pytest.mark.parametrize("finished", [1, 2])
def test_of_few_settings_one_that_was_cut_off_is_tried_again(part, tmp_path, monkeypatch, finished):
    monkeypatch.setattr("training.studies.SPACES", {"ease": {}})
    file, rehearsals = tmp_path / "study.sqlite", []

    def cut_off(*arguments):
        rehearsals.append(arguments)
        if len(rehearsals) > finished:
            raise Killed
        return rehearse(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(searching, "rehearse", cut_off)
        with pytest.raises(Killed):
            searched(part, EASE(), Limits(60.0), file=file)
    found = searched(part, EASE(), Limits(60.0), file=file)
    whole = searched(part, EASE(), Limits(60.0))
    tried = [trial.parameters for trial in found.trials]
    assert len(tried) == len(set(tried))
    assert set(tried) == {trial.parameters for trial in whole.trials}
    assert found.best.parameters == whole.best.parameters


@pytest.mark.parametrize("written", [b"no study", b"SQLite format 3\0" + b"\1" * 3_000, None])
def test_a_file_that_is_no_study_is_told(part, tmp_path, written):
    file = tmp_path / "study.sqlite"
    file.mkdir() if written is None else file.write_bytes(written)
    with pytest.raises(InvalidInput, match=r"study\.sqlite cannot be read as a study") as told:
        searched(part, EASE(), Limits(0.0), file=file)
    assert told.value.field == "out"


def test_another_seed_proposes_other_settings_and_asks_the_same_people(part, monkeypatch):
    monkeypatch.setattr(searching, "MAX_USERS", 7)
    found = [
        search(
            part, task_of(part), EASE(),
            metric="ndcg@5", limits=Limits(60.0, 2), told=lambda *_: None, seed=seed,
        ).trials
        for seed in range(4)
    ]  # fmt: skip
    first, second = zip(*found, strict=True)
    assert len({trial.figure for trial in first}) == 1
    assert len({trial.parameters for trial in second}) == 4


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("ials", {"factors": 64, "regularisation": 0.0}),
        ("hybrid", {"factors": 64, "regularisation": 0.0}),
        ("als", {"factors": 64, "regularisation": 0.0}),
        ("als", {"alpha": 1e30}),
        ("bpr", {"learning_rate": 1e30}),
        ("itemknn", {"item_power": 1e3}),
    ],
)
def test_settings_by_which_nothing_can_be_fitted_are_told(part, kind, settings):
    with pytest.raises(InvalidInput, match=f"{kind} cannot be fitted") as told:
        rehearse(part, PARAMETERS[kind](**settings), lambda: None)
    assert told.value.field == "config"


def test_settings_that_leave_nothing_to_say_are_not_judged_by_what_popularity_says(part):
    with pytest.raises(InvalidInput, match=r"ease says nothing of anything .*; look at regularis"):
        searched(part, EASE(regularisation=1e30), Limits(0.0))


@pytest.mark.parametrize("kind", ["popularity", "ease"])
def test_a_search_ends_where_all_was_tried(part, kind, monkeypatch):
    monkeypatch.setattr("training.studies.SPACES", {kind: {}})
    found = searched(part, PARAMETERS[kind](), Limits(600.0))
    tried = [trial.parameters for trial in found.trials]
    assert len(tried) == len(set(tried)) > 1
    undated = accuracy_plan(split_board(), "given").rehearsal
    assert len(searched(undated, PARAMETERS[kind](), Limits(600.0)).trials) == 1


def test_a_finished_search_is_read_without_a_new_trial(part, tmp_path):
    file = tmp_path / "study.sqlite"
    found = searched(part, EASE(), Limits(60.0, 2), file=file)
    again = searched(part, EASE(), Limits(0.0), file=file)
    assert again == found


def test_the_study_of_another_search_is_refused(part, tmp_path):
    file = tmp_path / "study.sqlite"
    searched(part, EASE(), Limits(0.0), file=file)
    other = accuracy_plan(two_tastes(seed=1), "time").rehearsal
    for changed, start, metric in (
        (other, EASE(), "ndcg@5"),
        (part, PARAMETERS["popularity"](), "ndcg@5"),
        (part, EASE(), "recall@5"),
    ):
        with pytest.raises(InvalidInput, match="study of another search"):
            searched(changed, start, Limits(0.0), file=file, metric=metric)


def test_what_is_hopeless_on_a_few_people_is_given_up(monkeypatch):
    monkeypatch.setattr(searching, "RUNG_LEAST", 20)
    part, figures = accuracy_plan(two_tastes(users=240), "time").rehearsal, []
    given = iter([*[0.5, 0.5] * 4, 0.1, 0.9, 0.6])
    monkeypatch.setattr(searching, "_figure", lambda *_: figures.append(next(given)) or figures[-1])
    found = searched(part, EASE(), Limits(60.0, 6))
    assert [trial.figure for trial in found.trials] == [0.5, 0.5, 0.5, 0.5, None, 0.6]
    assert found.best == found.trials[-1]


def test_few_people_judge_whole_trials_alone(part):
    assert searching._first_rung(part, task_of(part)) == []


def test_a_first_rung_is_of_a_share_of_the_people(monkeypatch):
    monkeypatch.setattr(searching, "RUNG_LEAST", 20)
    part = accuracy_plan(two_tastes(users=240), "time").rehearsal
    ((fewer, judged),) = searching._first_rung(part, task_of(part))
    there = np.unique(fewer.past.user)
    assert len(there) == pytest.approx(0.2 * 239, rel=0.3)
    assert set(judged.users) & set(part.past.user) <= set(there)
    assert len(fewer.past) == np.isin(part.past.user, there).sum()
