"""No number of a run tells a home or a credit exactly, nor its order a place in the database."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_world import START, plain_world

from training.replay import run as running
from training.replay.coarse import distance_classes_m, pooled_classes_m, rounded_m
from training.replay.evaluation import Evaluation
from training.replay.outcome import evaluate
from training.replay.plan import Plan
from training.replay.reading import past_from_folder
from training.replay.slates import System

PLAN = Plan(
    (System("likeliest", None, 1.0), System("wide", None, 0.5, 30.0)),
    START, 2, n=8, radius_m=5e4, users=None, everybody=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    frames = plain_world(1).write(tmp_path_factory.mktemp("plain") / "frames")
    return Evaluation(past_from_folder(frames), PLAN, b"a key")


@pytest.fixture(scope="module")
def kept(evaluation, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "_PIECE", 12)
        kept, _ = evaluate(
            evaluation, tmp_path_factory.mktemp("runs") / "run",
            workers=1, progress=lambda *_: None, about={"world": "plain", "source": "rows"},
        )  # fmt: skip
    return kept


def is_coarse(told_m):
    """Say whether a distance is the end of a class."""
    return told_m >= 1_000 and told_m % (1_000 if told_m <= 10_000 else 5_000) == 0


def test_no_distance_is_told_closer_than_its_class(kept):
    rows = kept.rows().to_pylist()
    told = [m for row in rows for m in row["pooled_distances_m"] if not np.isnan(m)]
    assert len(told) > 100
    assert all(is_coarse(m) for m in told)
    medians = [row["distance_m@8"] for row in rows if not np.isnan(row["distance_m@8"])]
    assert len(medians) > 50
    assert all(m % 1_000 == 0 for m in medians)
    assert {row[name] * 10 % 1 for row in rows for name in ("lon", "lat")} <= {0.0}


def test_distances_are_told_of_all_together():
    near_m, far_m = np.full((30, 20), 400.0), np.full((30, 20), 7_300.0)
    distance_m = np.concatenate([near_m, far_m])
    distance_m[::7, 15:] = np.nan
    pooled = pooled_classes_m(distance_m, seed=3)
    np.testing.assert_array_equal(np.isnan(pooled), np.isnan(distance_m))
    np.testing.assert_array_equal(
        np.sort(pooled.ravel()), np.sort(distance_classes_m(distance_m).ravel())
    )
    # Of each person some of either class: nobody's own are left.
    assert all({1_000.0, 8_000.0} <= set(row[~np.isnan(row)].tolist()) for row in pooled)


def test_examples_tell_as_little(kept):
    people = kept.examples()
    told = [one["distance_m"] for person in people for slate in person["systems"].values()
            for one in slate["offers"] if one["distance_m"] is not None]  # fmt: skip
    assert len(told) > 20
    assert all(is_coarse(m) for m in told)
    credit = [person["credit_left_cents"] for person in people]
    assert any(credit)
    assert all(cents % 1_000 == 0 for cents in credit if cents is not None)


def test_rows_are_in_the_order_of_pseudonyms(kept, evaluation):
    names = sorted(evaluation.pseudonym(user) for user in evaluation.users.tolist())
    assert names != [evaluation.pseudonym(user) for user in evaluation.users.tolist()]
    rows = kept.rows(["system", "at", "user"]).to_pylist()
    for system in ("likeliest", "wide"):
        for at in PLAN.moments:
            mine = [row["user"] for row in rows if (row["system"], row["at"]) == (system, at)]
            assert mine == names
    told = [person["user"] for person in kept.examples()]
    assert told == sorted(told)


@given(st.lists(st.floats(0.0, 300_000.0), min_size=1))
def test_a_class_holds_its_distances(distance_m):
    exact = np.array(distance_m)
    told = distance_classes_m(exact)
    assert all(is_coarse(m) for m in told.tolist())
    assert (told >= exact * (1 - 1e-6)).all()
    assert (told - exact <= np.where(exact > 10_000, 5_000, 1_000)).all()
    assert (np.abs(rounded_m(exact) - exact) <= 500.0 + 1e-2).all()
