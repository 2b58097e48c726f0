"""ALS on Spark gives the artifact that local ALS gives; skipped without pyspark or Java."""

import importlib.util
import shutil
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import pytest
from tastes import two_tastes

from features.interactions import interaction_matrix
from reco.errors import InvalidInput, SetupError, Unavailable
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


class Py4JJavaError(Exception):
    """As py4j tells of what the other side threw: a stack of many lines."""

    def __str__(self):
        return f"An error occurred.\n: SparkException: {self.args[0]}\n\tat Job.run(Job.java)\n\tat"


class Cluster:
    """Stands for pyspark, which need not be installed: it fails where it is told to."""

    def __init__(self, *, at):
        self.at, self.seen = at, []

    def modules(self):
        """Return what is imported of it, by name."""
        errors = SimpleNamespace(PySparkException=KeyError, PySparkRuntimeError=RuntimeError)
        return {
            "py4j": SimpleNamespace(),
            "py4j.protocol": SimpleNamespace(Py4JError=Py4JJavaError),
            "pyspark": SimpleNamespace(),
            "pyspark.errors": errors,
            "pyspark.sql": SimpleNamespace(SparkSession=SimpleNamespace(builder=self)),
            "pyspark.ml": SimpleNamespace(),
            "pyspark.ml.recommendation": SimpleNamespace(ALS=lambda **_: self),
        }

    def reached(self, step):
        self.seen.append(step)
        if step == self.at:
            raise Py4JJavaError(f"{step} failed")

    def master(self, _url):
        return self

    def appName(self, _name):
        return self

    def config(self, *_):
        return self

    def getOrCreate(self):
        self.reached("start")
        return SimpleNamespace(
            sparkContext=SimpleNamespace(setCheckpointDir=lambda _: None),
            read=SimpleNamespace(parquet=self.read),
            stop=lambda: self.reached("stop"),
        )

    def read(self, url):
        part = Path(urlsplit(url).path)
        paths = (part.parent, part, *part.iterdir())
        self.modes = [stat.S_IMODE(path.stat().st_mode) for path in paths]

    def fit(self, _interactions):
        self.reached("fit")
        return SimpleNamespace(
            itemFactors=SimpleNamespace(write=SimpleNamespace(parquet=lambda _: None))
        )


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("start", r"no Spark cluster at spark://host:7077 \(.*start failed\)"),
        ("fit", r"gave up \(.*fit failed\).*--spark-folder.*executors"),
        ("stop", r"gave up \(.*stop failed\)"),
        ("nothing", r"What Spark wrote is not in .*--spark-folder"),
    ],
)
def test_a_cluster_that_fails_is_told_with_what_to_do(at, told, monkeypatch, tmp_path):
    cluster = Cluster(at=at)
    for name, module in cluster.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    parameters = SparkAlsParameters(master="spark://host:7077", exchange=str(tmp_path))
    with pytest.raises(Unavailable, match=told) as failure:
        fit_spark_als(matrix(), parameters, lambda: None)
    assert "Job.java" not in str(failure.value)
    assert cluster.seen == (["start"] if at == "start" else ["start", "fit", "stop"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o750, 0o770, 0o777])
def test_what_is_exchanged_is_as_open_as_the_folder_that_is_given(mode, monkeypatch, tmp_path):
    cluster = Cluster(at="fit")
    for name, module in cluster.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    tmp_path.chmod(mode)
    with pytest.raises(Unavailable):
        fit_spark_als(matrix(), SparkAlsParameters(exchange=str(tmp_path)), lambda: None)
    assert cluster.modes == [mode, mode, mode & 0o666]


@needs_spark
@pytest.mark.slow
@pytest.mark.extras
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
@pytest.mark.extras
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
