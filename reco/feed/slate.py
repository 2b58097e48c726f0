"""The slate by relevance: the likeliest candidates, nothing taking all of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.snapshot import Catalogue
from reco.feed.candidates import Candidates

MAX_A_VENUE = 3
"""Offers of one venue in a slate, while there are others."""
MAX_DIGITAL_SHARE = 0.25
"""Share of a slate that may be digital, while there are others."""
MAX_FAMILY_SHARE = 0.5
"""Share of a slate that one subcategory may take, while there are others."""


@dataclass(frozen=True)
class Quota:
    """How many candidates of one group a slate may show."""

    group: NDArray[np.int64]
    """(C,) group of each candidate."""
    limit: NDArray[np.int64]
    """(C,) the most of that group."""


def quotas(catalogue: Catalogue, candidates: Candidates, n: int) -> tuple[Quota, ...]:
    """Return the quotas of a slate of `n`: a venue, all that is digital, a subcategory."""
    family = catalogue.items.item_subcategory[candidates.item].astype(np.int64)
    digital = max(1, int(n * MAX_DIGITAL_SHARE))
    alike = max(1, int(n * MAX_FAMILY_SHARE))
    return (
        Quota(candidates.venue_id, np.where(candidates.is_online, digital, MAX_A_VENUE)),
        # Items without a subcategory are no family.
        Quota(family, np.where(family == 0, n, alike)),
    )


def full_groups(quota: Quota, taken: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the groups that have no room once the rows `taken` are shown."""
    group, first, count = np.unique(quota.group[taken], return_index=True, return_counts=True)
    return np.asarray(group[count >= quota.limit[taken[first]]])


def choose(order: NDArray[np.int64], quotas: Sequence[Quota], n: int) -> list[int]:
    """Return up to `n` of `order`, as many as there are.

    The quotas hold while others can take the place; then they relax, so that a quota never
    shortens a slate. The result keeps the order of `order`.

    >>> venue = Quota(np.array([7, 7, 7, 7, 8]), np.full(5, 3))
    >>> choose(np.array([0, 1, 2, 3, 4]), [venue], n=4)
    [0, 1, 2, 4]
    """
    within = list(within_quotas(order, quotas, n))
    missing = n - len(within)
    if missing > 0:
        taken = set(within)
        spare = [place for place in range(len(order)) if place not in taken]
        within = sorted(within + spare[:missing])
    return [int(order[place]) for place in within]


def within_quotas(order: NDArray[np.int64], quotas: Sequence[Quota], n: int) -> Iterator[int]:
    """Yield the places in `order` of what a slate of `n` takes while the quotas hold."""
    shown: list[Counter[int]] = [Counter() for _ in quotas]
    taken = 0
    for place, row in enumerate(order):
        if taken == n:
            return
        groups = [int(quota.group[row]) for quota in quotas]
        has_room = all(
            counter[group] < quota.limit[row]
            for counter, group, quota in zip(shown, groups, quotas, strict=True)
        )
        if has_room:
            taken += 1
            for counter, group in zip(shown, groups, strict=True):
                counter[group] += 1
            yield place
