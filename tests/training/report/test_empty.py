"""A system that shows nobody anything has a report too, and a report is written whole or not."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from documents import parsed
from typer.testing import CliRunner

from training.commands.report import report as command
from training.replay.folder import RunFolder
from training.replay.summary import summary_of
from training.report.contents import report_of
from training.report.export import as_object, csv_text
from training.report.page import page


@pytest.fixture
def emptied(three, tmp_path):
    """A function that returns a copy of a run in which some systems show nothing."""

    def emptied_of(systems):
        kept = RunFolder(tmp_path / "run")
        shutil.copytree(three.path, kept.path)
        for file in kept.people.iterdir():
            pq.write_table(_without_slates(pq.read_table(file), systems), file)
        names = [one["name"] for one in kept.manifest()["systems"]]
        kept.write_summary(summary_of(kept.rows(), names, kept.manifest()["n"]).as_object())
        return kept

    return emptied_of


def _without_slates(table, systems):
    is_empty = np.isin(table["system"].to_numpy(zero_copy_only=False), systems)
    for at, field in enumerate(table.schema):
        values = table[field.name].to_pylist()
        if pa.types.is_list(field.type):
            empty = []
        elif field.name in {"ild@8", "novelty@8", "distance_m@8", "affordable@8"}:
            empty = np.nan
        else:
            continue
        told = [empty if gone else value for gone, value in zip(is_empty, values, strict=True)]
        table = table.set_column(at, field, pa.array(told, field.type))
    return table


@pytest.mark.parametrize("systems", [["near"], ["again"], ["near", "again"]])
def test_empty_slates_are_told(emptied, systems):
    report = report_of(emptied(systems))
    assert (report.changes.overlap is None) == ("near" in systems)
    assert all((one.first is None) == ("near" in systems) for one in report.changes.categories)
    assert all((one.second is None) == ("again" in systems) for one in report.changes.categories)
    document = parsed(page(report))
    assert "changes" in document.one("changes").attributes["id"]
    assert "nan" not in document.one("changes").text.lower().split()
    told = json.loads(json.dumps(as_object(report), allow_nan=False))
    assert told["changes"]["slates"] == report.changes.slates
    assert "nan" not in csv_text(report).lower().split(",")


def test_nothing_is_written_where_a_part_cannot_be_told(run, tmp_path, monkeypatch):
    kept = RunFolder(tmp_path / "run")
    shutil.copytree(run.path, kept.path)
    examples = kept.examples()
    examples[0]["credit_left_cents"] = float("nan")
    kept.write_examples(examples)
    app = typer.Typer()
    app.command()(command)
    monkeypatch.setenv("RECO_HOME", str(tmp_path))
    monkeypatch.setenv("RECO_WORLD", "small")
    files = [str(tmp_path / name) for name in ("r.html", "r.json")]
    with pytest.raises(ValueError, match="not JSON compliant"):
        CliRunner().invoke(
            app, [str(kept.path), "-o", files[0], "--json", files[1]], catch_exceptions=False
        )
    assert not list(tmp_path.glob("r.*"))
