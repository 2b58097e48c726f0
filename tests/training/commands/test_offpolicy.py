import json

import numpy as np
import pytest
from typer.testing import CliRunner

from reco.errors import InvalidInput
from training.commands.benchmark import app


def run(*arguments):
    done = CliRunner().invoke(app, ["offpolicy", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def logs(tmp_path):
    for number, policy in enumerate(("random", "bts")):
        (tmp_path / policy).mkdir()
        item = np.random.default_rng(number).integers(0, 4, 800)
        rows = [f"{at},{row % 3 + 1},{int(at == 0)},0.25" for row, at in enumerate(item)]
        text = "\n".join(["item_id,position,click,propensity_score", *rows])
        (tmp_path / policy / "men.csv").write_text(text)
    return str(tmp_path)


def test_each_policy_is_printed_beside_its_estimates(logs):
    told = json.loads(run(logs, "--format", "open-bandit", "--json"))["rows"]
    assert [(row["policy"], row["log_of"]) for row in told] == [
        ("bts", "random"),
        ("random", "bts"),
    ]
    for row in told:
        assert set(row["off_policy"]) == {"ips", "snips", "dr"}
        assert row["on_policy"]["estimate"]["value"] == pytest.approx(0.25, abs=0.05)
        assert row["off_policy"]["ips"]["estimate"] is not None
    screen = run(logs)
    assert "as it was" in screen
    assert {"clicks an impression", "effective samples"} <= {
        heading.strip() for heading in screen.splitlines()[1].split("┃")
    }
    assert "Too little: fewer than 100 effective samples" in screen


def test_either_a_folder_or_the_simulated_world(logs):
    for arguments in ([], [logs, "--simulated"]):
        with pytest.raises(InvalidInput, match="either a folder or --simulated"):
            run(*arguments)


@pytest.mark.slow
def test_the_coverage_is_printed():
    arguments = ("--simulated", "--repetitions", "3", "--slates", "400")
    rows = json.loads(run(*arguments, "--json"))["rows"]
    assert len(rows) == 18
    assert {row["estimator"] for row in rows} >= {"ips", "snips", "dr", "iips", "cascade"}
    # In the words of docs/evaluation.md.
    assert {row["people"] for row in rows} == {"at each", "until a booking"}
    screen = run(*arguments)
    assert "How often 95 % intervals hold the truth, in 3 logs of 400 slates" in screen
    assert "The last three columns: logs whose interval, made so, held the truth." in screen
    assert "broken" in screen
    assert "1 in 10" in screen
