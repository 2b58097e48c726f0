"""The same ALS on Spark, for interactions beyond one machine; the artifact is the same.

The interactions go to the cluster as Parquet, and so do the item factors come back. People are then
folded in here, by the same solve as in serving, so that a worker cannot tell the two apart.
"""

import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reco.errors import InvalidInput, SetupError, Unavailable
from training.models.als import AlsParameters, folded_in
from training.models.fitted import Advance, Fitted

_READ_AND_WRITE = 0o666
_SHARE = (
    "This machine and all executors must be able to read and write in one folder, under one path: "
    "give it by --spark-folder."
)


@dataclass(frozen=True)
class SparkAlsParameters(AlsParameters):
    """Settings of ALS on Spark: those of `AlsParameters`, and where it runs."""

    engine: str = "spark"
    master: str = "local[*]"
    """URL of the cluster, as `spark://host:7077`, `yarn` or `k8s://...`; `local[n]`: n threads."""
    exchange: str | None = None
    """Folder that this machine and the executors see under one path; None: a temporary one here."""


def spark_parameters(parameters: object, master: str, exchange: Path | None) -> SparkAlsParameters:
    """Return local settings as those of a run on Spark.

    Raises
    ------
    InvalidInput
        The model is not ALS, or there is no folder to exchange files in.
    """
    if not isinstance(parameters, AlsParameters):
        raise InvalidInput("engine", "Spark fits one model", ("--model als",))
    if exchange is not None and not exchange.is_dir():
        raise InvalidInput("spark-folder", f"there is no folder {exchange}")
    shared = None if exchange is None else str(exchange.resolve())
    return SparkAlsParameters(**asdict(parameters) | {"master": master, "exchange": shared})


def fit_spark_als(
    matrix: "csr_array[np.float32]", parameters: SparkAlsParameters, advance: Advance
) -> Fitted:
    """Factorise `matrix` (U, I) on Spark.

    Raises
    ------
    SetupError
        pyspark or Java is not installed.
    Unavailable
        The cluster does not answer, a part of it is lost, or the folder is not one that it shares.
    """
    if parameters.exchange is not None and not Path(parameters.exchange).is_dir():
        raise Unavailable(f"{parameters.exchange}, which was shared with the cluster, is gone")
    with tempfile.TemporaryDirectory(prefix="reco-als-", dir=parameters.exchange) as exchange:
        folder = Path(exchange)
        _write_interactions(matrix, folder / "interactions")
        if parameters.exchange is not None:
            _open_as(Path(parameters.exchange), folder)
        with _session(parameters.master) as session:
            _fit(session, folder, spark_regularisation(matrix, parameters), parameters)
        factors = _read_factors(folder / "items", (matrix.shape[1], parameters.factors))
    for _ in range(parameters.steps):
        advance()
    return folded_in(factors, matrix, parameters)


def spark_regularisation(matrix: "csr_array[np.float32]", parameters: AlsParameters) -> float:
    """Return the `regParam` that weighs, on average, what `regularisation` weighs locally.

    Spark multiplies it by the number of entries of the user or item that is solved for (Zhou et al.
    2008), implicit does not; divided by the mean number of entries of a user who has any, the two
    penalise the average user alike.
    """
    entries = np.diff(matrix.indptr)
    return parameters.regularisation / max(1.0, float(entries[entries > 0].mean()))


def _write_interactions(matrix: "csr_array[np.float32]", folder: Path) -> None:
    folder.mkdir()
    users = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
    table = pa.table({"user": users, "item": matrix.indices, "weight": matrix.data})
    pq.write_table(table, folder / "part-0.parquet", row_group_size=1 << 20)


def _open_as(shared: Path, folder: Path) -> None:
    """Let those into what is written so far who are let into the folder that it is in.

    A temporary folder is its maker's alone, and executors may run as another user.
    """
    mode = stat.S_IMODE(shared.stat().st_mode)
    for path in (folder, *folder.rglob("*")):
        path.chmod(mode if path.is_dir() else mode & _READ_AND_WRITE)


def _fit(session: Any, folder: Path, regularisation: float, parameters: AlsParameters) -> None:
    from pyspark.ml.recommendation import ALS  # noqa: PLC0415

    # Many iterations would else grow one lineage until the stack overflows.
    session.sparkContext.setCheckpointDir(_url(folder / "checkpoints"))
    interactions = session.read.parquet(_url(folder / "interactions"))
    model = ALS(
        rank=parameters.factors,
        maxIter=parameters.iterations,
        regParam=regularisation,
        implicitPrefs=True,
        alpha=parameters.alpha,
        userCol="user",
        itemCol="item",
        ratingCol="weight",
        seed=parameters.seed,
    ).fit(interactions)
    model.itemFactors.write.parquet(_url(folder / "items"))


def _read_factors(folder: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    try:
        table = pq.read_table(folder, columns=["id", "features"])
    except OSError as error:
        raise Unavailable(f"What Spark wrote is not in {folder} ({error}). {_SHARE}") from error
    rows = table["id"].to_numpy()
    values = table["features"].combine_chunks().flatten().to_numpy()
    factors = np.zeros(shape, dtype=np.float32)
    factors[rows] = values.reshape(len(rows), shape[1])
    return factors


@contextmanager
def _session(master: str) -> Iterator[Any]:
    try:
        from py4j.protocol import Py4JError  # noqa: PLC0415
        from pyspark.errors import PySparkException, PySparkRuntimeError  # noqa: PLC0415
        from pyspark.sql import SparkSession  # noqa: PLC0415
    except ImportError:
        raise SetupError("Spark is an extra: install reco[spark], and Java 17.") from None
    failures = (Py4JError, PySparkException, ConnectionError)
    builder = SparkSession.builder.master(master).appName("reco train")
    builder = builder.config("spark.ui.enabled", "false").config(
        "spark.ui.showConsoleProgress", "false"
    )
    if master.startswith("local"):
        # Nothing leaves the machine; and interactions of a country fit.
        builder = builder.config("spark.driver.host", "127.0.0.1")
        builder = builder.config("spark.driver.memory", "4g")
    try:
        session = builder.getOrCreate()
    except PySparkRuntimeError as error:
        raise SetupError(f"Spark does not start; it needs Java 17 or newer ({error}).") from error
    except failures as error:
        raise Unavailable(
            f"There is no Spark cluster at {master} ({_told(error)}). Is --spark its URL, and does "
            "its master answer from this machine?"
        ) from error
    try:
        try:
            yield session
        finally:
            session.stop()
    except failures as error:
        raise Unavailable(
            f"Spark at {master} gave up ({_told(error)}). {_SHARE} If executors were lost, give "
            "them more memory or run this again."
        ) from error


def _told(error: Exception) -> str:
    """Return what a failure says of itself, without the stack of the other side."""
    return " ".join(line.strip() for line in str(error).splitlines()[:2])


def _url(path: Path) -> str:
    return f"file://{quote(str(path.resolve()))}"
