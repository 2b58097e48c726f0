"""Imports go one way: features, reco, training, notebooks; the command line sees everything."""

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RANK = {"features": 0, "reco": 1, "training": 2, "notebooks": 3}
COMPOSITION_ROOT = ROOT / "reco" / "cli.py"

OUTSIDE_WORLD = {
    "psycopg", "psycopg_pool", "sqlalchemy", "alembic", "geoalchemy2", "fastapi", "uvicorn",
    "fsspec", "httpx", "socket", "subprocess", "os", "pathlib", "shutil", "tempfile", "time",
    "urllib", "random",
}  # fmt: skip
"""What `features` may not touch: database, files, network, clock, chance that is not passed in."""

SOURCES = sorted(
    path
    for package in RANK
    for suffix in ("py", "ipynb")
    for path in (ROOT / package).rglob(f"*.{suffix}")
)


def code_of(path):
    """Return the Python of a file: of a notebook that of its cells."""
    if path.suffix != ".ipynb":
        return path.read_text()
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def imported(path):
    """Return the full names of the modules that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(code_of(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def package_of(path):
    return path.relative_to(ROOT).parts[0]


def test_there_is_something_to_check():
    assert {package_of(path) for path in SOURCES} == set(RANK)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    names = imported(path)
    above = {
        name
        for name in names
        if RANK.get(name.split(".")[0], 0) > RANK[package_of(path)] and path != COMPOSITION_ROOT
    }
    assert not above, f"{path} imports {above}"
    assert "reco.cli" not in names, f"{path} imports the composition root"


def test_nothing_imports_a_notebook():
    importing = [
        path for path in SOURCES if "notebooks" in {n.split(".")[0] for n in imported(path)}
    ]
    assert not importing


@pytest.mark.parametrize(
    "path", sorted((ROOT / "features").rglob("*.py")), ids=lambda path: path.name
)
def test_features_touch_nothing_outside(path):
    assert not {name.split(".")[0] for name in imported(path)} & OUTSIDE_WORLD


def test_the_core_knows_nothing_of_recommendation():
    for path in (ROOT / "reco" / "core").rglob("*.py"):
        around = {name for name in imported(path) if name.startswith("reco.")}
        allowed = ("reco.core", "reco.errors", "reco.db")
        assert all(name.startswith(allowed) for name in around), f"{path} imports {around}"
