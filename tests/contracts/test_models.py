"""What every kind of model must keep to, from the fit to the served artifact.

A new kind of model is held to all of it by being listed in `training.fits.PARAMETERS`.
"""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from tastes import checkerboard, two_tastes

from features.interactions import encoded_ids, interaction_matrix
from reco.array_folder import MANIFEST
from reco.errors import ArtifactRefused
from reco.model.arranged import arranged
from reco.model.artifact import read_artifact
from reco.model.history import History
from reco.model.loaded import SCORERS, load_model
from reco.model.scorer import Bounds
from training.commands.train import ModelKind
from training.fits import PARAMETERS, fit, settled, stated
from training.run import train_model
from training.saving import save_model
from training.tune import end_of

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
KINDS = sorted(PARAMETERS)
PERSONAL = [kind for kind in KINDS if kind != "popularity"]
EMPTY = History(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32))
NOBODY_MET = 39
"""Row of the item that nobody met."""


def trained(kind, models, events):
    trained = train_model(
        events,
        PARAMETERS[kind](),
        split="time",
        cutoff=None,
        progress=lambda _what, _share: None,
    )
    return save_model(trained, models=models, now=NOW)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The folder of one artifact a kind, all trained on the same events."""
    models, events = tmp_path_factory.mktemp("models"), two_tastes()
    return {kind: trained(kind, models, events).folder for kind in KINDS}


@pytest.fixture(params=KINDS)
def model(request, folders):
    return load_model(folders[request.param])


@pytest.fixture(params=PERSONAL)
def personal(request, folders):
    return load_model(folders[request.param])


@pytest.fixture(params=KINDS)
def copied(request, folders, tmp_path):
    """A copy of an artifact, to be spoilt."""
    folder = tmp_path / request.param
    folder.mkdir()
    for path in folders[request.param].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def all_rows(model):
    return np.arange(len(model.items), dtype=np.int32)


def trained_matrix(model):
    events = two_tastes()
    half_life_days = model.half_life_days
    matrix = interaction_matrix(events, as_of=end_of(events), half_life_days=half_life_days)
    return matrix.toarray()


def fitted(kind, events):
    return fit(interaction_matrix(events), PARAMETERS[kind](), lambda: None)


def test_every_kind_that_is_trained_can_be_served():
    assert set(PARAMETERS) == set(SCORERS)
    assert all(kind == PARAMETERS[kind].kind for kind in KINDS)


def test_every_kind_can_be_asked_for_by_its_name():
    assert {kind.value for kind in ModelKind} == set(PARAMETERS)


def test_a_known_user_has_the_history_that_was_trained_on(model):
    matrix = trained_matrix(model)
    for row in (0, 17, 58):
        history = model.user_history(f"u{row:04}")
        assert history.rows.tolist() == np.flatnonzero(matrix[row]).tolist()
        np.testing.assert_array_equal(history.weights, matrix[row][history.rows])


def test_a_known_user_gets_log_odds(model):
    logits = model.logits(model.user_history("u0000"), all_rows(model))
    assert logits.dtype == np.float64
    assert np.isfinite(logits[:NOBODY_MET]).mean() > 0.9
    assert np.nanmax(logits) < 5


def test_bounds_hold_the_scores(model):
    rows = np.append(all_rows(model), -1).astype(np.int32)
    for user in ("u0000", "u0031", "nobody"):
        history = model.user_history(user)
        scores = model.scorer.scores(history, rows)
        room = Bounds(*np.empty((2, len(rows)), dtype=np.float32))
        found = model.scorer.bounds(history, rows, room)
        np.testing.assert_array_equal(np.isnan(found.score), np.isnan(scores))
        said = ~np.isnan(scores)
        assert np.all(np.abs(found.score[said] - scores[said]) <= found.slack[said])


@pytest.mark.parametrize("user", ["u0059", "nobody", "", "é"])
def test_a_user_without_a_past_has_an_empty_history(model, user):
    assert len(model.user_history(user)) == 0


def test_a_personal_model_cannot_say_for_an_empty_history(personal):
    assert np.isnan(personal.logits(EMPTY, all_rows(personal))).all()


def test_a_personal_model_cannot_say_for_a_history_that_nobody_shares(personal):
    rows = all_rows(personal)
    history = History(np.array([NOBODY_MET], dtype=np.int32), np.ones(1, dtype=np.float32))
    assert np.isnan(personal.logits(history, rows)).all()
    room = Bounds(*np.empty((2, len(rows)), dtype=np.float32))
    assert np.isnan(personal.scorer.bounds(history, rows, room).score).all()
    most, beside = np.empty((2, len(rows)), dtype=np.float32)
    assert arranged(personal.scorer, rows).at_most(history, most, beside) is None
    assert np.isnan(most).all()


def test_popularity_is_the_same_for_everybody(folders):
    model = load_model(folders["popularity"])
    rows = all_rows(model)
    met = trained_matrix(model).sum(axis=0)
    logits = model.logits(EMPTY, rows)
    np.testing.assert_array_equal(logits, model.logits(model.user_history("u0001"), rows))
    assert np.all(np.diff(logits[np.argsort(met[:NOBODY_MET], kind="stable")]) >= 0)
    assert logits[met.argmax()] > logits[np.argmin(met[:NOBODY_MET])]


def test_unknown_items_are_nan_and_do_not_move_the_others(model):
    ids = encoded_ids(["i0003", "no such item", "i0039", "i0004"])
    rows = model.item_rows(ids)
    assert rows.tolist() == [3, -1, NOBODY_MET, 4]
    history = model.user_history("u0000")
    logits = model.logits(history, rows)
    assert np.isnan(logits[1:3]).all()
    expected = model.logits(history, np.array([3, 4], dtype=np.int32))
    np.testing.assert_allclose(logits[[0, 3]], expected, rtol=1e-5)


def test_no_items_no_scores(model):
    nothing = np.empty(0, dtype=np.int32)
    assert model.logits(model.user_history("u0000"), nothing).shape == (0,)
    assert model.similar(3, nothing).shape == (0,)


def test_people_get_what_their_like_like(personal):
    rows = all_rows(personal)
    for user in range(20):
        history = personal.user_history(f"u{user:04}")
        logits = personal.logits(history, rows)
        logits[history.rows] = -np.inf
        logits[np.isnan(logits)] = -np.inf
        best = np.argsort(-logits)[:3]
        assert np.all(best % 2 == user % 2), (user, best)


def test_a_fresh_interaction_counts_at_once(personal):
    rows = all_rows(personal)
    before = personal.user_history("u0000")
    odd = np.array([1, 3, 5, 7, 9, 11, 13], dtype=np.int32)
    fresh = before.merged(History(odd, np.ones(len(odd), dtype=np.float32)))
    gain = personal.logits(fresh, rows) - personal.logits(before, rows)
    others = np.setdiff1d(rows[:NOBODY_MET], fresh.rows)
    is_odd = others % 2 == 1
    assert np.nanmean(gain[others[is_odd]]) > np.nanmean(gain[others[~is_odd]])


def test_similar_items_are_those_that_the_same_people_like(personal):
    rows = all_rows(personal)
    for item in range(8):
        similarity = personal.similar(item, rows)
        similarity[[item, NOBODY_MET]] = -1
        best = np.argsort(-np.nan_to_num(similarity, nan=-1))[:3]
        assert np.all(best % 2 == item % 2), (item, best)


@pytest.mark.parametrize("row", [-1, NOBODY_MET])
def test_nothing_is_similar_to_an_item_without_a_past(model, row):
    assert np.isnan(model.similar(row, all_rows(model))).all()


@pytest.mark.parametrize("kind", KINDS)
def test_many_users_at_once_get_the_scores_of_one_alone(kind):
    events = two_tastes(3)
    matrix, model = interaction_matrix(events), fitted(kind, events)
    rows = np.arange(matrix.shape[1], dtype=np.int32)
    users = np.arange(matrix.shape[0], dtype=np.int32)
    together = model.score_users(users)
    for user in (0, 5, 31, 59):
        row = matrix[[user]]
        history = History(row.indices, row.data)
        alone = model.scorer.scores(history, rows)
        np.testing.assert_allclose(together[user], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_and_parameters_are_all_of_a_model(kind):
    matrix = interaction_matrix(two_tastes(4))
    scorer = fit(matrix, PARAMETERS[kind](), lambda: None).scorer
    parameters = stated(settled(matrix, PARAMETERS[kind]()))
    again = type(scorer).from_arrays(scorer.arrays(), parameters)
    history = History(np.array([2, 8, 20], dtype=np.int32), np.array([1, 0.1, 1], dtype=np.float32))
    rows = np.arange(-1, 40, dtype=np.int32)
    np.testing.assert_array_equal(again.scores(history, rows), scorer.scores(history, rows))
    np.testing.assert_array_equal(again.similar(2, rows), scorer.similar(2, rows))
    assert set(scorer.arrays()) == set(scorer.layout)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_events_give_the_same_artifact(kind, tmp_path):
    digests = {trained(kind, tmp_path / name, two_tastes()).digest for name in ("one", "two")}
    assert len(digests) == 1


@pytest.mark.parametrize("kind", PERSONAL)
def test_the_empty_square_of_a_checkerboard_is_found(kind):
    """Each user met every second item but for one: that one comes first."""
    matrix, model = interaction_matrix(checkerboard()), fitted(kind, checkerboard())
    scores = model.score_users(np.arange(50, dtype=np.int32))
    scores[matrix.toarray() > 0] = np.nan
    assert np.nanargmax(scores, axis=1).tolist() == list(range(50))


def test_any_truncated_array_is_refused(copied):
    for path in sorted(copied.glob("*.npy")):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ArtifactRefused, match=f"{path.name}.*truncated"):
            load_model(copied)
        path.write_bytes(whole)
    assert load_model(copied).kind == copied.name


def test_any_altered_array_is_refused(copied):
    for path in sorted(copied.glob("*.npy")):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(ArtifactRefused, match=f"{path.name}.*SHA-256"):
            load_model(copied)
        path.write_bytes(whole)


def test_another_digest_than_the_registered_one_is_refused(copied, folders):
    digest = load_model(folders[copied.name]).digest
    assert load_model(copied, digest).digest == digest
    manifest = copied / MANIFEST
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    assert load_model(copied).kind == copied.name
    with pytest.raises(ArtifactRefused, match="registered"):
        load_model(copied, digest)


def test_a_manifest_of_before_it_told_of_people_is_read(copied, folders):
    content = json.loads((copied / MANIFEST).read_text())
    content["schema_version"] = 1
    del content["facts"]["people"]
    (copied / MANIFEST).write_text(json.dumps(content))
    assert load_model(copied).version == load_model(folders[copied.name]).version
    assert read_artifact(copied).facts.people is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.update(schema_version=99), "schema version 99"),
        (lambda m: m["facts"].update(kind="oracle"), "'oracle' is no kind of model"),
        (lambda m: m["facts"].update(features=["view=7"]), "view=7.*train it again"),
        (lambda m: m["facts"].update(calibration={"slope": 1.0}), "intercept"),
        (lambda m: m["facts"].pop("version"), "version"),
        (lambda m: m["arrays"].pop("items"), "items is missing"),
    ],
    ids=["schema", "kind", "features", "calibration", "facts", "arrays"],
)
def test_a_manifest_that_this_code_cannot_serve_is_refused_with_the_reason(copied, change, reason):
    content = json.loads((copied / MANIFEST).read_text())
    change(content)
    (copied / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(ArtifactRefused, match=reason):
        load_model(copied)
