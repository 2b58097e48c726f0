"""The tiny tables in docstrings run, and say the truth."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXPLAINED = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in ("features", "reco", "training")
    for path in (ROOT / package).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


def test_there_are_some():
    assert {"features.interactions", "training.evaluate", "training.split"} <= set(EXPLAINED)


@pytest.mark.parametrize("name", EXPLAINED)
def test_the_examples_of_a_module_hold(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
