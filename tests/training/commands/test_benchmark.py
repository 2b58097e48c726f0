"""The command `reco benchmark accuracy`, on folders made for it."""

import json

import numpy as np
import pytest
import typer
from tastes import two_tastes
from typer.testing import CliRunner

from reco.errors import InvalidInput
from training.commands.benchmark import app
from training.configuration import written_parameters
from training.fits import PARAMETERS


@pytest.fixture
def folder(tmp_path):
    """A data set in LightGCN's format without a validation part."""
    events = two_tastes(bookings=16)
    pairs = np.unique(np.stack([events.user, events.item], axis=1), axis=0)
    is_test = np.arange(len(pairs)) % 5 == 0
    for name, rows in (("train.txt", pairs[~is_test]), ("test.txt", pairs[is_test])):
        lines = [
            " ".join(map(str, [user, *rows[rows[:, 0] == user, 1]]))
            for user in np.unique(rows[:, 0])
        ]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    return tmp_path


def run(*arguments):
    result = CliRunner().invoke(
        app, ["accuracy", *map(str, arguments)], catch_exceptions=False, standalone_mode=False
    )
    assert result.exit_code == 0, result.output
    return result.stdout


def test_one_object_is_printed(folder):
    printed = run(folder, "--format", "lightgcn", "--k", "5,10", "--model", "ials", "--json")
    found = json.loads(printed)
    assert set(found) >= {"model", "settings", "fit_s", "peak_mb", "metrics"}
    assert found["model"] == "ials"
    assert found["settings"]["factors"] == PARAMETERS["ials"]().factors
    assert found["fit_s"] > 0
    assert found["peak_mb"] > 10
    assert set(found["metrics"]) >= {"recall_full@5", "ndcg@5", "recall_full@10", "ndcg@10"}
    for figure in found["metrics"].values():
        assert set(figure) == {"value", "low", "high"}
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1


def test_a_personal_model_beats_popularity(folder):
    def ndcg(model):
        printed = run(folder, "--format", "lightgcn", "--model", model, "--json")
        return json.loads(printed)["metrics"]["ndcg@10"]["value"]

    assert ndcg("filter") > ndcg("popularity")


def test_the_settings_of_a_file_are_used(folder, tmp_path):
    config = tmp_path / "ease.toml"
    config.write_text(written_parameters(PARAMETERS["ease"](regularisation=3.0)))
    printed = run(folder, "--format", "lightgcn", "--model", "ease", "--config", config, "--json")
    assert json.loads(printed)["settings"]["regularisation"] == 3.0


def test_settings_are_chosen_and_then_a_table_is_shown(folder):
    printed = run(folder, "--format", "lightgcn", "--model", "ease", "--tune", "--minutes", "0.01")
    for text in ("ease", "ndcg@10", "recall_full@20", "95 % interval", "regularisation"):
        assert text in printed


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (["--k", "ten"], "k"),
        (["--k", "0"], "k"),
        (["--model", "oracle"], "model"),
        (["--split", "time"], "split"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(folder, options, field):
    with pytest.raises(InvalidInput) as refusal:
        run(folder, "--format", "lightgcn", *options)
    assert refusal.value.field == field


def test_a_folder_without_a_test_part_is_refused(tmp_path):
    (tmp_path / "train.txt").write_text("0 1 2\n")
    with pytest.raises(InvalidInput, match=r"test\.txt"):
        run(tmp_path, "--format", "lightgcn")


def test_the_command_is_a_group():
    assert isinstance(typer.main.get_command(app), typer.core.TyperGroup)
