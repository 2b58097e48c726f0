"""ALS on Spark gives the artifact that local ALS gives; skipped without pyspark or Java."""

import importlib.util
import shutil
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from tastes import two_tastes

from features.interactions import interaction_matrix
from reco.errors import InvalidInput, SetupError
from reco.model.artifact import read_artifact
from reco.model.loaded import load_model
from training.distributed import (
    SparkAlsParameters,
    fit_spark_als,
    spark_parameters,
    spark_regularisation,
)
from training.models.als import AlsParameters
from training.models.itemknn import ItemKnnParameters
from training.run import train_model
from training.saving import save_model
from training.trial import recipe_of

needs_spark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="pyspark or Java is not installed",
)
SETTINGS = {"factors": 8, "regularisation": 1.0, "alpha": 10.0, "iterations": 10}


def matrix():
    return interaction_matrix(two_tastes())


def test_the_penalty_of_the_average_user_is_the_same():
    seen = matrix()
    mean = seen.nnz / np.count_nonzero(np.diff(seen.indptr))
    assert spark_regularisation(seen, AlsParameters(regularisation=3.0)) * mean == pytest.approx(3)


def test_without_the_extra_it_is_said_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    parameters = SparkAlsParameters(exchange=str(tmp_path))
    with pytest.raises(SetupError, match=r"install reco\[spark\], and Java 17"):
        fit_spark_als(matrix(), parameters, lambda: None)
    assert list(tmp_path.iterdir()) == []


def test_what_spark_does_not_fit_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="--model als"):
        spark_parameters(ItemKnnParameters(), "local[2]", None)
    with pytest.raises(InvalidInput, match="no folder"):
        spark_parameters(AlsParameters(), "local[2]", tmp_path / "none")
    there = spark_parameters(AlsParameters(factors=7), "spark://host:7077", tmp_path)
    assert (there.factors, there.master, there.exchange) == (7, "spark://host:7077", str(tmp_path))


@needs_spark
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
def test_a_run_on_two_threads_is_a_model_as_good_as_the_local_one(tmp_path):
    def trained(parameters):
        return train_model(
            two_tastes(users=300),
            parameters,
            split="time",
            cutoff=datetime(2025, 3, 12, tzinfo=UTC),
            progress=lambda *_: None,
        )

    on_spark = trained(SparkAlsParameters(**SETTINGS, master="local[2]", exchange=str(tmp_path)))
    local = trained(AlsParameters(**SETTINGS))
    summary = save_model(on_spark, models=tmp_path / "models", now=datetime(2025, 6, 1, tzinfo=UTC))
    model = load_model(summary.folder, summary.digest)
    assert (model.kind, summary.kind) == ("als", "als")
    assert recipe_of(read_artifact(summary.folder).facts) == on_spark.final.parameters
    history = model.user_history("u0000")
    assert np.isfinite(model.logits(history, np.arange(5, dtype=np.int32))).all()
    ndcg = {
        name: next(row for row in run.figures if row.metric == "ndcg@10").model.value
        for name, run in {"spark": on_spark, "local": local}.items()
    }
    # Spark weighs the penalty by entries, which in this small world finds more.
    assert ndcg["spark"] >= 0.99 * ndcg["local"]
    assert [path.name for path in tmp_path.iterdir()] == ["models"]


@needs_spark
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
def test_the_item_factors_solve_sparks_own_equations(tmp_path):
    """Many alternations lead to a point at which each user's and each item's solve gives itself."""
    seen = matrix()
    parameters = SparkAlsParameters(
        **SETTINGS | {"iterations": 40}, master="local[2]", exchange=str(tmp_path)
    )
    y = fit_spark_als(seen, parameters, lambda: None).scorer.item_factors.astype(np.float64)
    penalty = spark_regularisation(seen, parameters)
    x = _solved(seen, y, parameters.alpha, penalty)
    again = _solved(seen.T.tocsr(), x, parameters.alpha, penalty)
    np.testing.assert_allclose(again, y, atol=0.02 * np.abs(y).max())


def _solved(seen, others, alpha, penalty):
    """Return the factors of each row of `seen`, by the plain definition of Spark's ALS."""
    found = np.zeros((seen.shape[0], others.shape[1]))
    for row in range(seen.shape[0]):
        span = slice(seen.indptr[row], seen.indptr[row + 1])
        met, extra = others[seen.indices[span]], alpha * seen.data[span].astype(np.float64)
        if len(met):
            left = others.T @ others + met.T @ (met * extra[:, np.newaxis])
            left += penalty * len(met) * np.eye(len(left))
            found[row] = np.linalg.solve(left, met.T @ (1.0 + extra))
    return found
