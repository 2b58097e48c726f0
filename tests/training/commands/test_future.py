"""What is dated in the future is left out by every command that learns from it, and told."""

from datetime import UTC, datetime

import numpy as np
import pytest
from tastes import events_of
from typer.testing import CliRunner

from reco.errors import InvalidInput
from training.commands import benchmark, slates
from training.commands.future import refuse_future, without_future

NOW = datetime(2025, 1, 3, tzinfo=UTC)


def test_what_is_left_out_is_counted(capsys):
    told = events_of(np.zeros(4), np.arange(4), np.arange(4))
    assert without_future(told, NOW).item.tolist() == [0, 1]
    assert "2 of 4 events are dated in the future" in capsys.readouterr().err
    without_future(told.take(np.array([0, 1])), NOW)
    assert capsys.readouterr().err == ""


def test_a_border_in_the_future_is_refused():
    refuse_future(None, NOW)
    refuse_future(NOW, NOW)
    with pytest.raises(InvalidInput, match=r"cutoff.*future"):
        refuse_future(datetime(2025, 1, 4, tzinfo=UTC), NOW)


@pytest.mark.parametrize(
    ("app", "command", "options"),
    [
        (benchmark.app, "accuracy", ["--format", "frames", "--split", "time"]),
        (slates.slate_app, "tune-credit", []),
    ],
)
def test_a_benchmark_does_not_learn_from_the_future(future_folder, app, command, options):
    words = [command, str(future_folder), *options]
    with pytest.raises(InvalidInput, match="lie after"):
        CliRunner().invoke(app, words, catch_exceptions=False)
