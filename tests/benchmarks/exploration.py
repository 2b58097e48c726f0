"""How much room a floor leaves to chance, and what its probabilities cost a feed.

`python -m tests.benchmarks.exploration [--users 200]`, on the simulated demo, by popularity near.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from rich.table import Table

from reco.console import console
from reco.feed.exploring import exploration_of
from training.replay.reading import past_from_folder
from training.replay.slates import Moment, System, replay
from training.simulate.world import simulate_world

FLOORS = (0.9, 0.95, 0.98, 1.0)
N = 20
ANCHOR = date(2026, 11, 23)


def measured(folder, users):
    """Return positions with room, feasible offers a position, and seconds, by floor (users, 3)."""
    past = past_from_folder(folder)
    moment = Moment(past, datetime(ANCHOR.year, ANCHOR.month, ANCHOR.day, 12, tzinfo=UTC), 5e4, N)
    serving = moment.serving(None)
    drawn = np.random.default_rng(0).choice(len(past.people.names), users, replace=False)
    found = {floor: [] for floor in FLOORS}
    systems = [System(str(floor), None, floor=floor) for floor in FLOORS]
    for user in drawn.tolist():
        made = replay(moment, serving, moment.situation(user), systems)
        for floor, slate in zip(FLOORS, made, strict=True):
            found[floor].append(_room(slate))
    return {floor: np.array(rows) for floor, rows in found.items()}


def _room(slate):
    query = replace(slate.situation.query, exploration=0.02)
    began_s = time.process_time()
    chances = exploration_of(slate.choice, slate.ranking.sweep.catalogue, query)
    told = chances.propensities
    taken_s = time.process_time() - began_s
    return np.mean(np.array(told) < 1.0), chances.is_feasible.sum(axis=1).mean(), taken_s


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=200)
    users = parser.parse_args().users
    table = Table("floor", "positions with room", "feasible offers a position", "processor, ms")
    with tempfile.TemporaryDirectory() as folder:
        frames = Path(folder) / "frames"
        simulate_world("demo", 1, ANCHOR, frames, lambda *_: None)
        for floor, rows in measured(frames, users).items():
            share, offers, _ = rows.mean(axis=0)
            cost_ms = 1_000 * np.median(rows[:, 2])
            table.add_row(f"{floor:g}", f"{share:.0%}", f"{offers:.0f}", f"{cost_ms:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()
