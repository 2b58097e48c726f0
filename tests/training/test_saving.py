"""An artifact holds the people of its world, and says so."""

import platform
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import pytest
from tastes import two_tastes

from features.interactions import encoded_ids
from reco.model.artifact import PeopleFacts, read_artifact
from reco.model.loaded import load_model
from reco.people.accounts import Accounts
from training.distributed import SparkAlsParameters
from training.fits import PARAMETERS
from training.run import train_model
from training.saving import save_model

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
ERASED_AT = datetime(2025, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module", params=["als", "itemknn"])
def trained(request):
    """A model of the users u0000 to u0059."""
    parameters = PARAMETERS[request.param]()
    return train_model(
        two_tastes(), parameters, split="time", cutoff=None, progress=lambda *_: None
    )


def saved(trained, folder, *users):
    accounts = Accounts(np.sort(encoded_ids(users)), erased=7, erased_until=ERASED_AT)
    return save_model(trained, models=folder, now=NOW, accounts=accounts)


def test_who_has_no_account_is_left_out_and_all_others_stay_as_they_are(trained, tmp_path):
    whole = load_model(save_model(trained, models=tmp_path / "whole", now=NOW).folder)
    summary = saved(trained, tmp_path, "u0001", "u0058", "a-newcomer")
    model = load_model(summary.folder, summary.digest)
    assert model.users.tolist() == [b"u0001", b"u0058"]
    for user in ("u0001", "u0058"):
        kept, before = model.user_history(user), whole.user_history(user)
        assert len(kept) > 0
        np.testing.assert_array_equal(kept.rows, before.rows)
        np.testing.assert_array_equal(kept.weights, before.weights)
    for name, array in whole.scorer.arrays().items():
        np.testing.assert_array_equal(model.scorer.arrays()[name], array)
    for user in (b"u0000", b"u0002"):
        assert not any(user in path.read_bytes() for path in summary.folder.iterdir())


def test_the_manifest_counts_them(trained, tmp_path):
    summary = saved(trained, tmp_path, "u0001", "u0058", "a-newcomer")
    assert summary.people == PeopleFacts(
        accounts=3, erased=7, erased_until=ERASED_AT, left_out=58, vectors_without_account=0
    )
    assert read_artifact(summary.folder).facts.people == summary.people


def test_the_manifest_names_what_it_was_made_with(trained, tmp_path, monkeypatch):
    found = read_artifact(saved(trained, tmp_path / "here").folder).facts.libraries
    libraries = {"implicit", "numba", "numpy", "scikit-learn", "scipy"}
    assert found == {"python": platform.python_version()} | {n: version(n) for n in libraries}
    monkeypatch.setattr("training.saving.version", lambda name: f"{name}, of here")
    on_spark = replace(trained, final=replace(trained.final, parameters=SparkAlsParameters()))
    there = read_artifact(saved(on_spark, tmp_path / "there").folder).facts.libraries
    assert there.keys() - found.keys() == {"pyspark"}


def test_a_model_that_holds_nobody_can_be_served(trained, tmp_path):
    model = load_model(saved(trained, tmp_path).folder)
    assert len(model.users) == 0
    assert len(model.user_history("u0001")) == 0


def test_without_a_world_everybody_is_kept_and_the_manifest_says_nothing(trained, tmp_path):
    summary = save_model(trained, models=tmp_path, now=NOW)
    assert len(load_model(summary.folder).users) == 60
    assert read_artifact(summary.folder).facts.people is None
