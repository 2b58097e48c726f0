"""Notebooks run from first to last in a fresh demo world, and only put packages to use."""

import ast
import json
import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from reco.settings import Settings
from training.commands.demo import demo

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LONGEST_FUNCTION = 5
"""Lines; what is longer belongs in a package."""

KEY_FIGURES = {
    "01_catalogue_and_map": "dict(offers=len(offers), shown=len(shown), reach=reach)",
    "02_train_and_compare": (
        "dict(ndcg={k: e[0].value for k, e in estimates.items()}, people=int(by_band.people.sum()),"
        " judged=len(task.users), alike=[shared[at].value for at in (0, 4, 8)])"
    ),
    "03_horizon_and_pareto": "dict(floors=FLOORS, pareto=pareto.to_dict('list'))",
    "04_report_to_decision": (
        "dict(decision=decision, people=summary.people, sentences=len(report.sentences),"
        " page='In plain words' in document, judged=judged,"
        " curves=sum(bool(s.curve) for s in summary.systems))"
    ),
    "05_off_policy_and_experiments": (
        "dict(alarms=false_alarms, truth=truth, last=estimates.iloc[-1][['low', 'high']].tolist(),"
        " covered=covered[covered.holds].covered.tolist(), advice=status.advice)"
    ),
}
"""What each of them computed, by an expression that is appended to it."""


def cells_of(path, kind="code"):
    content = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


def test_all_are_known():
    assert [path.stem for path in NOTEBOOKS] == sorted(KEY_FIGURES)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_are_kept_without_outputs(path):
    for cell in cells_of(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_define_nothing_that_belongs_in_a_package(path):
    sources = ["".join(cell["source"]) for cell in cells_of(path)]
    assert sum(map(len, sources)) > 1_000
    for node in ast.walk(ast.parse("\n".join(sources))):
        assert not isinstance(node, ast.ClassDef)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, node.name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_words_come_before_code(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    kinds = [cell["cell_type"] for cell in content["cells"]]
    assert kinds[0] == "markdown"
    assert kinds.count("markdown") >= kinds.count("code") - 2


@pytest.fixture(scope="module")
def environment(new_world):
    """What a kernel needs to find a fresh demo world."""
    world = new_world()
    settings = Settings(home=world.folder, world=world.name, database_url=world.conninfo)
    app = typer.Typer()
    app.command()(demo)
    done = CliRunner().invoke(app, ["--no-serve"], obj=settings, catch_exceptions=False)
    assert done.exit_code == 0
    return {
        **os.environ,
        "RECO_HOME": str(world.folder),
        "RECO_WORLD": world.name,
        "RECO_DATABASE_URL": world.conninfo,
    }


@pytest.fixture(scope="module")
def executed(request):
    """A function that runs a notebook and returns its cells and its key figures."""
    pytest.importorskip("nbclient", reason="needs nbclient: pip install 'reco[notebooks]'")
    environment = request.getfixturevalue("environment")
    import nbformat
    from nbclient import NotebookClient

    def execute(name):
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        told = f"import json\nprint(json.dumps({KEY_FIGURES[name]}))"
        notebook.cells.append(nbformat.v4.new_code_cell(told))
        NotebookClient(notebook, timeout=300).execute(env=environment)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        return code, json.loads(code[-1].outputs[-1].text)

    return execute


def pictures_in(cells):
    return sum("image/png" in out.get("data", {}) for cell in cells for out in cell.outputs)


# What executes a notebook warns of its own internals.
executing = pytest.mark.filterwarnings("default")


@pytest.mark.slow
@executing
@pytest.mark.timeout(600)
def test_the_catalogue_and_the_map(executed):
    cells, told = executed("01_catalogue_and_map")
    assert told["offers"] > 1_000
    assert 0 < told["shown"] <= 20
    assert min(told["reach"]) < max(told["reach"])
    assert pictures_in(cells) == 4


@pytest.mark.slow
@executing
@pytest.mark.timeout(600)
def test_training_and_comparing(executed):
    cells, told = executed("02_train_and_compare")
    assert set(told["ndcg"]) == {"popularity", "itemknn", "als"}
    assert all(0.0 < figure < 1.0 for figure in told["ndcg"].values())
    assert told["people"] == told["judged"] > 100
    assert told["alike"] == [1.0, 1.0, 1.0]
    assert pictures_in(cells) == 2


@pytest.mark.slow
@executing
@pytest.mark.timeout(600)
def test_the_horizon_and_the_pareto_curve(executed):
    cells, told = executed("03_horizon_and_pareto")
    kept, gain = told["pareto"]["relevance_kept"], told["pareto"]["expected_gain"]
    assert kept[0] == pytest.approx(1.0)
    assert all(share >= floor - 1e-6 for share, floor in zip(kept, told["floors"], strict=True))
    assert gain == sorted(gain)
    assert gain[0] < gain[-1]
    assert pictures_in(cells) == 1


@pytest.mark.slow
@executing
@pytest.mark.timeout(600)
def test_the_report_and_the_decision(executed):
    cells, told = executed("04_report_to_decision")
    assert told["people"] == 400
    assert told["page"]
    assert told["sentences"] >= 8
    worse, better = (good in told["judged"].values() for good in (False, True))
    said = "keep" if worse else "try" if better else "not decided"
    assert told["decision"].startswith(said)
    assert pictures_in(cells) == 2
    assert told["curves"] == 3


@pytest.mark.slow
@executing
@pytest.mark.timeout(600)
def test_off_policy_and_experiments(executed):
    cells, told = executed("05_off_policy_and_experiments")
    low, high = told["last"]
    assert low < told["truth"] < high
    assert min(told["covered"]) > 0.8
    assert told["alarms"]["always valid"] <= 0.05 < told["alarms"]["made for one look"]
    assert told["advice"] == ["wide brings more horizon_points than control."]
    assert pictures_in(cells) == 2
