"""Time the choice of a slate: `python -m tests.benchmarks.slates`.

Pools of 500 made-up candidates with the programme's five attributes and the feed's kinds of quota;
30 are chosen. Prints microseconds by floor, intensity and price, the floor kept and the bound's
distance.
"""

import time

import numpy as np
from rich.console import Console
from rich.table import Table

from features.horizon import value_table, values_of
from reco.feed.slate import Quota
from reco.feed.widening import Aim, Pool, ValueScratch, values_of_rows, widen

CANDIDATES, N, POOLS, ROUNDS = 500, 30, 20, 15
PRICE = 180.0
"""Points a booking; alone, and over the floor that the benchmark of slates gives it."""
AIMS = [
    *(Aim(N, floor, m) for floor in (1.0, 0.99, 0.95, 0.8) for m in (1.0, 10.0, 100.0)),
    *(Aim(N, floor, 1.0, points_a_booking=PRICE) for floor in (0.95, 0.0)),
]


def pool_of(seed: int) -> Pool:
    """Return a pool of one made-up person who has met a third of the categories."""
    draw = np.random.default_rng(seed)
    table = value_table(
        [
            values_of(
                category=f"c{min(14, draw.geometric(0.25) - 1)}",
                venue_type=f"t{draw.integers(12)}",
                subcategory=f"s{draw.integers(60)}",
                venue=f"v{draw.integers(200)}",
                genres=[f"g{draw.integers(80)}"],
            )
            for _ in range(CANDIDATES)
        ]
    )
    known = np.concatenate([table.codes_of(name)[::3] for name in ("category", "venue_type")])
    scratch = ValueScratch.of(table)
    values = values_of_rows(table, np.arange(CANDIDATES), known, np.zeros(len(known)), scratch)
    venue, family = draw.integers(0, 200, CANDIDATES), draw.integers(0, 60, CANDIDATES)
    quotas = (
        Quota(venue, np.full(CANDIDATES, 3)),
        Quota(family, np.full(CANDIDATES, N // 2)),
    )
    return Pool(np.sort(draw.beta(0.3, 30.0, CANDIDATES))[::-1].copy(), values, quotas)


def microseconds(pool: Pool, aim: Aim) -> float:
    """Return the median time of one choice."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        widen(pool, aim)
        took.append(time.perf_counter() - began)
    return float(np.median(took)) * 1e6


def main() -> None:
    """Measure and print."""
    pools = [pool_of(seed) for seed in range(POOLS)]
    for pool in pools:
        widen(pool, Aim(N, 0.95, 10.0))
    table = Table(
        "floor", "m", "points a booking", "median, us", "slowest pool, us", "kept, least",
        "gain / bound",
    )  # fmt: skip
    for aim in AIMS:
        took = [microseconds(pool, aim) for pool in pools]
        found = [widen(pool, aim) for pool in pools]
        table.add_row(
            f"{aim.floor:g}", f"{aim.intensity:g}", f"{aim.points_a_booking:g}",
            f"{np.median(took):.0f}", f"{max(took):.0f}",
            f"{min(slate.relevance_kept for slate in found):.4f}",
            f"{np.median([slate.gain / slate.bound for slate in found]):.3f}",
        )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
