"""The kernel of a search: one pass over the offers around and their stocks."""

import numpy as np
from numba import boolean, float64, int32, int64, types, uint64

from reco.db.arrays import FOREVER_US
from reco.kernel.compiled import READ_BOOL, READ_F64, READ_I16, READ_I32, READ_I64, compiled
from reco.kernel.geodesic import arc, inverse
from reco.search.layout import (
    BAND_BIT,
    BANDS_CENTS,
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
        *(READ_I64, READ_I32, READ_I64, READ_I64, READ_I64),
    ),
    ShelfColumns,
)
_ITEMS = types.NamedTuple((READ_I16, READ_I16, READ_BOOL, READ_I64), ItemColumns)
_WANTED = types.NamedTuple(
    (READ_BOOL, READ_BOOL, READ_I64, READ_I64, READ_I64, READ_I64, READ_I64, READ_I64), Wanted
)
_AROUND = types.NamedTuple((READ_I64, READ_I64, READ_I32), Around)
_I64, _I32, _KEYS = int64[::1], int32[::1], int64[:, ::1]
_SCRATCH = types.NamedTuple(
    (_I64, types.Array(uint64, 1, "C"), _I32, _I64, _I64, _I32, _KEYS, _KEYS), Scratch
)
_FOUND = types.NamedTuple((_I64, _I64, _I64, _KEYS, _KEYS, _I64), Found)


@compiled(int64(_ITEMS, _WANTED, int64, boolean, boolean))
def offer_refusals(items, wanted, item, is_duo, is_online):
    """Return which filters refuse an offer, whatever its sessions."""
    refused = 0
    if not wanted.category[items.category[item]]:
        refused |= CATEGORY
    if not wanted.subcategory[items.subcategory[item]]:
        refused |= SUBCATEGORY
    duo, digital = wanted.choices[4], wanted.choices[5]
    if duo >= 0 and is_duo != (duo == 1):
        refused |= DUO
    if digital >= 0 and (is_online or items.is_digital[item]) != (digital == 1):
        refused |= DIGITAL
    return refused


@compiled(int64(_WANTED, int64, int64))
def session_refusals(wanted, price_cents, starts_us):
    """Return which filters refuse a session."""
    refused = 0
    choices, window = wanted.choices, wanted.window_us
    if price_cents < choices[2] or price_cents > choices[3]:
        refused |= PRICE
    if choices[0] == 1:
        if starts_us == FOREVER_US:
            if choices[1] == 0:
                refused |= DAY
        elif starts_us < window[1] or starts_us >= window[2]:
            refused |= DAY
    return refused


@compiled(int64(READ_I64, int64))
def day_bit(days_us, starts_us):
    """Return the facet value of a start, -1 before the days that are counted."""
    if starts_us == FOREVER_US:
        return UNDATED_BIT
    if starts_us < days_us[0]:
        return -1
    if starts_us >= days_us[DAYS]:
        return LATER_BIT
    # A day may have 23 or 25 hours.
    day = min((starts_us - days_us[0]) // 86_400_000_000, DAYS - 1)
    while starts_us < days_us[day]:
        day -= 1
    while starts_us >= days_us[day + 1]:
        day += 1
    return day


@compiled(int64(int64))
def band_bit(price_cents):
    """Return the facet value of a price."""
    band = 0
    for border in BANDS_CENTS:
        if price_cents > border:
            band += 1
    return BAND_BIT + band


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


@compiled(boolean(_KEYS, int64, _KEYS, int64, int64))
def is_before(keys, row, others, other, size):
    """Say whether one key comes before another."""
    for part in range(size):
        if keys[row, part] != others[other, part]:
            return keys[row, part] < others[other, part]
    return False


@compiled(types.void(_FOUND, _KEYS, int64, _KEYS, int64, int64))
def offered(found, keys, row, ats, at, size):
    """Put a key into the heap of the best where it belongs there."""
    heap, refs, count, most = found.key, found.at, found.sizes[0], found.key.shape[0]
    if count == most:
        if not is_before(keys, row, heap, 0, size):
            return
        # The worst goes: what comes after it sinks from the top.
        place = 0
        while True:
            child = 2 * place + 1
            if child >= most:
                break
            if child + 1 < most and is_before(heap, child, heap, child + 1, size):
                child += 1
            if not is_before(keys, row, heap, child, size):
                break
            for part in range(size):
                heap[place, part] = heap[child, part]
            for part in range(3):
                refs[place, part] = refs[child, part]
            place = child
    else:
        place = count
        found.sizes[0] += 1
        while place > 0:
            parent = (place - 1) // 2
            if not is_before(heap, parent, keys, row, size):
                break
            for part in range(size):
                heap[place, part] = heap[parent, part]
            for part in range(3):
                refs[place, part] = refs[parent, part]
            place = parent
    for part in range(size):
        heap[place, part] = keys[row, part]
    for part in range(3):
        refs[place, part] = ats[at, part]


@compiled(types.void(_FOUND, _SCRATCH, _ITEMS, int64, uint64))
def counted(found, scratch, items, item, bits):
    """Count an item once for each of `bits` that it was not counted for."""
    new = bits & ~scratch.seen[item]
    scratch.seen[item] |= new
    if new >> np.uint64(CATEGORY_BIT) & np.uint64(1):
        found.category[items.category[item]] += 1
    if new >> np.uint64(SUBCATEGORY_BIT) & np.uint64(1):
        found.subcategory[items.subcategory[item]] += 1
    bit = 0
    while new != np.uint64(0):
        # Most sessions are of the next days or undated: skip what is not there byte by byte.
        if new & np.uint64(255) == np.uint64(0):
            new >>= np.uint64(8)
            bit += 8
            continue
        if new & np.uint64(1):
            found.bits[bit] += 1
        new >>= np.uint64(1)
        bit += 1


@compiled(
    types.void(
        _SHELF, int64, _ITEMS, _WANTED, _AROUND, _SCRATCH, int64, boolean, _KEYS, _KEYS, _FOUND
    )
)
def scan(shelf, shelf_number, items, wanted, around, scratch, stamp, by_item, key, at, found):
    """Look through the offers of one shelf.

    Counts facets, keeps the best offer of each item (`by_item`) in the scratch, or else offers
    every offer to the heap. `key` (1, 6) and `at` (1, 3) are working memory.
    """
    now_us, size = wanted.window_us[0], len(wanted.sorts) + 1
    online, has_text = len(shelf.offer_start) - 2, wanted.choices[6] == 1
    has_replaced, has_after = len(shelf.replaced) > 0, len(wanted.after) > 0
    has_gone = len(wanted.gone) > 0
    for place in range(len(around.group)):
        group = around.group[place]
        is_online = group == online
        for offer in range(shelf.offer_start[group], shelf.offer_start[group + 1]):
            if has_replaced and shelf.replaced[offer]:
                continue
            item = shelf.offer_item[offer]
            rank = 0
            if has_text:
                rank = around.text_rank[place]
                if scratch.text_stamp[item] == stamp:
                    rank = max(rank, scratch.text_rank[item])
                if rank == 0:
                    continue
            is_duo = shelf.offer_is_duo[offer]
            refused = offer_refusals(items, wanted, item, is_duo, is_online)
            if refused & (refused - 1):
                continue
            bits = np.uint64(0)
            earliest_us, cheapest_cents, is_match = FAR, FAR, False
            for stock in range(shelf.stock_start[offer], shelf.stock_start[offer + 1]):
                if shelf.stock_opens_us[stock] > now_us or shelf.stock_closes_us[stock] <= now_us:
                    continue
                price_cents = int64(shelf.stock_price_cents[stock])
                starts_us = shelf.stock_starts_us[stock]
                by = refused | session_refusals(wanted, price_cents, starts_us)
                if by & (by - 1):
                    continue
                if by == 0:
                    is_match = True
                    earliest_us = min(earliest_us, starts_us)
                    cheapest_cents = min(cheapest_cents, price_cents)
                if by == 0 or by == DAY:
                    day = day_bit(wanted.days_us, starts_us)
                    if day >= 0:
                        bits |= np.uint64(1) << np.uint64(day)
                if by == 0 or by == PRICE:
                    bits |= np.uint64(1) << np.uint64(band_bit(price_cents))
                if by == 0 or by == DUO:
                    bits |= np.uint64(1) << np.uint64(DUO_BIT + is_duo)
                if by == 0 or by == DIGITAL:
                    is_digital = is_online or items.is_digital[item]
                    bits |= np.uint64(1) << np.uint64(DIGITAL_BIT + is_digital)
                if by == 0 or by == CATEGORY:
                    bits |= np.uint64(1) << np.uint64(CATEGORY_BIT)
                if by == 0 or by == SUBCATEGORY:
                    bits |= np.uint64(1) << np.uint64(SUBCATEGORY_BIT)
            if bits == np.uint64(0) and not is_match:
                continue
            if is_match:
                bits |= np.uint64(1) << np.uint64(MATCH_BIT)
                found.sizes[2] += 1
            if scratch.stamp[item] != stamp:
                scratch.stamp[item] = stamp
                scratch.seen[item] = np.uint64(0)
                scratch.slot[item] = -1
            counted(found, scratch, items, item, bits)
            if not is_match or scratch.is_shown[item] == stamp:
                continue
            if has_gone and is_gone(wanted.gone, shelf.offer_id[offer]):
                continue
            for part in range(size - 1):
                sort = wanted.sorts[part]
                if sort == 0:
                    key[0, part] = around.distance_m[place]
                elif sort == 1:
                    key[0, part] = earliest_us
                elif sort == 2:
                    key[0, part] = cheapest_cents
                elif sort == 3:
                    key[0, part] = -items.bookings[item]
                else:
                    key[0, part] = -rank
            key[0, size - 1] = shelf.offer_id[offer]
            if has_after:
                is_after = False
                for part in range(size):
                    if key[0, part] != wanted.after[part]:
                        is_after = key[0, part] > wanted.after[part]
                        break
                if not is_after:
                    continue
            at[0, 0], at[0, 1], at[0, 2] = shelf_number, offer, place
            if not by_item:
                offered(found, key, 0, at, 0, size)
                continue
            slot = scratch.slot[item]
            if slot < 0:
                slot = found.sizes[1]
                found.sizes[1] += 1
                scratch.slot[item] = slot
            elif not is_before(key, 0, scratch.best_key, slot, size):
                continue
            for part in range(size):
                scratch.best_key[slot, part] = key[0, part]
            for part in range(3):
                scratch.best_at[slot, part] = at[0, part]


@compiled(types.void(_SCRATCH, int64, _FOUND))
def choose(scratch, size, found):
    """Offer the best offer of every item to the heap."""
    for slot in range(found.sizes[1]):
        offered(found, scratch.best_key, slot, scratch.best_at, slot, size)


@compiled(types.void(_SHELF, _ITEMS, _WANTED, _AROUND, _SCRATCH, int64, int64[::1]))
def count_offers(shelf, items, wanted, around, scratch, stamp, counts):
    """Add to `counts`, by place in `around`, how many offers can be booked as asked."""
    now_us, has_text = wanted.window_us[0], wanted.choices[6] == 1
    online, has_replaced = len(shelf.offer_start) - 2, len(shelf.replaced) > 0
    for place in range(len(around.group)):
        group = around.group[place]
        for offer in range(shelf.offer_start[group], shelf.offer_start[group + 1]):
            if has_replaced and shelf.replaced[offer]:
                continue
            item = shelf.offer_item[offer]
            if has_text and around.text_rank[place] == 0 and scratch.text_stamp[item] != stamp:
                continue
            if offer_refusals(items, wanted, item, shelf.offer_is_duo[offer], group == online):
                continue
            for stock in range(shelf.stock_start[offer], shelf.stock_start[offer + 1]):
                if (
                    shelf.stock_opens_us[stock] <= now_us
                    and shelf.stock_closes_us[stock] > now_us
                    and session_refusals(
                        wanted, int64(shelf.stock_price_cents[stock]), shelf.stock_starts_us[stock]
                    )
                    == 0
                ):
                    counts[place] += 1
                    break


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
    """Write how far each of `rows` is, on the ellipsoid."""
    for place in range(len(rows)):
        row = rows[place]
        away_m = arc(here_x, here_y, here_z, here_sin_lat, x[row], y[row], z[row], sin_lat[row])
        if away_m > _ARC_M:
            away_m = inverse(here_lon, here_lat, lon[row], lat[row])
        distance_m[place] = away_m
