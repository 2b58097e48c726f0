"""Popularity of a window, and by area: where people go says what is popular with them."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.sparse import csr_array
from tastes import START, fashion, two_tastes

from reco.array_folder import MANIFEST
from reco.errors import ArtifactRefused, InvalidInput
from reco.model.history import History
from reco.model.loaded import load_model
from reco.model.scorer import Bounds
from training.models import areas
from training.models.known_items import KnownItems
from training.models.popularity import PopularityParameters, fit_popularity
from training.run import train_model
from training.saving import save_model
from training.split import time_split
from training.tune import rehearse

DAY = np.timedelta64(1, "D")
PARIS, LYON, NOWHERE = (2.35, 48.86), (4.83, 45.76), (np.nan, np.nan)
LONLAT = np.array([PARIS, LYON, NOWHERE, PARIS, LYON, NOWHERE])
# Four people of Paris, two of Lyon, and one of whom it is not known where they go.
MET = np.array(
    [
        [1, 0, 1, 0, 0, 0],
        [1, 0, 1, 0, 0, 0],
        [1, 0, 1, 1, 0, 0],
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 1, 0],
        [0, 1, 0, 0, 0, 0.5],
        [0, 0, 1, 0, 0, 0],
    ],
    dtype=np.float32,
)
TWO = PopularityParameters(areas=2, area_prior=2.0)


def nothing():
    return None


def fitted_by_area(parameters=TWO, lonlat=LONLAT):
    return fit_popularity(csr_array(MET), parameters, nothing, KnownItems(lonlat))


def expected(of_area, total):
    """Return what an area's popularity is to be: two bookings are shared out as everybody's."""
    smoothed = of_area + 2.0 * total / total.sum()
    return total.sum() * smoothed / smoothed.sum()


def test_popularity_by_area_is_that_of_the_people_who_go_there():
    scores = fitted_by_area().score_users(np.arange(len(MET), dtype=np.int32))
    total = MET.sum(axis=0)
    paris, lyon = expected(MET[:4].sum(axis=0), total), expected(MET[4:6].sum(axis=0), total)
    np.testing.assert_allclose(scores[[0, 1, 3]], np.tile(paris, (3, 1)), rtol=1e-5)
    np.testing.assert_allclose(scores[[4]], [lyon], rtol=1e-5)
    np.testing.assert_allclose(scores[[6]], [total], rtol=1e-5)
    assert scores[0, 0] > total[0] > scores[4, 0] > 0.0


def test_a_person_of_two_areas_is_told_of_both_in_proportion():
    scorer = fitted_by_area().scorer
    rows = np.arange(6, dtype=np.int32)

    def told(places, weights):
        history = History(np.array(places, dtype=np.int32), np.array(weights, dtype=np.float32))
        return scorer.scores(history, rows)

    mixed = told([0, 1], [1.0, 3.0])
    np.testing.assert_allclose(mixed, (told([0], [1.0]) + 3 * told([1], [1.0])) / 4, rtol=1e-5)


def test_of_an_item_that_nobody_met_nothing_is_said_whatever_area_it_is_in():
    met = np.column_stack([MET, np.zeros(len(MET), dtype=np.float32)])
    known = KnownItems(np.vstack([LONLAT, PARIS]))
    fitted = fit_popularity(csr_array(met), TWO, nothing, known)
    assert np.isnan(fitted.score_users(np.array([0, 6], dtype=np.int32))[:, 6]).all()
    history = History(np.array([0], dtype=np.int32), np.ones(1, dtype=np.float32))
    assert np.isnan(fitted.scorer.scores(history, np.arange(7, dtype=np.int32))).tolist() == [
        *[False] * 6,
        True,
    ]


def test_many_users_at_once_get_the_scores_of_one_alone():
    fitted = fitted_by_area()
    together = fitted.score_users(np.arange(len(MET), dtype=np.int32))
    for user, weights in enumerate(MET):
        rows = np.flatnonzero(weights).astype(np.int32)
        alone = fitted.scorer.scores(History(rows, weights[rows]), np.arange(6, dtype=np.int32))
        np.testing.assert_allclose(together[user], alone, rtol=1e-6)


def test_bounds_and_unknown_items_are_as_without_areas():
    scorer = fitted_by_area().scorer
    rows, history = (
        np.array([-1, 3, 0], dtype=np.int32),
        History.of(np.array([0, 4], dtype=np.int32), np.ones(2, dtype=np.float32)),
    )
    scores = scorer.scores(history, rows)
    found = scorer.bounds(history, rows, Bounds(*np.empty((2, 3), dtype=np.float32)))
    assert np.isnan(scores[0])
    assert np.isnan(found.score[0])
    assert np.all(np.abs(found.score[1:] - scores[1:]) <= found.slack[1:])


@pytest.fixture
def saved(tmp_path):
    """The folder of an artifact whose even items are in Paris, the odd ones in Lyon."""
    events = two_tastes()
    events = replace(events, lonlat=np.resize([PARIS, LYON], (len(events.items), 2)))
    trained = train_model(
        events, TWO, split="time", cutoff=None, progress=lambda _what, _share: None
    )
    return save_model(trained, models=tmp_path, now=datetime(2025, 6, 1, tzinfo=UTC)).folder


def test_a_saved_model_tells_those_of_each_area_what_is_popular_there(saved):
    model = load_model(saved)
    rows = np.arange(len(model.items), dtype=np.int32)
    for user in range(8):
        logits = model.logits(model.user_history(f"u{user:04}"), rows)
        best = np.argsort(-np.nan_to_num(logits, nan=-np.inf))[:10]
        assert np.mean(best % 2 == user % 2) > 0.9
    assert np.isfinite(model.logits(model.user_history("nobody"), rows)[:-1]).all()


def test_areas_that_do_not_fit_are_refused(saved):
    content = json.loads((saved / MANIFEST).read_text())
    del content["arrays"]["item_area"]
    (saved / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(ArtifactRefused, match="item_area is missing"):
        load_model(saved)


def test_items_of_one_place_are_one_area():
    everywhere = np.tile(PARIS, (6, 1))
    found = fitted_by_area(lonlat=everywhere).score_users(np.array([0, 5], dtype=np.int32))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


@pytest.mark.parametrize("lonlat", [None, np.full((6, 2), np.nan)], ids=["not asked", "unknown"])
def test_areas_need_places(lonlat):
    with pytest.raises(InvalidInput, match="areas: no item has a place"):
        fitted_by_area(lonlat=lonlat)


def test_more_areas_than_a_model_may_hold_are_refused(monkeypatch):
    monkeypatch.setattr(areas, "_MOST_NUMBERS", 11)
    with pytest.raises(InvalidInput, match=r"areas: 2 areas of 6 items are more.*at most 1"):
        fitted_by_area()


def test_where_all_has_faded_no_area_knows_more():
    scorer = fit_popularity(csr_array(0 * MET), TWO, nothing, KnownItems(LONLAT)).scorer
    assert scorer.areas is None
    assert np.isnan(scorer.popularity).all()


def test_a_window_counts_by_area_too():
    known = KnownItems(LONLAT, lately=csr_array(np.roll(MET, 1, axis=1)))
    fitted = fit_popularity(csr_array(MET), replace(TWO, window_days=7), nothing, known)
    total = np.roll(MET.sum(axis=0), 1)
    paris = expected(np.roll(MET[:4].sum(axis=0), 1), total)
    found = fitted.score_users(np.array([3], dtype=np.int32))
    np.testing.assert_allclose(found, [np.where(total > 0, paris, np.nan)], rtol=1e-5)


@pytest.mark.parametrize(("days", "counted"), [(None, [40, 20]), (30, [np.nan, 20])])
def test_only_what_was_done_in_the_window_counts(days, counted):
    part = time_split(fashion(), START + 710 * DAY)
    fitted = rehearse(part, PopularityParameters(window_days=days), nothing).fitted
    np.testing.assert_allclose(fitted.score_users(np.array([0], dtype=np.int32)), [counted])


def test_a_window_in_which_nothing_was_done_is_refused():
    part = time_split(fashion(), START + 710 * DAY)
    with pytest.raises(InvalidInput, match="window_days: nothing was done in the 5 days"):
        rehearse(part, PopularityParameters(window_days=5), nothing)
    undated = replace(
        part, past=replace(part.past, at=np.full(len(part.past), np.datetime64("NaT", "us")))
    )
    undated = replace(undated, cutoff=None)
    with pytest.raises(InvalidInput, match="window_days"):
        rehearse(undated, PopularityParameters(window_days=5), nothing)
