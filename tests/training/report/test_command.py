"""The command `reco report`: what it writes, and what it refuses."""

import json
import shutil

import pytest
import typer
from typer.testing import CliRunner

from reco.errors import InvalidInput, NotFound
from training.commands.report import report as command

app = typer.Typer()
app.command()(command)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The folder of the evaluations of a world."""
    monkeypatch.setenv("RECO_HOME", str(tmp_path))
    monkeypatch.setenv("RECO_WORLD", "small")
    folder = tmp_path / "worlds" / "small" / "evaluations"
    folder.mkdir(parents=True)
    return folder


def ask(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_the_latest_run_is_written_three_ways(runs, run, tmp_path):
    shutil.copytree(run.path, runs / "20261026")
    page, told, table = (tmp_path / name for name in ("r.html", "r.json", "r.csv"))
    result = ask("latest", "-o", page, "--json", told, "--csv", table)
    assert result.exit_code == 0, result.output
    assert "20261026" in result.output
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads(told.read_text())["run"] == "20261026"
    assert table.read_text().startswith("part,group,people,system,figure,value")


def test_a_folder_is_a_run_too(runs, run, tmp_path):
    assert ask(run.path, "-o", tmp_path / "r.html").exit_code == 0
    assert (tmp_path / "r.html").exists()


def test_without_a_run_it_says_so(runs, run, tmp_path):
    with pytest.raises(InvalidInput, match="`reco evaluate` makes one"):
        ask("latest", "-o", tmp_path / "r.html")
    shutil.copytree(run.path, runs / "other")
    with pytest.raises(NotFound, match="20261026"):
        ask("20261026", "-o", tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_a_run_that_is_not_finished_is_refused(runs, run, tmp_path):
    shutil.copytree(run.path, runs / "begun")
    (runs / "begun" / "summary.json").unlink()
    with pytest.raises(InvalidInput, match="not finished"):
        ask("begun", "-o", tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--system", "far"), "Accepted: wide"),
        (("--slates", "nowhere.json"), "there is no file"),
        (("--csv", "nowhere/r.csv"), "^csv: there is no folder nowhere"),
        (("--json", "nowhere/r.json"), "^json: there is no folder nowhere"),
        (("-o", "nowhere/r.html"), "^out: there is no folder nowhere"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is(runs, run, tmp_path, words, told):
    with pytest.raises(InvalidInput, match=told):
        ask(run.path, "-o", tmp_path / "r.html", *words)
    assert not (tmp_path / "r.html").exists()


def test_a_file_of_something_else_is_no_benchmark(runs, run, tmp_path):
    (tmp_path / "other.json").write_text('{"rows": 3}')
    with pytest.raises(InvalidInput, match="no benchmark of slates"):
        ask(run.path, "-o", tmp_path / "r.html", "--slates", tmp_path / "other.json")
