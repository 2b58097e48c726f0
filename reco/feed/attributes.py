"""What candidates can add to a person's horizon, told by the catalogue alone."""

from collections import Counter
from collections.abc import Mapping, Set

import numpy as np
from numpy.typing import NDArray

from features.horizon import POINTS, Value
from reco.catalogue.numbering import ATTRIBUTES
from reco.catalogue.snapshot import Catalogue
from reco.feed.candidates import Candidates
from reco.feed.widening import Values
from reco.kernel import attributes


def values_of_candidates(
    catalogue: Catalogue,
    candidates: Candidates,
    met: Set[Value],
    unmet: Mapping[Value, float],
    *,
    place: NDArray[np.int32],
    points_by_attribute: Mapping[str, float] = POINTS,
) -> Values:
    """Return the values of C candidates that are not met; codes are of `catalogue.numbering`.

    Those of `features.horizon.values_of`, but for genres after the first `MOST_GENRES`.

    Parameters
    ----------
    met
        Values of the user's bookings.
    unmet
        The probability that nothing with a value was booked of what pages before have offered.
    place
        Zeros, for every number of `catalogue.numbering`; they are so again afterwards.
    """
    items, venues, numbering = catalogue.items, catalogue.venues, catalogue.numbering
    # Met comes last: what was booked earns nothing, whatever pages before have left.
    named = numbering.numbers([*unmet, *met])
    share = np.zeros(len(named))
    share[: len(unmet)] = np.fromiter(unmet.values(), np.float64, len(unmet))
    is_known = named >= 0
    most = len(candidates) * (4 + items.item_genres.shape[1])
    start = np.empty(len(candidates) + 1, dtype=np.int64)
    value, code = np.empty(most, dtype=np.int32), np.empty(most, dtype=np.int64)
    worth = np.empty(most)
    count = attributes.values_of(
        candidates.item, candidates.venue_row, items.item_category,
        items.item_subcategory, venues.venue_type, items.item_genres, numbering.first,
        np.array([points_by_attribute[name] for name in ATTRIBUTES], dtype=np.float64),
        named[is_known], share[is_known], place[: numbering.first[-1]],
        start, value, code, worth,
    )  # fmt: skip
    return Values(start, value[: start[-1]], worth[:count], code[:count])


def most_points(catalogue: Catalogue, met: Set[Value]) -> float:
    """Return points that no offer of the catalogue earns more than, for who has met `met`."""
    left = Counter(
        category=len(catalogue.categories),
        subcategory=len(catalogue.subcategories),
        venue_type=len(catalogue.venue_types),
        genre=len(catalogue.genres),
    )
    most = dict.fromkeys(left, 1) | {"genre": catalogue.items.most_genres}
    left.subtract(value[0] for value in met if value in catalogue.numbering.number)
    of_work = sum(POINTS[attribute] * min(most[attribute], left[attribute]) for attribute in most)
    return POINTS["venue"] + of_work


def categories_among(catalogue: Catalogue, values: Values) -> NDArray[np.bool_]:
    """Return which of `values` (W,) are categories."""
    return np.asarray(values.code < catalogue.numbering.first[1])


def new_families(catalogue: Catalogue, met: Set[Value]) -> NDArray[np.bool_]:
    """Return by family (`Items.family`) which ones bring something new: a category, or more."""
    subcategory, category = catalogue.items.families
    is_new = _unmet(catalogue.categories, "category", met)[category]
    is_new |= _unmet(catalogue.subcategories, "subcategory", met)[subcategory]
    family = catalogue.items.family_of(subcategory, category)
    is_new_family = np.zeros(int(family.max(initial=0)) + 1, dtype=bool)
    is_new_family[family[is_new]] = True
    return is_new_family


def _unmet(names: Mapping[int, str], attribute: str, met: Set[Value]) -> NDArray[np.bool_]:
    is_unmet = np.zeros(max(names, default=0) + 1, dtype=bool)
    is_unmet[[key for key, name in names.items() if (attribute, name) not in met]] = True
    return is_unmet
