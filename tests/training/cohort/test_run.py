import gc
import json
import weakref
from dataclasses import replace
from datetime import timedelta

import pyarrow.parquet as pq
import pytest

from reco.errors import InvalidInput
from training.cohort.report import as_json, told
from training.cohort.run import Cohorts
from training.cohort.world import make_world

from .conftest import SEED, TINY


def unseen(what, share):
    assert 0.0 <= share <= 1.0


def cohorts(folder, *policies, assumptions=TINY, seeds=(SEED,), revision="abc"):
    return Cohorts(assumptions, policies, seeds, folder, folder / "models", revision)


def test_lives_are_kept_and_not_lived_again(tmp_path):
    brief = replace(TINY, months=1, people=20)
    shares = []
    named_twice = cohorts(tmp_path, "popular", "popular", assumptions=brief)
    named_twice.run(1, lambda what, share: shares.append(share) if what == "lives" else None)
    # After the model, and after the one life.
    assert shares == [0.0, 1.0]
    kept = (tmp_path / f"bookings-popular-{SEED}.parquet").stat().st_mtime_ns
    both = cohorts(tmp_path, "popular", "nearest", assumptions=brief)
    assert both.lived("nearest") == []
    both.run(2, unseen)
    assert (tmp_path / f"bookings-popular-{SEED}.parquet").stat().st_mtime_ns == kept
    (one,) = both.lived("nearest")
    assert (one.policy, one.seed, len(one.people)) == ("nearest", SEED, 20)
    assert not list(tmp_path.glob("*.unfinished"))
    figures = as_json([told(both.lived("popular"))], [])
    bookings = both.lived("popular")[0].bookings
    value = figures["policies"][0]["figures"]["bookings"]["estimate"]["value"]
    assert value == pytest.approx(bookings.num_rows / 20)


@pytest.fixture
def beside(monkeypatch):
    """How many worlds there are whenever another is made."""
    made, found = [], []

    def make(assumptions, seed):
        gc.collect()
        found.append(sum(world() is not None for world in made))
        world = make_world(assumptions, seed)
        made.append(weakref.ref(world))
        return world

    monkeypatch.setattr("training.cohort.run.make_world", make)
    return found


def test_of_large_worlds_there_is_one_at_a_time_and_lives_are_the_same(
    tmp_path, monkeypatch, beside
):
    brief = replace(TINY, months=1, people=20)
    for name in ("small", "large"):
        both = cohorts(tmp_path / name, "relevance", "nearest", assumptions=brief, seeds=(1, 2))
        both.run(2, unseen)
        monkeypatch.setattr("training.cohort.run._MOST_BESIDE", brief.scale.users - 1)
    assert beside == [0, 1, 0, 0]
    for file in (tmp_path / "small").glob("*.parquet"):
        assert pq.read_table(file) == pq.read_table(tmp_path / "large" / file.name)
    assert len(list((tmp_path / "large").glob("bookings-*.parquet"))) == 4


@pytest.fixture
def kept(tmp_path):
    """A folder that is claimed, and keeps a life."""
    folder = tmp_path / "a folder"
    cohorts(folder, "popular").claim()
    (folder / f"bookings-popular-{SEED}.parquet").touch()
    return folder


def test_a_folder_of_other_assumptions_is_refused_and_what_differs_is_told(kept):
    others = replace(TINY, start=TINY.start + timedelta(days=7), people=21)
    with pytest.raises(InvalidInput) as refused:
        cohorts(kept, "popular", assumptions=others).run(1, unseen)
    assert str(refused.value) == (
        f"out: {kept} holds lives of other assumptions (start was {TINY.start}, is {others.start};"
        f" people was {TINY.people}, is 21): give those to go on, choose another folder with --out,"
        f" or delete it (rm -r '{kept}')."
    )
    # One that says no more of itself is told of as far as it goes.
    (kept / "assumptions.json").write_text('{"digest": "of others"}', encoding="utf-8")
    with pytest.raises(InvalidInput, match="lives of other assumptions: give those"):
        cohorts(kept, "popular").claim()
    parameters = replace(TINY.parameters, credit_eur=300.0)
    cohorts(kept.with_name("of"), "popular").claim()
    kept.with_name("of").joinpath("bookings-popular-1.parquet").touch()
    with pytest.raises(InvalidInput, match=r"\(parameters.credit_eur was 500.0, is 300.0\)"):
        cohorts(
            kept.with_name("of"), "popular", assumptions=replace(TINY, parameters=parameters)
        ).claim()


@pytest.mark.parametrize("revision", ["def", None])
def test_a_folder_of_other_code_is_refused(kept, revision):
    with pytest.raises(InvalidInput, match=f"other code .revision was abc, is {revision}.: choose"):
        cohorts(kept, "popular", revision=revision).run(1, unseen)
    claimed = json.loads((kept / "assumptions.json").read_text(encoding="utf-8"))
    del claimed["revision"]
    (kept / "assumptions.json").write_text(json.dumps(claimed), encoding="utf-8")
    with pytest.raises(InvalidInput, match="other code: choose"):
        cohorts(kept, "popular").claim()


def test_a_folder_that_keeps_no_life_is_begun_anew(tmp_path):
    cohorts(tmp_path, "popular").claim()
    (tmp_path / f"people-cohort-{SEED}.parquet").touch()
    cohorts(tmp_path, "popular", assumptions=replace(TINY, people=21), revision="def").claim()
    (tmp_path / f"bookings-popular-{SEED}.parquet").touch()
    with pytest.raises(InvalidInput, match="other assumptions"):
        cohorts(tmp_path, "popular").claim()


def test_no_life_is_kept_in_a_folder_that_another_run_has_claimed(tmp_path):
    ours = cohorts(tmp_path, "popular", assumptions=replace(TINY, months=1, people=20))
    other = cohorts(tmp_path, "popular", assumptions=replace(TINY, months=1, people=21))

    def claimed_meanwhile(what, share):
        if what == "the first world and its model":
            other.claim()

    with pytest.raises(InvalidInput, match="was claimed meanwhile by a run of other assumptions"):
        ours.run(1, claimed_meanwhile)
    assert ours.lived("popular") == other.lived("popular") == []


def test_nothing_to_live_through_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="at least one"):
        cohorts(tmp_path)
    with pytest.raises(InvalidInput, match="no policy 'magic'"):
        cohorts(tmp_path, "magic")
