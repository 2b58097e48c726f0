"""The benchmarks of feeds run from an empty home to their figures: they follow the service."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from reco.db.cluster import Cluster

_PATIENCE_S = 600


@pytest.fixture
def home():
    with tempfile.TemporaryDirectory(prefix="reco-benchmark-") as folder:
        home = Path(folder)
        # For root the database's server runs as another user, who must get in.
        home.chmod(0o755)
        yield home
        Cluster(home).down()


def printed(home, command):
    """Return what a benchmark prints, which must end well."""
    ended = subprocess.run(
        [sys.executable, "-m", *command.split()],
        check=False,
        env=os.environ | {"RECO_HOME": str(home), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(2 * _PATIENCE_S)
def test_the_benchmark_of_feeds_prints_all_its_figures_and_no_request_fails(home):
    figures = json.loads(printed(home, "tests.benchmarks.feed --size demo --seconds 1 --json"))
    assert figures["world"]["offers"] > 0
    assert figures["feed"]["failed"] == figures["swap"]["failed"] == 0
    assert figures["sql_variant"]["failed"] == 0
    assert figures["new_base"] is None
    assert figures["feed"]["connections"] == [4, 4]
    assert 0.0 < figures["ready_s"] < figures["command_ready_s"]
    for part in ("feed", "feed_cold", "sql_variant", "search"):
        assert 0.0 < figures[part]["p50_ms"] <= figures[part]["p99_ms"]
    assert figures["kernel_paris"]["ms"] > figures["kernel_paris"]["limit_ms"]
    assert 0.0 < figures["around_paris"]["remembered_ms"] < figures["around_paris"]["cold_ms"]
    stages = printed(home, "tests.benchmarks.stages --size demo --people 5 --turns 2")
    for name in ("state and places", "read-back", "bounding.most_log_odds", "gathering.gather"):
        row = next(line for line in stages.splitlines() if f" {name} " in line)
        assert all(float(cell) > 0.0 for cell in row.split("│")[2:4]), row
