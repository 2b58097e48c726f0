"""Methods to compare with: every one gives a list, and does what it is known for."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.sparse import csr_array

from reco.feed.slate import Quota
from reco.feed.widening import Values
from training.diversify.candidates import Candidates
from training.diversify.categories import calibrated, round_robin, xquad
from training.diversify.likeness import dpp_attributes, dpp_latent, mmr
from training.diversify.methods import OTHERS, fair, floored, priced, settings


def candidates_of(probability, categories, latent=None, tastes=None, seed=0):
    count = len(probability)
    groups = max(categories) + 1
    shares = np.eye(groups)[categories]
    vectors = shares if latent is None else np.asarray(latent, dtype=float)
    values = Values(
        np.arange(count + 1),
        np.asarray(categories, dtype=np.int32),
        np.full(groups, 25.0),
        np.arange(groups),
    )
    return Candidates(
        np.asarray(probability, dtype=float), values, vectors, csr_array(vectors), shares,
        np.full(groups, 1 / groups) if tastes is None else np.asarray(tastes),
        np.asarray(categories) == 0, seed,
    )  # fmt: skip


pools = st.lists(
    st.tuples(st.sampled_from([0.0, 0.01, 0.1, 0.1, 0.5, 1.0]), st.integers(0, 3)),
    min_size=1,
    max_size=12,
).map(lambda rows: sorted(rows, reverse=True))


@pytest.mark.parametrize(
    "setting",
    [setting for setting in settings() if setting.intensity in {1.0, 100.0}],
    ids=lambda s: f"{s.method} {s.parameter}",
)
@examples(max_examples=15)
@given(pools, st.integers(1, 8))
def test_every_setting_gives_a_full_list_in_order(setting, rows, k):
    found = candidates_of([p for p, _ in rows], [c for _, c in rows])
    chosen = setting.choose(found, k).tolist()
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(k, len(rows))
    assert chosen[0] >= 0
    assert chosen[-1] < len(rows)


@given(pools, st.integers(1, 8), st.sampled_from(["mmr", "calibrated", "xquad"]))
def test_without_diversity_the_likeliest_remain(rows, k, method):
    chances = [p for p, _ in rows]
    found = candidates_of(chances, [c for _, c in rows])
    chosen = OTHERS[method](found, 1.0 if method == "mmr" else 0.0, k)
    assert sorted((chances[at] for at in chosen), reverse=True) == chances[:k]


def test_likeness_is_avoided():
    found = candidates_of([0.9, 0.8, 0.5], [0, 0, 1])
    assert sorted(mmr(found, 0.5, 2)) == [0, 2]
    assert sorted(dpp_latent(found, 1.0, 2)) == [0, 2]
    assert sorted(dpp_attributes(found, 1.0, 2)) == [0, 2]


def test_a_determinantal_choice_is_the_best_pair_by_its_determinant():
    generator = np.random.default_rng(1)
    vectors = generator.normal(size=(6, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chances = np.sort(generator.random(6))[::-1]
    found = candidates_of(chances, [0] * 6, vectors)
    kernel = np.outer(chances, chances) * (vectors @ vectors.T)
    first = int(np.argmax(np.diag(kernel)))
    second = max(
        (at for at in range(6) if at != first),
        key=lambda at: np.linalg.det(kernel[np.ix_([first, at], [first, at])]),
    )
    assert dpp_latent(found, 1.0, 2).tolist() == [first, second]


def test_rotation_takes_each_category_in_turn():
    found = candidates_of([0.9, 0.8, 0.7, 0.6, 0.5], [1, 1, 1, 0, 2])
    assert round_robin(found, 0.0, 4).tolist() == [0, 3, 4, 1]


def test_calibration_follows_the_history():
    found = candidates_of([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 1], tastes=[0.5, 0.5])
    assert sorted(calibrated(found, 0.9, 2)) == [0, 2]


def test_xquad_covers_tastes():
    found = candidates_of([0.9, 0.8, 0.7], [0, 0, 1], tastes=[0.4, 0.6])
    assert sorted(xquad(found, 1.0, 2)) == [0, 2]
    # What is unlikely in the pool covers much of a category of which there is little else.
    found = candidates_of([0.9, 0.8, 0.7, 0.6, 0.1, 0.09], [0] * 4 + [1] * 2, tastes=[0.5, 0.5])
    assert xquad(found, 1.0, 3).tolist() == [4, 0, 5]


@given(pools, st.integers(1, 8), st.sampled_from([0.1, 0.5, 0.9]))
def test_xquad_is_its_formula(rows, k, weight):
    chances, categories = [p for p, _ in rows], [c for _, c in rows]
    tastes = np.arange(1, max(categories) + 2) / np.arange(1, max(categories) + 2).sum()
    found, chosen = candidates_of(chances, categories, tastes=tastes), []

    def share(at, among):
        total = sum(chances[other] for other in among)
        return chances[at] / total if total else 0.0

    def covers(at):
        return share(at, [n for n, c in enumerate(categories) if c == categories[at]])

    def worth(at):
        left = math.prod(1 - covers(o) for o in chosen if categories[o] == categories[at])
        novel = tastes[categories[at]] * covers(at) * left
        return (1 - weight) * share(at, range(len(rows))) + weight * novel

    for at in xquad(found, weight, k).tolist():
        best = max(worth(other) for other in range(len(rows)) if other not in chosen)
        assert worth(at) == pytest.approx(best, abs=1e-12)
        chosen.append(at)
    assert len(set(chosen)) == min(k, len(rows))


def test_a_fair_slate_leaves_room_for_small_venues_while_there_are_any():
    found = candidates_of([0.5, 0.4, 0.3, 0.2, 0.1], [0, 0, 0, 1, 2])
    assert fair(floored(1.0, 1.0), 0.25).choose(found, 4).tolist() == [0, 1, 3, 4]
    assert fair(floored(1.0, 1.0), 0.5).choose(found, 3).tolist() == [0, 3, 4]
    assert floored(1.0, 1.0).choose(found, 3).tolist() == [0, 1, 2]


def test_a_dear_booking_leaves_the_likeliest_and_a_cheap_one_widens():
    found = candidates_of([0.5, 0.5, 0.47, 0.1], [0, 0, 1, 2])
    assert priced(6400.0).choose(found, 2).tolist() == [0, 1]
    assert priced(50.0).choose(found, 2).tolist() == [0, 2]


@given(pools, st.integers(1, 8), st.integers(1, 3), st.sampled_from(["round_robin", "dpp"]))
def test_no_group_takes_more_of_a_list_than_its_quota(rows, k, limit, method):
    categories = [c for _, c in rows]
    free = candidates_of([p for p, _ in rows], categories)
    group = np.asarray(categories, dtype=np.int64)
    found = replace(free, quotas=(Quota(group, np.full(len(group), limit)),))
    choose = {"round_robin": round_robin, "dpp": dpp_attributes}[method]
    chosen = choose(found, 1.0, k)
    assert len(set(chosen.tolist())) == len(chosen)
    assert np.bincount(group[chosen]).max() <= limit
    assert len(chosen) == min(k, np.minimum(np.bincount(group), limit).sum())
    if np.bincount(group[choose(free, 1.0, k)]).max() <= limit:
        assert chosen.tolist() == choose(free, 1.0, k).tolist()
