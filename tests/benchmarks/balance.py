"""What balancing recency, categories and popularity does to iALS, user by user.

`python -m tests.benchmarks.balance DIR [DIR ...] --format yelp-poi --split given --plain A.toml \
--balanced B.toml --part valid`

Prints ndcg@k and novel_recall@k; of several folders also over the people of all. Both files are
settings of iALS, chosen on `--part valid`; `--part test` is to be read once.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from features.interactions import interaction_matrix
from tests.benchmarks.side_by_side import show
from training.beyond import as_matrix, novel_recall
from training.configuration import read_parameters
from training.evaluate import rank_items
from training.metrics import user_figures
from training.models.ials import fit_ials
from training.models.popularity import item_popularity
from training.slate_data import read_slate_data
from training.slate_tasks import slate_tasks
from training.tune import known_items


def category_of(items):
    """Return the number of each item's category, the last for those that have none."""
    is_of = as_matrix(items)[:, items.codes_of("category")].tocsr()
    first = np.asarray(is_of.argmax(axis=1)).ravel()
    return np.where(np.diff(is_of.indptr) > 0, first, is_of.shape[1]).astype(np.int32)


def figures(slates, parameters, k):
    """Return the two figures of each user (n,)."""
    half_life_days = parameters.half_life_days
    matrix = interaction_matrix(
        slates.part.past, as_of=slates.part.cutoff, half_life_days=half_life_days
    )
    known = replace(known_items(slates.part, parameters), category=category_of(slates.items))
    fitted = fit_ials(matrix, parameters, lambda: None, known)
    ranked = rank_items(fitted.score_users, slates.task, item_popularity(matrix), k)
    met = slates.times_met[slates.task.users]
    return {
        f"ndcg@{k}": user_figures(ranked, slates.task.targets, (k,))[f"ndcg@{k}"],
        f"novel_recall@{k}": novel_recall(ranked, slates.found, slates.offers, met),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--format", required=True)
    parser.add_argument("--split", choices=["given", "time"], required=True)
    parser.add_argument("--plain", type=Path, required=True)
    parser.add_argument("--balanced", type=Path, required=True)
    parser.add_argument("--part", choices=["valid", "test"], default="valid")
    parser.add_argument("--k", type=int, default=20)
    chosen = parser.parse_args()
    settings = [read_parameters(path, "ials") for path in (chosen.plain, chosen.balanced)]
    both = []
    for folder in chosen.folders:
        data = read_slate_data(folder, chosen.format)
        slates = slate_tasks(data, chosen.split)[chosen.part == "test"]
        both.append([figures(slates, parameters, chosen.k) for parameters in settings])
        show(str(folder), *both[-1])
    if len(both) > 1:
        of_all = ({name: np.concatenate([f[name] for f in all_]) for name in all_[0]}
                  for all_ in zip(*both, strict=True))  # fmt: skip
        show("all", *of_all)


if __name__ == "__main__":
    main()
