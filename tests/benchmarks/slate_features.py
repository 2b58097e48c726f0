"""What each group of features pays in the probability of a slate, on what is held out.

`python -m tests.benchmarks.slate_features DIR --format yelp-poi --split given`

Each line leaves a group out. Figures of each half of the validation users by a fit on the other
half; changes of ndcg@20 are against all features, user by user. No test part is read.
"""

import argparse
from pathlib import Path

from rich.table import Table

from reco.console import console
from training.commands.progress import share_progress
from training.slate_data import read_slate_data
from training.slate_probability import ALL, Learner, reached_by
from training.slate_tasks import slate_tasks
from training.slates import MOST_USERS, prepare

LEFT_OUT = {
    "openness": ("openness",),
    "bridges": ("bridge",),
    "openness and bridges": ("openness", "bridge"),
    "bookings": ("bookings",),
    "popularity": ("popularity",),
    "the second model": ("second ",),
    "what was met": ("met of ", "share of "),
    "what is new": ("new of ",),
    "both of these": (" of ",),
    "both, openness and bridges": (" of ", "openness", "bridge"),
    "distance": ("_m",),
}
"""By group: what the names of its features have."""


def learners():
    """Return that of all features, and of all but each group."""
    return [ALL, *(Learner(f"all but {group}", seen(parts)) for group, parts in LEFT_OUT.items())]


def seen(parts):
    return lambda name: not any(part in name for part in parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--format", required=True)
    parser.add_argument("--split", choices=["given", "time"], required=True)
    parser.add_argument("--choosing-users", type=int, default=MOST_USERS)
    chosen = parser.parse_args()
    data = read_slate_data(chosen.folder, chosen.format)
    with share_progress() as progress:
        first = slate_tasks(data, chosen.split, 0)[0]
        stage = prepare(first, progress, users=chosen.choosing_users).choosing
        progress("leaving groups out", 0.5)
        reached = reached_by(learners(), ALL, stage.slates, stage.pools)
    users = f"{len(stage.slates.task.users):,} validation users, 95 % interval"
    table = Table("features", "ndcg@20", "against all, %", "log-loss", "ece_rel", title=users)
    best = reached[ALL.name].ndcg
    for name, one in reached.items():
        gain = [f"{100 * part / best:+.2f}" for part in vars(one.gain).values()]
        table.add_row(
            name, f"{one.ndcg:.4f}", f"{gain[0]} ({gain[1]} .. {gain[2]})",
            f"{one.log_loss:.5f}", f"{one.ece_rel:.3f}",
        )  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    main()
