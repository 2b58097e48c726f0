"""Accuracy of seeded lists as ranx tells it, kept in a file: tests need it not installed.

The file is made again where ranx is (`pip install 'reco[oracle]'`), and tells of which version:

    python -m tests.ranx_figures
"""

import json
import warnings
from pathlib import Path

import numpy as np

KEPT = Path(__file__).parent / "training" / "ranx_figures.json"
NAMES = {"ndcg": "ndcg", "mrr": "mrr", "map": "map", "hit": "hit_rate", "recall_full": "recall"}
"""Ours to ranx's."""
CUTOFFS = (1, 5, 10, 20)
LONGEST, ITEMS = max(CUTOFFS), 60
_DIGITS = 12


def drawn(users, seed):
    """Return lists of any length but 0, and targets; some find nothing, some want more than fits.

    Returns
    -------
    (users, LONGEST) rows of items, filled up with −1; (users, ITEMS) marks.
    """
    generator = np.random.default_rng(seed)
    lists = np.full((users, LONGEST), -1, dtype=np.int32)
    wanted = np.zeros((users, ITEMS), dtype=bool)
    for row in range(users):
        length = generator.integers(1, LONGEST + 1)
        lists[row, :length] = generator.permutation(ITEMS)[:length]
        wanted[row, generator.permutation(ITEMS)[: generator.integers(1, 2 * LONGEST)]] = True
    return lists, wanted


def figures_by_ranx(ranx, lists, wanted):
    """Return each figure of each list (users,), by our name of it, as ranx computes it."""
    names = [f"u{row:03}" for row in range(len(lists))]
    truth = {
        name: {f"i{item}": 1 for item in np.flatnonzero(marks)}
        for name, marks in zip(names, wanted, strict=True)
    }
    scored = {
        name: {f"i{item}": LONGEST - place for place, item in enumerate(listed) if item >= 0}
        for name, listed in zip(names, lists.tolist(), strict=True)
    }
    asked = {f"{mine}@{k}": f"{theirs}@{k}" for mine, theirs in NAMES.items() for k in CUTOFFS}
    run = ranx.Run(scored)
    ranx.evaluate(ranx.Qrels(truth), run, list(asked.values()), make_comparable=True)
    return {
        mine: np.array([run.scores[theirs][name] for name in names])
        for mine, theirs in asked.items()
    }


def kept():
    """Return the version of ranx, lists, marks and figures of the file."""
    told = json.loads(KEPT.read_text(encoding="utf-8"))
    lists = np.array(told["lists"], dtype=np.int32)
    wanted = np.zeros((len(lists), ITEMS), dtype=bool)
    for marks, items in zip(wanted, told["wanted"], strict=True):
        marks[items] = True
    figures = {name: np.array(column) for name, column in told["figures"].items()}
    return told["ranx"], lists, wanted, figures


def write(version, lists, wanted, figures):
    """Write the file."""
    told = {
        "ranx": version,
        "lists": lists.tolist(),
        "wanted": [np.flatnonzero(marks).tolist() for marks in wanted],
        "figures": {name: np.round(column, _DIGITS).tolist() for name, column in figures.items()},
    }
    rows = json.dumps(told).replace('], "', '],\n"').replace('{"', '{\n"')
    KEPT.write_text(rows + "\n", encoding="utf-8")


def main():
    """Make the file again."""
    from importlib.metadata import version

    with warnings.catch_warnings():
        # Its own dependencies warn when they are imported.
        warnings.simplefilter("ignore")
        import ranx

        lists, wanted = drawn(users=50, seed=5)
        write(version("ranx"), lists, wanted, figures_by_ranx(ranx, lists, wanted))


if __name__ == "__main__":
    main()
