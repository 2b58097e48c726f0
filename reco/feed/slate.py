"""The slate by relevance: the likeliest candidates, nothing taking all of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.snapshot import Catalogue
from reco.feed.candidates import Candidates
from reco.kernel.pooling import numbered
from reco.kernel.selecting import take_within
from reco.lazily import lazy

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

    @lazy
    def code(self) -> NDArray[np.int64]:
        """(C,) the groups, numbered from 0 on."""
        code = np.empty(len(self.group), dtype=np.int64)
        numbered(self.group, code)
        return code


def quotas(
    catalogue: Catalogue, candidates: Candidates, n: int, a_category: int | None = None
) -> tuple[Quota, ...]:
    """Return the quotas of a slate of `n`: a venue and all that is digital, a subcategory.

    The first is given up last.

    Parameters
    ----------
    a_category
        Offers that each category may have, a quota of its own and, since somebody asked for it, the
        first; None: as many as n.
    """
    family = catalogue.items.item_subcategory[candidates.item].astype(np.int64)
    digital = max(1, int(n * MAX_DIGITAL_SHARE))
    alike = max(1, int(n * MAX_FAMILY_SHARE))
    limits = (
        Quota(candidates.venue_id, np.where(candidates.is_online, digital, MAX_A_VENUE)),
        # Items without a subcategory are no family.
        Quota(family, np.where(family == 0, n, alike)),
    )
    if a_category is None:
        return limits
    category = catalogue.items.item_category[candidates.item].astype(np.int64)
    return (Quota(category, np.full(len(category), a_category)), *limits)


def full_groups(quota: Quota, taken: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the groups that have no room once the rows `taken` are shown."""
    group, first, count = np.unique(quota.group[taken], return_index=True, return_counts=True)
    return np.asarray(group[count >= quota.limit[taken[first]]])


def choose(order: NDArray[np.int64], quotas: Sequence[Quota], n: int) -> list[int]:
    """Return up to `n` of `order`, as many as there are.

    The quotas hold while others can take the place; then those in the way are given up, the last
    one rather than those before it, so that a quota never shortens a slate. The result keeps the
    order of `order`.

    >>> venue = Quota(np.array([7, 7, 7, 7, 8]), np.full(5, 3))
    >>> choose(np.array([0, 1, 2, 3, 4]), [venue], n=4)
    [0, 1, 2, 4]
    """
    return [int(row) for row in order[within_quotas(order, quotas, n, all_of(quotas))]]


def all_of(quotas: Sequence[Quota]) -> int:
    """Return the set of all quotas, as `given_up` has them."""
    return (1 << len(quotas)) - 1


def are_held(quotas: Sequence[Quota], given_up: int) -> list[bool]:
    """Return for each quota whether it is not in the set of those given up."""
    return [not given_up >> place & 1 for place in reversed(range(len(quotas)))]


def within_quotas(
    order: NDArray[np.int64], quotas: Sequence[Quota], n: int, given_up: int = 0
) -> NDArray[np.int64]:
    """Return the ascending places in `order` of what a slate of `n` takes while the quotas hold.

    Parameters
    ----------
    given_up
        Where the slate would be short, sets of quotas are given up, from none to this one
        (`reco.kernel.selecting.take_within`).
    """
    code, limit, groups = as_matrices(quotas, len(order))
    shown = np.zeros((len(quotas), groups), dtype=np.int64)
    is_taken, place = np.zeros(len(order), dtype=bool), np.empty(n, dtype=np.int64)
    count = take_within(order, code, limit, given_up, shown, is_taken, place)
    return np.sort(place[:count])


def as_matrices(
    quotas: Sequence[Quota], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return (Q, C) groups and limits of C candidates, and the most groups that a quota has."""
    if not quotas:
        none = np.empty((0, count), dtype=np.int64)
        return none, none, 0
    group = np.stack([quota.code for quota in quotas])
    return group, np.stack([quota.limit for quota in quotas]), int(group.max(initial=-1)) + 1
