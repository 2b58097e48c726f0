"""The kernel of a search: one pass over the offers around and their stocks."""

import numpy as np
from numba import boolean, float64, int32, int64, types

from reco.db.arrays import FOREVER_US
from reco.kernel.compiled import (
    READ_BOOL,
    READ_F64,
    READ_I16,
    READ_I32,
    READ_I64,
    READ_MATRIX_I64,
    compiled,
)
from reco.kernel.geodesic import arc, inverse
from reco.search.layout import (
    BAND_BIT,
    BANDS_CENTS,
    BITS,
    CATEGORY,
    CATEGORY_BIT,
    DAY,
    DAYS,
    DIGITAL,
    DIGITAL_BIT,
    DUO,
    DUO_BIT,
    FAR,
    LATER_BIT,
    MATCH_BIT,
    PRICE,
    SHOWN_BIT,
    SLOT_BIT,
    SUBCATEGORY,
    SUBCATEGORY_BIT,
    UNDATED_BIT,
    Around,
    Found,
    ItemColumns,
    LabelColumns,
    Scratch,
    ShelfColumns,
    Wanted,
)

_SHELF = types.NamedTuple(
    (
        *(READ_I64, READ_I64, READ_I32, READ_BOOL, READ_BOOL),
        *(READ_I32, READ_I64, READ_MATRIX_I64),
    ),
    ShelfColumns,
)
_ITEMS = types.NamedTuple((READ_I32, READ_I64), ItemColumns)
_LABELS = types.NamedTuple((READ_I64, READ_I64, READ_I16, READ_I16), LabelColumns)
_WANTED = types.NamedTuple((_LABELS, *6 * (READ_I64,)), Wanted)
_AROUND = types.NamedTuple((READ_I64, READ_I64, READ_I32), Around)
_I64, _I32, _KEYS = int64[::1], int32[::1], int64[:, ::1]
_SCRATCH = types.NamedTuple((_I64, _I32, _I64, _I32, _I64, _KEYS), Scratch)
_FOUND = types.NamedTuple((_I64, _I64, _I64, _KEYS, _KEYS, _I64), Found)
_STARTS, _OPENS, _CLOSES, _PRICE = 0, 1, 2, 3
"""Columns of `Shelf.session`."""
_DAY_US = 86_400_000_000

_DAY_VALUES = (1 << BAND_BIT) - 1
_COUNTED = np.zeros(64, dtype=np.int64)
"""By which filters refuse a session: the bits that it may set nonetheless; none: several do."""
_COUNTED[0] = (1 << MATCH_BIT + 1) - 1
_COUNTED[DAY] = _DAY_VALUES
_COUNTED[PRICE] = ((1 << DUO_BIT) - 1) ^ _DAY_VALUES
_COUNTED[DUO] = 3 << DUO_BIT
_COUNTED[DIGITAL] = 3 << DIGITAL_BIT
_COUNTED[CATEGORY] = 1 << CATEGORY_BIT
_COUNTED[SUBCATEGORY] = 1 << SUBCATEGORY_BIT

_DE_BRUIJN = 0x03F79D71B4CB0A89
"""A sequence of 64 bits, of which no six in a row come twice: times a power of two, its first six
tell which."""
_EXPONENT = np.zeros(64, dtype=np.int64)
_EXPONENT[[(_DE_BRUIJN << exponent) % 2**64 >> 58 for exponent in range(64)]] = np.arange(64)


@compiled(boolean(READ_I64, int64))
def is_gone(gone, offer_id):
    """Say whether an offer is among those of a sorted list."""
    low, high = 0, len(gone)
    while low < high:
        middle = (low + high) // 2
        if gone[middle] < offer_id:
            low = middle + 1
        else:
            high = middle
    return low < len(gone) and gone[low] == offer_id


# Helpers of the loops take scalars: an array that is passed on costs a count of its owners.


@compiled(int64(int64, int64, int64, int64, int64, int64, int64, int64))
def session_refusals(
    price_cents, starts_us, min_cents, max_cents, has_window, with_undated, from_us, before_us
):
    """Return which filters refuse a session."""
    refused = 0
    if price_cents < min_cents or price_cents > max_cents:
        refused |= PRICE
    if has_window == 1:
        if starts_us == FOREVER_US:
            if with_undated == 0:
                refused |= DAY
        elif starts_us < from_us or starts_us >= before_us:
            refused |= DAY
    return refused


@compiled(int64(int64))
def band_bit(price_cents):
    """Return the facet value of a price."""
    band = 0
    for border in BANDS_CENTS:
        if price_cents > border:
            band += 1
    return BAND_BIT + band


@compiled(int64(int64))
def exponent_of(power):
    """Return the exponent of a power of two."""
    return _EXPONENT[np.uint64(power) * np.uint64(_DE_BRUIJN) >> np.uint64(58)]


@compiled(types.void(_FOUND, _I64, int64, int64, int64, int64, int64))
def offered(found, keys, start, shelf_number, offer, place, size):
    """Put a key, which begins at `start`, into the heap of the best where it belongs there."""
    heap, refs, count, most = found.key, found.at, found.sizes[0], found.key.shape[0]
    if count == most:
        # The worst goes: what comes after it sinks from the top.
        hole = 0
        while True:
            child = 2 * hole + 1
            if child >= most:
                break
            if child + 1 < most:
                for part in range(size):
                    if heap[child, part] != heap[child + 1, part]:
                        child += heap[child, part] < heap[child + 1, part]
                        break
            is_greater = False
            for part in range(size):
                if keys[start + part] != heap[child, part]:
                    is_greater = keys[start + part] > heap[child, part]
                    break
            if is_greater:
                break
            heap[hole] = heap[child]
            refs[hole] = refs[child]
            hole = child
    else:
        hole = count
        found.sizes[0] += 1
        while hole > 0:
            parent = (hole - 1) // 2
            is_greater = False
            for part in range(size):
                if keys[start + part] != heap[parent, part]:
                    is_greater = keys[start + part] > heap[parent, part]
                    break
            if not is_greater:
                break
            heap[hole] = heap[parent]
            refs[hole] = refs[parent]
            hole = parent
    for part in range(size):
        heap[hole, part] = keys[start + part]
    refs[hole, 0], refs[hole, 1], refs[hole, 2] = shelf_number, offer, place


@compiled(types.void(_SHELF, int64, _ITEMS, _WANTED, _AROUND, _SCRATCH, int64, boolean, _FOUND))
def scan(shelf, shelf_number, items, wanted, around, scratch, stamp, by_item, found):
    """Look through the offers of one shelf.

    Counts facets, keeps the best offer of each item (`by_item`) in the scratch, or else offers
    every offer to the heap.
    """
    offer_start, offer_id, offer_item = shelf.offer_start, shelf.offer_id, shelf.offer_item
    offer_is_duo, offer_price, replaced = shelf.offer_is_duo, shelf.offer_price, shelf.replaced
    session_start, session = shelf.session_start, shelf.session
    labels, bookings = items.label, items.bookings
    label_refused, label_facets = wanted.labels.refused, wanted.labels.facets
    categories, subcategories = wanted.labels.category, wanted.labels.subcategory
    now_us, from_us, before_us = wanted.window_us[0], wanted.window_us[1], wanted.window_us[2]
    has_window, with_undated = wanted.choices[0], wanted.choices[1]
    min_cents, max_cents, has_text = wanted.choices[2], wanted.choices[3], wanted.choices[4] == 1
    days_us, sorts, after, gone = wanted.days_us, wanted.sorts, wanted.after, wanted.gone
    groups, away_m, venue_rank = around.group, around.distance_m, around.text_rank
    marks, slots, best_key, best_at = scratch.mark, scratch.slot, scratch.best_key, scratch.best_at
    text_stamp, text_rank = scratch.text_stamp, scratch.text_rank
    bit_counts, sizes, heap = found.bits, found.sizes, found.key
    category_counts, subcategory_counts = found.category, found.subcategory
    first_day_us, last_day_us = days_us[0], days_us[DAYS]
    online, size = len(offer_start) - 2, len(sorts) + 1
    has_replaced, has_after, has_gone = len(replaced) > 0, len(after) > 0, len(gone) > 0
    key, stamped = np.empty(size, np.int64), stamp << BITS
    for place in range(len(groups)):
        group = groups[place]
        if_online = 2 * int64(group == online)
        for offer in range(np.uint64(offer_start[group]), np.uint64(offer_start[group + 1])):
            if has_replaced and replaced[offer]:
                continue
            item = np.uint64(offer_item[offer])
            rank = 0
            if has_text:
                rank = int64(venue_rank[place])
                if text_stamp[item] == stamp:
                    rank = max(rank, int64(text_rank[item]))
                if rank == 0:
                    continue
            label = np.uint64(labels[item])
            row = np.uint64(4 * labels[item] + if_online + offer_is_duo[offer])
            refused, facets = label_refused[row], label_facets[row]
            earliest_us, cheapest_cents, is_match, values = FAR, FAR, False, int64(0)
            # Most offers have one stock, at any time: their price says all of it.
            whole = int64(offer_price[offer])
            if whole >= 0:
                cheapest_cents = whole >> 2
                by = refused | session_refusals(
                    *(cheapest_cents, FOREVER_US, min_cents, max_cents),
                    *(has_window, with_undated, from_us, before_us),
                )
                is_match = by == 0
                values = facets | 1 << UNDATED_BIT | 1 << band_bit(cheapest_cents)
                values &= _COUNTED[np.uint64(by)]
            elif refused & (refused - 1) == 0:
                first, end = session_start[-whole - 1], session_start[-whole]
                for at in range(np.uint64(first), np.uint64(end)):
                    if session[at, _OPENS] > now_us or session[at, _CLOSES] <= now_us:
                        continue
                    price_cents, starts_us = session[at, _PRICE] >> 2, session[at, _STARTS]
                    by = refused | session_refusals(
                        *(price_cents, starts_us, min_cents, max_cents),
                        *(has_window, with_undated, from_us, before_us),
                    )
                    may_count = _COUNTED[np.uint64(by)]
                    if may_count == 0:
                        continue
                    if by == 0:
                        is_match = True
                        earliest_us = min(earliest_us, starts_us)
                        cheapest_cents = min(cheapest_cents, price_cents)
                    of_session = facets | 1 << band_bit(price_cents)
                    if starts_us == FOREVER_US:
                        of_session |= 1 << UNDATED_BIT
                    elif starts_us >= last_day_us:
                        of_session |= 1 << LATER_BIT
                    elif starts_us >= first_day_us:
                        # A day may have 23 or 25 hours.
                        day = min((starts_us - first_day_us) // _DAY_US, DAYS - 1)
                        while starts_us < days_us[day]:
                            day -= 1
                        while starts_us >= days_us[day + 1]:
                            day += 1
                        of_session |= 1 << day
                    values |= of_session & may_count
            if values == 0:
                continue
            known = marks[item]
            seen = known if known >> BITS == stamp else stamped
            unseen = values & ~seen
            if unseen:
                seen |= unseen
                marks[item] = seen
                category_counts[categories[label]] += unseen >> CATEGORY_BIT & 1
                subcategory_counts[subcategories[label]] += unseen >> SUBCATEGORY_BIT & 1
                while unseen:
                    bit_counts[exponent_of(unseen & -unseen)] += 1
                    unseen &= unseen - 1
            if not is_match:
                continue
            sizes[2] += 1
            if seen & (1 << SHOWN_BIT):
                continue
            for part in range(size - 1):
                sort = sorts[part]
                if sort == 0:
                    key[part] = away_m[place]
                elif sort == 1:
                    key[part] = earliest_us
                elif sort == 2:
                    key[part] = cheapest_cents
                elif sort == 3:
                    key[part] = -bookings[item]
                else:
                    key[part] = -rank
            key[size - 1] = offer_id[offer]
            if has_after:
                is_after = False
                for part in range(size):
                    if key[part] != after[part]:
                        is_after = key[part] > after[part]
                        break
                if not is_after:
                    continue
            if has_gone and is_gone(gone, offer_id[offer]):
                continue
            if not by_item:
                is_better = sizes[0] < heap.shape[0]
                if not is_better:
                    for part in range(size):
                        if key[part] != heap[0, part]:
                            is_better = key[part] < heap[0, part]
                            break
                if is_better:
                    offered(found, key, 0, shelf_number, offer, place, size)
                continue
            if seen & (1 << SLOT_BIT):
                slot = int64(slots[item])
                is_better = False
                for part in range(size):
                    if key[part] != best_key[slot * size + part]:
                        is_better = key[part] < best_key[slot * size + part]
                        break
                if not is_better:
                    continue
            else:
                slot = sizes[1]
                sizes[1] += 1
                slots[item] = slot
                marks[item] = seen | (1 << SLOT_BIT)
            for part in range(size):
                best_key[slot * size + part] = key[part]
            best_at[slot, 0] = shelf_number
            best_at[slot, 1] = offer
            best_at[slot, 2] = place


@compiled(types.void(_SCRATCH, int64, _FOUND))
def choose(scratch, size, found):
    """Offer the best offer of every item to the heap."""
    best_key, best_at, heap, sizes = scratch.best_key, scratch.best_at, found.key, found.sizes
    for slot in range(sizes[1]):
        is_better = sizes[0] < heap.shape[0]
        if not is_better:
            for part in range(size):
                if best_key[slot * size + part] != heap[0, part]:
                    is_better = best_key[slot * size + part] < heap[0, part]
                    break
        if is_better:
            shelf, offer, place = best_at[slot, 0], best_at[slot, 1], best_at[slot, 2]
            offered(found, best_key, slot * size, shelf, offer, place, size)


@compiled(types.void(_SHELF, _ITEMS, _WANTED, _AROUND, _SCRATCH, int64, int64[::1]))
def count_offers(shelf, items, wanted, around, scratch, stamp, counts):
    """Add to `counts`, by place in `around`, how many offers can be booked as asked."""
    offer_start, offer_item, replaced = shelf.offer_start, shelf.offer_item, shelf.replaced
    offer_is_duo, offer_price = shelf.offer_is_duo, shelf.offer_price
    session_start, session = shelf.session_start, shelf.session
    labels, label_refused = items.label, wanted.labels.refused
    now_us, from_us, before_us = wanted.window_us[0], wanted.window_us[1], wanted.window_us[2]
    has_window, with_undated = wanted.choices[0], wanted.choices[1]
    min_cents, max_cents, has_text = wanted.choices[2], wanted.choices[3], wanted.choices[4] == 1
    groups, venue_rank, text_stamp = around.group, around.text_rank, scratch.text_stamp
    online, has_replaced = len(offer_start) - 2, len(replaced) > 0
    for place in range(len(groups)):
        group = groups[place]
        if_online = 2 * int64(group == online)
        count = 0
        for offer in range(np.uint64(offer_start[group]), np.uint64(offer_start[group + 1])):
            if has_replaced and replaced[offer]:
                continue
            item = np.uint64(offer_item[offer])
            if has_text and venue_rank[place] == 0 and text_stamp[item] != stamp:
                continue
            if label_refused[np.uint64(4 * labels[item] + if_online + offer_is_duo[offer])]:
                continue
            whole = int64(offer_price[offer])
            if whole >= 0:
                count += (
                    session_refusals(
                        *(whole >> 2, FOREVER_US, min_cents, max_cents),
                        *(has_window, with_undated, from_us, before_us),
                    )
                    == 0
                )
                continue
            first, end = session_start[-whole - 1], session_start[-whole]
            for at in range(np.uint64(first), np.uint64(end)):
                if session[at, _OPENS] > now_us or session[at, _CLOSES] <= now_us:
                    continue
                refused = session_refusals(
                    *(session[at, _PRICE] >> 2, session[at, _STARTS], min_cents, max_cents),
                    *(has_window, with_undated, from_us, before_us),
                )
                if refused == 0:
                    count += 1
                    break
        counts[place] += count


_ARC_M = 200_000.0
"""Up to here the chord tells the distance."""


@compiled(
    types.void(
        *(READ_I64, READ_F64, READ_F64, READ_F64, READ_F64, READ_F64, READ_F64),
        *(float64, float64, float64, float64, float64, float64),
        float64[::1],
    )
)
def distances(
    rows, lon, lat, x, y, z, sin_lat, here_lon, here_lat, here_x, here_y, here_z, here_sin_lat,
    distance_m,
):  # fmt: skip
    """Write how far each of `rows` is, on the ellipsoid; beyond 19,850 km to a hundredth of it."""
    for place in range(len(rows)):
        row = rows[place]
        away_m = arc(here_x, here_y, here_z, here_sin_lat, x[row], y[row], z[row], sin_lat[row])
        if away_m > _ARC_M:
            away_m = inverse(here_lon, here_lat, lon[row], lat[row])
        distance_m[place] = away_m
