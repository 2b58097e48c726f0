"""What MLflow is told of a training; skipped where the extra is not installed."""

import importlib.util
import sys
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from tastes import two_tastes

from reco.errors import SetupError, Unavailable
from training.fits import PARAMETERS
from training.run import train_model
from training.saving import save_model
from training.tracking import require_mlflow, track

needs_mlflow = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None, reason="the extra mlflow is not installed"
)
NOW = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.fixture
def summary(tmp_path):
    trained = train_model(
        two_tastes(), PARAMETERS["itemknn"](), split="time", cutoff=None, progress=lambda *_: None
    )
    return save_model(trained, models=tmp_path / "models", now=NOW)


@needs_mlflow
@pytest.mark.slow
@pytest.mark.extras
@pytest.mark.filterwarnings("ignore")
def test_a_training_is_a_run_with_settings_figures_and_address(summary, tmp_path):
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    runs = [track(uri, "reco-test", summary, "s3://models/v1") for _ in range(2)]
    found = MlflowClient(tracking_uri=uri).get_run(runs[0])
    assert found.info.status == "FINISHED"
    assert found.info.run_name == summary.version
    assert found.data.params["neighbours"] == "200"
    assert found.data.tags["address"] == "s3://models/v1"
    assert found.data.tags["digest"] == summary.digest
    (ndcg,) = (figure for figure in summary.figures if figure.metric == "ndcg@10")
    assert found.data.metrics["ndcg_at_10"] == pytest.approx(ndcg.model.value)
    assert found.data.metrics["ndcg_at_10.low"] == pytest.approx(ndcg.model.low)
    assert len(set(runs)) == 2


@needs_mlflow
@pytest.mark.slow
@pytest.mark.extras
@pytest.mark.filterwarnings("ignore")
def test_a_store_that_does_not_take_it_is_told(summary, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="was not told"):
        track(f"{(tmp_path / 'file').as_uri()}/mlruns", "reco-test", summary, "here")


class Away(Exception):
    """What MLflow raises."""


def install(monkeypatch, client):
    """Let `client` be MLflow's."""
    kept = {"Metric": lambda *told: told, "Param": lambda *told: told, "RunTag": lambda *told: told}
    for name, module in {
        "mlflow": SimpleNamespace(),
        "mlflow.entities": SimpleNamespace(**kept),
        "mlflow.exceptions": SimpleNamespace(MlflowException=Away),
        "mlflow.tracking": SimpleNamespace(MlflowClient=client),
    }.items():
        monkeypatch.setitem(sys.modules, name, module)


def test_a_server_that_is_away_is_told_without_its_password(summary, monkeypatch):
    def client(tracking_uri):
        raise Away(f"{tracking_uri}/api refuses connections")

    install(monkeypatch, client)
    with pytest.raises(Unavailable) as refusal:
        track("https://mia:hunter2@runs.example", "reco-test", summary, "here")
    told = "MLflow at https://runs.example was not told: https://runs.example/api refuses"
    assert str(refusal.value).startswith(told)


@pytest.mark.parametrize("refusal", [None, Away("too large a batch"), KeyboardInterrupt("Ctrl-C")])
def test_a_run_ends_also_where_its_figures_are_not_taken(summary, monkeypatch, refusal):
    ended = []

    class Client:
        def __init__(self, tracking_uri):
            self.uri = tracking_uri

        def get_experiment_by_name(self, name):
            return SimpleNamespace(experiment_id=name)

        def create_run(self, *_, run_name):
            return SimpleNamespace(info=SimpleNamespace(run_id=run_name))

        def log_batch(self, run, **_):
            if refusal is not None:
                raise refusal

        def set_terminated(self, run, status="FINISHED"):
            ended.append((run, status))
            if refusal is not None:
                raise Away("and now it is gone")

    install(monkeypatch, Client)
    if refusal is None:
        assert track("http://runs", "reco-test", summary, "here") == summary.version
    else:
        with pytest.raises((Unavailable, KeyboardInterrupt), match=str(refusal)):
            track("http://runs", "reco-test", summary, "here")
    assert ended == [(summary.version, "FAILED" if refusal else "FINISHED")]


def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(SetupError, match=r"install reco\[mlflow\]"):
        require_mlflow()
