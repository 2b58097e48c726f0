"""How often the intervals of experiments are wrong, looked at again and again: docs/experiments.md.

`python -m tests.benchmarks.sequences [--repetitions 2000]`
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np

from reco.console import console
from training.experiments.sequences import Group, always_valid, at_the_horizon
from training.experiments.status import ALPHA

PLANNED = 2_000
PEOPLE = 10_000
LOOKS = np.unique(np.geomspace(220, PEOPLE, 100).astype(int))

SHAPES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "normal": lambda g: g.normal(size=PEOPLE),
    "1 of 50 books once": lambda g: (g.random(PEOPLE) < 0.02).astype(float),
    "1 of 12 gains 15, 35 or 65 points": lambda g: (
        (g.random(PEOPLE) < 1 / 12) * g.choice([15.0, 35.0, 65.0], PEOPLE)
    ),
    "log-normal, sigma 1.5": lambda g: np.exp(1.5 * g.normal(size=PEOPLE)),
}


def groups(figures: np.ndarray, is_other: np.ndarray) -> Iterator[tuple[Group, Group]]:
    """Yield both groups of an experiment without any effect, at each look."""
    sums = [
        [np.cumsum(chosen * figures**power)[LOOKS - 1] for power in (0, 1, 2)]
        for chosen in (~is_other, is_other)
    ]
    for look in range(len(LOOKS)):
        yield tuple(_group(*(column[look] for column in one)) for one in sums)


def _group(count: float, total: float, squares: float) -> Group:
    mean = total / count
    return Group(int(count), mean, (squares - count * mean**2) / (count - 1))


def main() -> None:
    """Print the share of A/A experiments in which some look finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=2_000)
    repetitions = parser.parse_args().repetitions
    console.print(f"{repetitions:,} A/A experiments, {len(LOOKS)} looks up to {PEOPLE:,} people")
    for name, draw in SHAPES.items():
        generator = np.random.default_rng(7)
        wrong = np.zeros((repetitions, 3), dtype=bool)
        for row in wrong:
            is_other = generator.random(PEOPLE) < 0.5
            pairs = list(groups(draw(generator), is_other))
            valid = [always_valid(*pair, ALPHA, PLANNED) for pair in pairs]
            once = [at_the_horizon(*pair, ALPHA) for pair in pairs]
            row[:] = (
                any(one is not None and one.p <= ALPHA for one in valid),
                any(one is not None and one.p <= ALPHA for one in once),
                once[-1] is not None and once[-1].p <= ALPHA,
            )
        always, peeked, last = 100.0 * wrong.mean(axis=0)
        console.print(
            f"{name}: always valid {always:.1f} %, fixed horizon looked at early {peeked:.1f} %, "
            f"looked at once {last:.1f} %"
        )


if __name__ == "__main__":
    main()
