"""Tell an MLflow server, or folder, of a training: an extra, and never on the path of serving."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from reco.errors import SetupError, Unavailable
from reco.model.address import without_password
from reco.model.artifact import ModelFacts, read_artifact
from training.summary import TrainingSummary

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


def require_mlflow() -> None:
    """Raise `SetupError` where MLflow is not installed: better before a training than after it."""
    try:
        import mlflow  # noqa: F401, PLC0415
    except ImportError:
        raise SetupError(
            "MLFLOW_TRACKING_URI is set, but MLflow is not installed: install reco[mlflow], or "
            "unset it."
        ) from None


def track(uri: str, experiment: str, summary: TrainingSummary, address: str) -> str:
    """Record a published model as a finished run, and return the run's id.

    Parameters
    ----------
    uri
        As `MLFLOW_TRACKING_URI`.
    experiment
        Made where it is missing.
    address
        Of the artifact, which stays where it is.

    Raises
    ------
    Unavailable
        The server does not take it; names no password of `uri`.
    """
    from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415
    from mlflow.exceptions import MlflowException  # noqa: PLC0415
    from mlflow.tracking import MlflowClient  # noqa: PLC0415

    facts = read_artifact(summary.folder).facts
    at_ms = int(summary.created_at.timestamp() * 1e3)
    try:
        client = MlflowClient(tracking_uri=uri)
        known = client.get_experiment_by_name(experiment)
        number = known.experiment_id if known else client.create_experiment(experiment)
        run = str(client.create_run(number, at_ms, run_name=summary.version).info.run_id)
        with _ended(client, run):
            client.log_batch(
                run,
                metrics=[
                    Metric(name, value, at_ms, 0) for name, value in _metrics(summary).items()
                ],
                params=[Param(name, str(value)) for name, value in facts.parameters.items()],
                tags=[
                    RunTag(name, value) for name, value in _tags(summary, facts, address).items()
                ],
            )
    except (MlflowException, OSError) as error:
        told = f"MLflow at {uri} was not told: {error}"
        raise Unavailable(without_password(told)) from error
    return run


@contextmanager
def _ended(client: "MlflowClient", run: str) -> Iterator[None]:
    """End the run after what is done within: one that stays open looks like a training."""
    try:
        yield
    except BaseException:
        # Ctrl-C, too.
        with suppress(Exception):
            client.set_terminated(run, "FAILED")
        raise
    client.set_terminated(run)


def _metrics(summary: TrainingSummary) -> dict[str, float]:
    """Return the figures with their intervals, by names that MLflow allows (`@` is none)."""
    told: dict[str, float] = {"peak_memory_mb": summary.peak_memory_bytes / 1e6}
    for figure in summary.figures:
        name = figure.metric.replace("@", "_at_")
        told |= {
            name: figure.model.value,
            f"{name}.low": figure.model.low,
            f"{name}.high": figure.model.high,
            f"{name}.over_popularity": figure.difference.value,
        }
    return told | {f"seconds.{stage}": took for stage, took in summary.seconds.items()}


def _tags(summary: TrainingSummary, facts: ModelFacts, address: str) -> dict[str, str]:
    tags: dict[str, Any] = {
        "version": summary.version,
        "kind": summary.kind,
        "address": address,
        "digest": summary.digest,
        "cutoff": summary.cutoff,
        "git_revision": facts.git_revision,
        "judged_on": facts.metrics["judged_on"],
    }
    tags |= {f"library.{name}": known for name, known in facts.libraries.items()}
    return {name: str(value) for name, value in tags.items() if value is not None}
