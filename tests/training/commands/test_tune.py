"""The command `reco tune`, from a folder and from a world's database."""

import csv
from xml.etree import ElementTree as ET

import pytest
import typer
from tastes import two_tastes
from typer.testing import CliRunner

from reco.errors import InvalidInput
from reco.frames.importing import import_frames
from reco.frames.sources import FolderSource
from reco.settings import Settings
from training.commands.tune import PICTURE, SETTINGS, STUDY, TRIALS, tune
from training.configuration import read_parameters, written_parameters
from training.fits import PARAMETERS
from training.split import inner_cutoff
from training.tune import rehearse


@pytest.fixture
def run(tmp_path):
    """A function that runs the command and returns what it printed."""
    app = typer.Typer()
    app.command()(tune)

    def invoke(*arguments, settings=None):
        chosen = settings or Settings(home=tmp_path / "home", world="demo")
        words = list(map(str, arguments))
        result = CliRunner().invoke(app, words, obj=chosen, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return invoke


def trials_in(folder):
    with (folder / TRIALS).open() as lines:
        return list(csv.DictReader(lines))


def test_the_best_settings_are_kept_with_all_trials_and_what_mattered(run, folder, tmp_path):
    out = tmp_path / "search"
    printed = run(folder, "--model", "ease", "--trials", 5, "--metric", "ndcg@10", "--out", out)
    rows = trials_in(out)
    best = max(rows, key=lambda row: float(row["ndcg@10"]))
    chosen = read_parameters(out / SETTINGS)
    assert len(rows) == 5
    assert chosen.regularisation == float(best["regularisation"])
    picture = "".join(ET.parse(out / PICTURE).getroot().itertext())
    assert "regularisation" in picture
    for text in ("ndcg@10", "regularisation", "importance", str(out / SETTINGS)):
        assert text in printed


def test_the_same_command_again_adds_trials(run, folder, tmp_path):
    out = tmp_path / "search"
    asked = (folder, "--model", "popularity", "--out", out)
    run(*asked, "--trials", 2)
    first = trials_in(out)
    run(*asked, "--trials", 4)
    assert trials_in(out)[:2] == first
    assert len(trials_in(out)) == 4


def test_a_search_that_is_interrupted_has_kept_what_it_found(run, folder, tmp_path, monkeypatch):
    out, tries = tmp_path / "search", []

    def rehearsed(*arguments):
        tries.append(arguments)
        if len(tries) == 3:
            raise KeyboardInterrupt
        return rehearse(*arguments)

    monkeypatch.setattr("training.search.rehearse", rehearsed)
    with pytest.raises(AssertionError):
        run(folder, "--model", "popularity", "--out", out)
    assert len(trials_in(out)) == 2
    assert read_parameters(out / SETTINGS).kind == "popularity"


def test_it_begins_with_the_settings_of_a_file(run, folder, tmp_path):
    config, out = tmp_path / "start.toml", tmp_path / "search"
    config.write_text(written_parameters(PARAMETERS["ease"](regularisation=3.0)))
    run(folder, "--model", "ease", "--config", config, "--minutes", 0, "--out", out)
    (row,) = trials_in(out)
    assert float(row["regularisation"]) == 3.0
    assert not (out / PICTURE).exists()


def test_what_the_gate_judges_on_chooses_nothing(run, folder, tmp_path):
    border, figures = inner_cutoff(two_tastes()), []
    cutoffs = {"before": f"{border}Z", "last": f"{two_tastes().at.max() + 1}Z"}
    asked = {name: ["--cutoff", cutoff] for name, cutoff in cutoffs.items()}
    for name, options in ({"all": []} | asked).items():
        run(folder, "--model", "popularity", "--trials", 1, "--out", tmp_path / name, *options)
        figures += [float(row["ndcg@20"]) for row in trials_in(tmp_path / name)]
    assert figures[0] == figures[1] != figures[2]


def test_what_is_dated_in_the_future_chooses_nothing(run, future_folder, tmp_path):
    with pytest.raises(InvalidInput, match="lie after"):
        run(future_folder, "--model", "popularity", "--out", tmp_path / "search")


def test_the_help_of_a_cutoff_says_its_default():
    app = typer.Typer(rich_markup_mode=None)
    app.command()(tune)
    told = " ".join(CliRunner().invoke(app, ["--help"]).stdout.split())
    assert "[default: by time, where the last tenth begins]" in told


def test_a_world_is_tuned_in_its_own_folder(run, world, folder, tmp_path):
    import_frames(world, FolderSource(folder), lambda *_: None)
    settings = Settings(home=tmp_path / "home", world=world.name, database_url=world.conninfo)
    run("--model", "popularity", "--trials", 2, "--cutoff", "2025-03-20", settings=settings)
    (study,) = (tmp_path / "home").rglob(STUDY)
    assert study.parent.name == "popularity"
    assert len(trials_in(study.parent)) == 2


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (["--metric", "ndcg"], "metric"),
        (["--metric", "fame@10"], "metric"),
        (["--metric", "ndcg@0"], "metric"),
        (["--model", "oracle"], "model"),
        (["--format", "scrolls"], "format"),
        (["--split", "given"], "split"),
        (["--cutoff", "2199-01-01"], "cutoff"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_name(run, folder, tmp_path, options, field):
    with pytest.raises(InvalidInput) as refusal:
        run(folder, "--out", tmp_path / "search", *options)
    assert refusal.value.field == field


def test_a_file_in_the_place_of_the_folder_is_refused(run, folder, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InvalidInput, match="taken cannot be made"):
        run(folder, "--out", tmp_path / "taken")
