from datetime import date

import pytest
from typer.testing import CliRunner

from reco.errors import InvalidInput
from training.commands.simulate import app
from training.simulate.world import truth_folder


def test_the_command_writes_frames_and_prints_what_it_wrote(tmp_path):
    folder = tmp_path / "frames"
    arguments = ["world", "--size", "demo", "--anchor", "2026-09-07", "--out", str(folder)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "12,000" in result.stdout
    assert str(date(2026, 9, 7)) in result.stdout
    assert (folder / "offers.parquet").exists()
    assert (truth_folder(folder) / "manifest.json").exists()


def test_an_unknown_size_is_refused_with_the_sizes_there_are(tmp_path):
    arguments = ["world", "--size", "galaxy", "--out", str(tmp_path / "frames")]
    with pytest.raises(InvalidInput, match="demo, town, france"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
