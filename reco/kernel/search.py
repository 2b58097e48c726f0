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
_ITEMS = types.NamedTuple((READ_I16, READ_I16, READ_BOOL, READ_I64), ItemColumns)
_WANTED = types.NamedTuple(
    (READ_BOOL, READ_BOOL, READ_I64, READ_I64, READ_I64, READ_I64, READ_I64, READ_I64), Wanted
)
_AROUND = types.NamedTuple((READ_I64, READ_I64, READ_I32), Around)
_I64, _I32, _KEYS = int64[::1], int32[::1], int64[:, ::1]
_SCRATCH = types.NamedTuple((_I64, _I32, _I64, _I32, _I64, _KEYS), Scratch)
_FOUND = types.NamedTuple((_I64, _I64, _I64, _KEYS, _KEYS, _I64), Found)
_STARTS, _OPENS, _CLOSES, _PRICE = 0, 1, 2, 3
"""Columns of `Shelf.session`."""
_DAY_US = 86_400_000_000


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


@compiled(int64(boolean, boolean, boolean, boolean, int64, int64))
def offer_refusals(is_category, is_subcategory, is_duo, is_digital, duo, digital):
    """Return which filters refuse an offer, whatever its sessions."""
    refused = 0
    if not is_category:
        refused |= CATEGORY
    if not is_subcategory:
        refused |= SUBCATEGORY
    if duo >= 0 and is_duo != (duo == 1):
        refused |= DUO
    if digital >= 0 and is_digital != (digital == 1):
        refused |= DIGITAL
    return refused


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
    categories, subcategories = items.category, items.subcategory
    item_is_digital, bookings = items.is_digital, items.bookings
    is_category, is_subcategory = wanted.category, wanted.subcategory
    now_us, from_us, before_us = wanted.window_us[0], wanted.window_us[1], wanted.window_us[2]
    has_window, with_undated = wanted.choices[0], wanted.choices[1]
    min_cents, max_cents = wanted.choices[2], wanted.choices[3]
    duo, digital, has_text = wanted.choices[4], wanted.choices[5], wanted.choices[6] == 1
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
        is_online = group == online
        for offer in range(offer_start[group], offer_start[group + 1]):
            if has_replaced and replaced[offer]:
                continue
            item = offer_item[offer]
            rank = 0
            if has_text:
                rank = int64(venue_rank[place])
                if text_stamp[item] == stamp:
                    rank = max(rank, int64(text_rank[item]))
                if rank == 0:
                    continue
            category, subcategory = categories[item], subcategories[item]
            is_duo = offer_is_duo[offer]
            is_digital = is_online or item_is_digital[item]
            refused = offer_refusals(
                is_category[category], is_subcategory[subcategory], is_duo, is_digital, duo, digital
            )
            if refused & (refused - 1):
                continue
            earliest_us, cheapest_cents, is_match, has_seen = FAR, FAR, False, False
            seen = known = int64(0)
            # Most offers have one stock, at any time: their price says all of it.
            whole = int64(offer_price[offer])
            first, end = int64(0), int64(1)
            if whole < 0:
                first, end = session_start[-whole - 1], session_start[-whole]
            for at in range(first, end):
                price_cents, starts_us = whole >> 2, FOREVER_US
                if whole < 0:
                    if session[at, _OPENS] > now_us or session[at, _CLOSES] <= now_us:
                        continue
                    price_cents, starts_us = session[at, _PRICE] >> 2, session[at, _STARTS]
                by = refused | session_refusals(
                    *(price_cents, starts_us, min_cents, max_cents),
                    *(has_window, with_undated, from_us, before_us),
                )
                if by & (by - 1):
                    continue
                if not has_seen:
                    has_seen = True
                    known = marks[item]
                    seen = known if known >> BITS == stamp else stamped
                if by == 0:
                    is_match = True
                    earliest_us = min(earliest_us, starts_us)
                    cheapest_cents = min(cheapest_cents, price_cents)
                if by == 0 or by == DAY:
                    if starts_us == FOREVER_US:
                        bit = UNDATED_BIT
                    elif starts_us >= last_day_us:
                        bit = LATER_BIT
                    elif starts_us < first_day_us:
                        bit = -1
                    else:
                        # A day may have 23 or 25 hours.
                        bit = min((starts_us - first_day_us) // _DAY_US, DAYS - 1)
                        while starts_us < days_us[bit]:
                            bit -= 1
                        while starts_us >= days_us[bit + 1]:
                            bit += 1
                    if bit >= 0:
                        mask = 1 << bit
                        if not seen & mask:
                            seen |= mask
                            bit_counts[bit] += 1
                if by == 0 or by == PRICE:
                    bit = band_bit(price_cents)
                    mask = 1 << bit
                    if not seen & mask:
                        seen |= mask
                        bit_counts[bit] += 1
                if by == 0 or by == DUO:
                    bit = DUO_BIT + is_duo
                    mask = 1 << bit
                    if not seen & mask:
                        seen |= mask
                        bit_counts[bit] += 1
                if by == 0 or by == DIGITAL:
                    bit = DIGITAL_BIT + is_digital
                    mask = 1 << bit
                    if not seen & mask:
                        seen |= mask
                        bit_counts[bit] += 1
                if by == 0 or by == CATEGORY:
                    mask = 1 << CATEGORY_BIT
                    if not seen & mask:
                        seen |= mask
                        category_counts[category] += 1
                if by == 0 or by == SUBCATEGORY:
                    mask = 1 << SUBCATEGORY_BIT
                    if not seen & mask:
                        seen |= mask
                        subcategory_counts[subcategory] += 1
            if is_match:
                mask = 1 << MATCH_BIT
                if not seen & mask:
                    seen |= mask
                    bit_counts[MATCH_BIT] += 1
                sizes[2] += 1
            if seen != known:
                marks[item] = seen
            if not is_match or seen & (1 << SHOWN_BIT):
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
    categories, subcategories, is_digital = items.category, items.subcategory, items.is_digital
    is_category, is_subcategory = wanted.category, wanted.subcategory
    now_us, from_us, before_us = wanted.window_us[0], wanted.window_us[1], wanted.window_us[2]
    has_window, with_undated = wanted.choices[0], wanted.choices[1]
    min_cents, max_cents = wanted.choices[2], wanted.choices[3]
    duo, digital, has_text = wanted.choices[4], wanted.choices[5], wanted.choices[6] == 1
    groups, venue_rank, text_stamp = around.group, around.text_rank, scratch.text_stamp
    online, has_replaced = len(offer_start) - 2, len(replaced) > 0
    for place in range(len(groups)):
        group = groups[place]
        count = 0
        for offer in range(offer_start[group], offer_start[group + 1]):
            if has_replaced and replaced[offer]:
                continue
            item = offer_item[offer]
            if has_text and venue_rank[place] == 0 and text_stamp[item] != stamp:
                continue
            is_online = group == online or is_digital[item]
            has_category = is_category[categories[item]]
            has_subcategory = is_subcategory[subcategories[item]]
            is_duo = offer_is_duo[offer]
            if offer_refusals(has_category, has_subcategory, is_duo, is_online, duo, digital):
                continue
            whole = int64(offer_price[offer])
            first, end = int64(0), int64(1)
            if whole < 0:
                first, end = session_start[-whole - 1], session_start[-whole]
            for at in range(first, end):
                price_cents, starts_us = whole >> 2, FOREVER_US
                if whole < 0:
                    if session[at, _OPENS] > now_us or session[at, _CLOSES] <= now_us:
                        continue
                    price_cents, starts_us = session[at, _PRICE] >> 2, session[at, _STARTS]
                if (
                    session_refusals(
                        *(price_cents, starts_us, min_cents, max_cents),
                        *(has_window, with_undated, from_us, before_us),
                    )
                    == 0
                ):
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
