"""Kernels are compiled ahead of a start, all of them."""

from pathlib import Path

import pytest

from reco import compiling

ROOT = Path(__file__).parents[2]
KERNEL = """
from reco.kernel.compiled import compiled

@compiled("int64(int64)")
def {name}(number):
    return number + 1
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of two modules with a kernel each, whose code goes beside them."""
    for name in ("first", "second"):
        (tmp_path / f"{name}.py").write_text(KERNEL.format(name=name))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    return tmp_path


def test_the_code_of_every_module_is_kept(folder):
    compiling.compile_modules(["first", "second"])
    kept = {file.name.partition("-")[0] for file in (folder / "__pycache__").glob("*.nbc")}
    assert kept == {"first.first", "second.second"}


def test_a_module_that_cannot_be_loaded_is_said(folder):
    with pytest.raises(ImportError, match="nowhere"):
        compiling.compile_modules(["first", "nowhere"])


def test_every_module_with_a_kernel_is_compiled():
    packages = ("features", "reco", "training")
    files = [file for package in packages for file in ROOT.glob(f"{package}/**/*.py")]
    with_kernel = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in files
        if "\n@compiled(" in file.read_text()
    }
    assert len(with_kernel) > 10
    assert with_kernel <= set(compiling.kernels())
