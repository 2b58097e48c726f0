"""What a list of offers does beyond relevance (METRICS, 3); one figure a user, or one a table.

Lists `ranked` (n, k) hold item rows, best first, filled up with -1. A figure that is not defined
for a user is NaN; averages leave it out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from features.horizon import ValueTable

_DETERMINANTS = 1_024
"""Lists of which vectors are held at once."""
_SURE = np.nextafter(1.0, 0.0)
"""A chance of 1 has no logarithm of its opposite."""
_LEAST_KNOWN = 0.5
"""An item that nobody had booked counts as known by half a person."""


@dataclass(frozen=True)
class Found:
    """What n users really booked later, offer by offer."""

    user: NDArray[np.int64]
    """(T,) place of the user, ascending."""
    item: NDArray[np.int64]
    """(T,) row of the item."""
    offer: NDArray[np.int64]
    """(T,) row of the offer in the table of values: that which was booked."""


def as_matrix(table: ValueTable) -> "csr_array[np.float64]":
    """Return the table as (R, V) zeros and ones."""
    shape = (len(table.start) - 1, len(table.points))
    return csr_array((np.ones(len(table.value)), table.value, table.start), shape=shape)


def shown(ranked: NDArray[np.int32], items: int) -> "csr_array[np.float64]":
    """Return lists (n, k) as (n, items) zeros and ones."""
    user, place = np.nonzero(ranked >= 0)
    column = ranked[user, place]
    return csr_array((np.ones(len(user)), (user, column)), shape=(len(ranked), items))


def new_points(
    values: "csr_array[np.float64]", met: "csr_array[np.float64]", points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return f(S | H): points of each row's distinct values (n, V) that are not met (n, V)."""
    there = (values > 0).astype(np.float64)
    new = there - there.multiply(met > 0)
    return np.asarray(new @ points, dtype=np.float64)


def horizon_recall(
    ranked: NDArray[np.int32],
    found: Found,
    offers: ValueTable,
    met: "csr_array[np.float64]",
) -> NDArray[np.float64]:
    """Return f(R ∩ T | H) / f(T | H); NaN where nothing of T was new."""
    users, values = len(ranked), as_matrix(offers)
    booked = values[found.offer]
    is_hit = _is_hit(ranked, found)
    of_user = csr_array((np.ones(len(found.user)), (found.user, np.arange(len(found.user)))),
                        shape=(users, len(found.user)))  # fmt: skip
    reached = new_points(of_user @ (diags_array(is_hit.astype(float)) @ booked), met, offers.points)
    possible = new_points(of_user @ booked, met, offers.points)
    return _share(reached, possible)


def novel_recall(
    ranked: NDArray[np.int32],
    found: Found,
    offers: ValueTable,
    met: "csr_array[np.float64]",
) -> NDArray[np.float64]:
    """Return recall among what has a category that the user had not met; NaN without any.

    Over distinct items; of several offers of one, one with a new category is enough.
    """
    is_category = np.zeros(len(offers.points))
    is_category[offers.codes_of("category")] = 1.0
    categories = as_matrix(offers)[found.offer] @ diags_array(is_category)
    is_new = (categories - categories.multiply(met[found.user] > 0)).sum(axis=1) > 0
    pair = np.unique(np.stack([found.user, found.item], axis=1)[is_new], axis=0)
    targets = Found(pair[:, 0], pair[:, 1], pair[:, 1])
    wanted = np.bincount(targets.user, minlength=len(ranked))
    hit = np.bincount(targets.user[_is_hit(ranked, targets)], minlength=len(ranked))
    return _share(hit, np.minimum(wanted, ranked.shape[1]))


def slate_points(
    ranked: NDArray[np.int32], items: ValueTable, met: "csr_array[np.float64]"
) -> NDArray[np.float64]:
    """Return f(R | H): the points if all of the list were booked."""
    values = shown(ranked, len(items.start) - 1) @ as_matrix(items)
    return new_points(values, met, items.points)


def expected_gain(
    ranked: NDArray[np.int32],
    chance: NDArray[np.float64],
    items: ValueTable,
    met: "csr_array[np.float64]",
) -> NDArray[np.float64]:
    """Return G(S | H) (METRICS, 1): the points that are expected of each list.

    Parameters
    ----------
    chance
        (n, k) that what each place shows is booked, each independently.
    """
    user, place = np.nonzero(ranked >= 0)
    shape = (len(ranked), len(items.start) - 1)
    log_missed = np.log1p(-np.minimum(chance[user, place], _SURE))
    earned = csr_array((log_missed, (user, ranked[user, place])), shape=shape) @ as_matrix(items)
    earned.data = -np.expm1(earned.data)
    new = earned - earned.multiply(met > 0)
    return np.asarray(new @ items.points, dtype=np.float64)


def most_points(
    items: ValueTable,
    met: "csr_array[np.float64]",
    k: int,
    is_open: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return U_k: what k offers could earn at most, attribute by attribute.

    Parameters
    ----------
    is_open
        (I,) the candidates; all items by default.
    """
    table = items if is_open is None else items.take(np.flatnonzero(is_open))
    there = np.zeros(len(items.points), dtype=bool)
    there[table.value] = True
    total = np.zeros(met.shape[0])
    known = (met > 0).astype(np.float64)
    for attribute in {name for name, _ in items.names}:
        code = items.codes_of(attribute)
        code = code[there[code]]
        if not len(code):
            continue
        of_offer = np.isin(table.value, code)
        widest = int(np.add.reduceat(np.append(of_offer, 0), table.start[:-1])[
            np.diff(table.start) > 0].max(initial=0))  # fmt: skip
        new: NDArray[np.float64] = len(code) - np.asarray(known[:, code].sum(axis=1))
        total += items.points[code[0]] * np.minimum(k * widest, new)
    return total


def slate_horizon(
    ranked: NDArray[np.int32],
    items: ValueTable,
    met: "csr_array[np.float64]",
    is_open: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return f(R | H) / U_k; NaN where there is nothing new to earn."""
    most = most_points(items, met, ranked.shape[1], is_open)
    return _share(slate_points(ranked, items, met), most)


def ild(ranked: NDArray[np.int32], vectors: "csr_array[np.float64]") -> NDArray[np.float64]:
    """Return the mean of `1 - cosine` over the pairs of each list; NaN under two offers.

    Parameters
    ----------
    vectors
        (I, F) of the items; a zero vector is unlike everything.
    """
    length = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1), dtype=np.float64))
    unit = (
        diags_array(np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)) @ vectors
    )
    listed = shown(ranked, vectors.shape[0])
    total = listed @ unit
    own = listed @ (length > 0).astype(np.float64)
    count = np.asarray(listed.sum(axis=1), dtype=np.float64)
    pairs = count * (count - 1.0)
    alike = np.asarray(total.multiply(total).sum(axis=1), dtype=np.float64) - own
    return 1.0 - _share(alike, pairs)


def volume(ranked: NDArray[np.int32], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the square root of the Gram determinant of each list's unit vectors (I, F).

    Places that show nothing count as unlike all others: they change no determinant.
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.zeros((len(vectors) + 1, vectors.shape[1]))
    np.divide(vectors, length, out=unit[:-1], where=length > 0)
    figures = np.empty(len(ranked))
    alone = np.eye(ranked.shape[1])
    for start in range(0, len(ranked), _DETERMINANTS):
        listed = ranked[start : start + _DETERMINANTS]
        rows = unit[listed]
        gram = rows @ rows.transpose(0, 2, 1) + alone * (listed < 0)[:, :, np.newaxis]
        figures[start : start + _DETERMINANTS] = np.sqrt(np.maximum(0.0, np.linalg.det(gram)))
    return figures


def share_of_users(
    user: NDArray[np.int32], item: NDArray[np.int32], *, items: int, users: int
) -> NDArray[np.float64]:
    """Return the share of `users` people who booked each item (I,), however often.

    Parameters
    ----------
    user, item
        (B,) the bookings.

    >>> share_of_users(np.array([0, 0, 1], np.int32), np.array([1, 1, 1], np.int32), items=2,
    ...                users=4).tolist()
    [0.125, 0.5]
    """
    pair = np.unique(user.astype(np.int64) * items + item)
    known = np.bincount(pair % items, minlength=items)
    return np.maximum(known, _LEAST_KNOWN) / max(1, users)


def novelty(ranked: NDArray[np.int32], share_of_users: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of -log2 of the share of users (I,) who know each item of the list.

    One of which the share is 0 is left out.
    """
    with np.errstate(divide="ignore"):
        surprise = -np.log2(share_of_users)
    listed = shown(ranked, len(share_of_users))
    known = np.isfinite(surprise)
    total = listed @ np.where(known, surprise, 0.0)
    return _share(total, listed @ known.astype(np.float64))


def calibration_kl(
    ranked: NDArray[np.int32], categories: "csr_array[np.float64]", history: "csr_array[np.float64]"
) -> NDArray[np.float64]:
    """Return KL(history's category shares || list's), smoothed by alpha = 0.01 (Steck 2018).

    Parameters
    ----------
    categories
        (I, C) categories of the items; an item of several counts a share for each.
    history
        (n, C) how often each user booked each category; NaN where nothing, or nothing is listed.
    """
    wanted = _shares(history)
    listed = _shares(shown(ranked, categories.shape[0]) @ _as_shares(categories))
    mixed = 0.99 * listed + 0.01 * wanted
    terms = np.zeros_like(wanted)
    np.log(np.divide(wanted, mixed, out=np.ones_like(wanted), where=mixed > 0),
           out=terms, where=wanted > 0)  # fmt: skip
    figures = np.asarray((wanted * terms).sum(axis=1))
    return np.where((wanted.sum(axis=1) > 0) & (listed.sum(axis=1) > 0), figures, np.nan)


def median_distance_m(
    ranked: NDArray[np.int32], distance_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the median of distances (n, k) over what each list shows; NaN where none is known."""
    known = np.where(ranked >= 0, distance_m, np.nan)
    figures = np.full(len(ranked), np.nan)
    has_any = ~np.isnan(known).all(axis=1)
    figures[has_any] = np.nanmedian(known[has_any], axis=1)
    return figures


def gini(exposure: NDArray[np.number], count: int = 0) -> float:
    """Return the Gini coefficient of exposures: 0 all alike, near 1 all of it one's.

    Parameters
    ----------
    exposure
        None negative; of whole numbers, as a type of them says, it is told sooner.
    count
        How many things there are, whatever has no exposure; 0: as many as are given.

    >>> gini(np.array([1.0, 1.0, 1.0, 1.0])), gini(np.array([0.0, 0.0, 0.0, 1.0]))
    (0.0, 0.75)
    >>> gini(np.array([1.0]), 4), gini(np.array([1]), 4)
    (0.75, 0.75)
    """
    return float(ginis(exposure[np.newaxis], count)[0])


def ginis(exposure: NDArray[np.number], count: int = 0) -> NDArray[np.float64]:
    """Return `gini` of each row (R,) of exposures (R, T) of the same things.

    >>> ginis(np.array([[1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]])).tolist()
    [0.0, 0.75, 0.0]
    """
    size, times = _by_size(exposure)
    shown = times.sum(axis=1, keepdims=True)
    of = np.maximum(count or exposure.shape[1], shown)
    # How many have no more: twice the mean rank of those of each size, less 1.
    below = 2 * (of - shown + np.cumsum(times, axis=1)) - times
    total = np.asarray((times * size).sum(axis=1), dtype=np.float64)
    apart = np.asarray((times * (below - of) * size).sum(axis=1), dtype=np.float64)
    found = np.divide(apart, of[:, 0] * total, out=np.zeros(len(total)), where=total > 0.0)
    return np.asarray(found)


def _by_size(exposure: NDArray[np.number]) -> tuple[NDArray[np.number], NDArray[np.int64]]:
    """Return sizes, (R, S) or (S,), ascending, and how often each row has those above 0, (R, S)."""
    if not np.issubdtype(exposure.dtype, np.integer):
        size = np.sort(exposure, axis=1)
        return size, (size > 0).astype(np.int64)
    rows, sizes = len(exposure), int(exposure.max(initial=0)) + 1
    cell = exposure.astype(np.int64) + sizes * np.arange(rows)[:, np.newaxis]
    times = np.bincount(cell.ravel(), minlength=rows * sizes).reshape(rows, sizes)
    return np.arange(1, sizes), times[:, 1:]


def largest_half(sizes: NDArray[np.number]) -> NDArray[np.bool_]:
    """Return the fewest that have half of the total between them.

    >>> largest_half(np.array([1, 5, 2, 1])).tolist()
    [False, True, False, False]
    """
    order = np.argsort(-sizes, kind="stable")
    before = np.cumsum(sizes[order]) - sizes[order]
    is_large = np.zeros(len(sizes), dtype=bool)
    is_large[order] = before < sizes.sum() / 2
    return is_large


def venue_exposures(
    venue: NDArray[np.int64], place: NDArray[np.int64], venues: int = 0
) -> NDArray[np.float64]:
    """Return what each venue is shown, by position: 1 / log2(j + 1) at place j.

    Parameters
    ----------
    venue
        (P,) of all that is shown, list after list, -1: none.
    place
        (P,) in its list, from 0 on.
    venues
        Length of what is returned at least.
    """
    is_known = venue >= 0
    weight = 1.0 / np.log2(place[is_known] + 2.0)
    return np.bincount(venue[is_known], weight, minlength=venues).astype(np.float64)


def _is_hit(ranked: NDArray[np.int32], found: Found) -> NDArray[np.bool_]:
    """Return which of `found` are in their user's list."""
    items = int(max(ranked.max(initial=0), found.item.max(initial=0))) + 1
    key = np.arange(len(ranked))[:, np.newaxis] * items + ranked
    return np.isin(found.user * items + found.item, key[ranked >= 0])


def _share(part: NDArray[np.generic], whole: NDArray[np.generic]) -> NDArray[np.float64]:
    figures = np.full(len(whole), np.nan)
    np.divide(part, whole, out=figures, where=np.asarray(whole) > 0)
    return figures


def _shares(counts: "csr_array[np.float64]") -> NDArray[np.float64]:
    dense = counts.toarray()
    total = dense.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(dense, total, out=np.zeros_like(dense), where=total > 0))


def _as_shares(categories: "csr_array[np.float64]") -> "csr_array[np.float64]":
    count = np.asarray(categories.sum(axis=1), dtype=np.float64)
    return csr_array(diags_array(1.0 / np.maximum(count, 1.0)) @ categories)
