"""One pass over the offers around: what may be shown, each item at its best offer."""

import math

import numba
import numpy as np
from numba import boolean, float64, int32, int64

from reco.kernel.compiled import (
    READ_BOOL,
    READ_F64,
    READ_I32,
    READ_I64,
    READ_MATRIX_F64,
    READ_MATRIX_I64,
    compiled,
)

BEST = np.dtype([("cost", np.float64), ("offer", np.int32), ("bookings", np.int32)], align=True)
"""An item's best offer so far: what it costs, its row, and the bookings of all candidate offers.

Between requests the cost is infinite and the bookings are 0, for every item.
"""

_BEST = numba.from_dtype(BEST)[::1]
_AT_ONCE = np.uint64(1_024)
_FOREVER_US = np.iinfo(np.int64).max
_DAY_US = 86_400_000_000.0


@compiled(float64(READ_F64, float64, float64))
def cost_at(cost, knots_per_unit, feature):
    """Return `features.pairs.CostTable` at a feature that is not negative, bit for bit."""
    place = math.sqrt(feature * knots_per_unit)
    knot = np.uint64(min(np.int64(place), np.int64(len(cost) - 2)))
    below = cost[knot]
    return below + (place - knot) * (cost[knot + np.uint64(1)] - below)


@compiled(float64(READ_F64, float64, int64, int64))
def credit_cost(budget, log_price, price_cents, cap):
    """Return what a price beyond a person's fair one costs (`features.credit.beyond_fair`).

    Parameters
    ----------
    budget
        (6,) the logs of the fair price by cap, the price beyond which a small rest is stranded,
        the log of all that is left, and the weight.
    """
    log_takes = budget[np.uint64(4)] if price_cents > budget[np.uint64(3)] else log_price
    return budget[np.uint64(5)] * max(log_takes - budget[np.uint64(cap)], 0.0)


@compiled(float64(int64, int64, READ_F64, READ_MATRIX_F64, READ_F64, float64))
def cost_of_price(price_cents, cap, budget, of_cents, price_cost, price_knots):
    """Return what a price costs, by itself and beyond the person's fair one.

    Parameters
    ----------
    of_cents
        `price_cost` at each price in cents, and its log, as far as it goes.
    """
    if price_cents < len(of_cents):
        cents = np.uint64(price_cents)
        log_price = of_cents[cents, np.uint64(1)]
        return of_cents[cents, np.uint64(0)] + credit_cost(budget, log_price, price_cents, cap)
    cost = cost_at(price_cost, price_knots, float(price_cents))
    return cost + credit_cost(budget, math.log(price_cents), price_cents, cap)


@compiled(int64(int64, int64, READ_I64, READ_I64))
def _id_at(row, base_rows, base_offer_id, fresh_offer_id):
    return base_offer_id[row] if row < base_rows else fresh_offer_id[row - base_rows]


@compiled(
    float64(
        int64, int64, READ_MATRIX_I64,
        int64, int64, int64, READ_I64,
        READ_F64, READ_MATRIX_F64, READ_F64, float64, READ_F64, float64, READ_F64,
    )
)  # fmt: skip
def _cheapest(
    first, last, session,
    now_us, from_us, before_us, limit_cents, budget, of_cents,
    price_cost, price_knots, wait_cost, wait_knots, week_cost,
):  # fmt: skip
    """Return the least cost of the sessions from `first` to before `last` that may be booked.

    They come by start. No hour costs less than 0, and waiting never costs less later: where the
    price and the wait of one before are no less than the least, nothing is missed.
    """
    least, waited = np.inf, 0.0
    priced, of_price = int64(-1), np.inf
    for row in range(np.uint64(first), np.uint64(last)):
        starts_us, price = session[row, np.uint64(0)], session[row, np.uint64(3)]
        if session[row, np.uint64(2)] <= now_us or session[row, np.uint64(1)] > now_us:
            continue
        if price != priced:
            priced, of_price = price, np.inf
            if price >> 2 <= limit_cents[np.uint64(price & 3)]:
                of_price = cost_of_price(
                    price >> 2, price & 3, budget, of_cents, price_cost, price_knots
                )
        cost = of_price
        if starts_us != _FOREVER_US:
            if of_price + waited >= least or starts_us < from_us or starts_us >= before_us:
                continue
            wait_days = max((starts_us - now_us) / _DAY_US, 0.0)
            waited = cost_at(wait_cost, wait_knots, wait_days)
            cost = of_price + waited + week_cost[np.uint64(session[row, np.uint64(4)])]
        least = min(cost, least)
    return least


@compiled(boolean(READ_I32, boolean[::1], int32[::1]))
def number(chosen, is_chosen, slot):
    """Write by item which are chosen, and their slots, from 0 on."""
    for place in range(np.uint64(len(chosen))):
        row = np.uint64(chosen[place])
        is_chosen[row], slot[row] = True, np.int32(place)
    return True


@compiled(
    int64(
        # The shelf.
        READ_I64, READ_I64, READ_I64, int64, READ_I32, READ_I32, READ_I32, READ_BOOL,
        READ_I64, READ_MATRIX_I64,
        # Where.
        READ_I32, READ_F64,
        # What is asked.
        READ_BOOL, READ_I32, int64, int64, int64, READ_I64,
        # What it costs.
        READ_F64, READ_MATRIX_F64, READ_F64, float64, READ_F64, float64, READ_F64,
        # What was found.
        _BEST,
    )
)  # fmt: skip
def gather(
    offer_start, base_offer_id, fresh_offer_id, first_row,
    offer_item, offer_bookings, offer_price, is_replaced, session_start, session,
    venue, away,
    is_chosen, slot, now_us, from_us, before_us, limit_cents,
    budget, of_cents, price_cost, price_knots, wait_cost, wait_knots, week_cost,
    best,
):  # fmt: skip
    """Add the offers of a shelf around to what was found; return how many there were.

    Of each item the offer of least cost stays, of equals that of the least id. An offer costs
    what `features.pairs` says: its cheapest session, and its distance. Selections are arithmetic,
    not branches: which offer is the better one cannot be foreseen.

    Parameters
    ----------
    offer_start, offer_item, offer_bookings, offer_price, session_start, session
        Of the shelf (`reco.catalogue.shelf`).
    base_offer_id, fresh_offer_id, first_row
        Ids by row, rows of the fresh shelf after those of the base; the first row of this shelf.
    is_replaced
        Which offers are not true any more; empty: all are.
    venue, away
        Ascending rows of venues, and what `nearness.reach` wrote; what is digital is around, too.
    is_chosen, slot
        By item: whether its offers are added, and where in `best`: few items lie close together,
        where the processor keeps them at hand.
    limit_cents
        What a stock may cost, by what it counts against.
    budget, of_cents
        Of the person (`credit_cost`), and of prices (`cost_of_price`).
    week_cost
        Of each hour of the week at which a session may begin.
    best
        By slot, from 0: the best offer so far.
    """
    venues = len(offer_start) - 2
    none_replaced = len(is_replaced) == 0
    base_rows = len(base_offer_id)
    wanted, slot_of = np.empty((2, _AT_ONCE), dtype=np.uint32)
    price_of, booked = np.empty((2, _AT_ONCE), dtype=np.int32)
    count = np.uint64(0)
    place = 0
    while place <= len(venue):
        # Venues that follow each other in space do so in rows, and their offers do, too.
        begins = place
        group = int64(venue[place]) if place < len(venue) else venues
        place += 1
        if group >= venues and begins < len(venue):
            # A venue that came after the shelf.
            continue
        while place < len(venue) and venue[place] == group + place - begins < venues:
            place += 1
        # Unsigned: numba need not ask whether an index counts from the end.
        first = np.uint64(offer_start[group])
        last = np.uint64(offer_start[group + place - begins])
        here, ends = begins, np.uint64(offer_start[group + 1])
        for begin in range(first, last, _AT_ONCE):
            # Whether an item is wanted cannot be foreseen: no branch, all others come after.
            left = np.uint64(0)
            for near in range(begin, min(begin + _AT_ONCE, last)):
                wanted[left] = near
                left += np.uint64(is_chosen[np.uint64(offer_item[near])])
            count += left
            for at in range(left):
                # What is far away in memory is asked for at once.
                offer = np.uint64(wanted[at])
                price_of[at], booked[at] = offer_price[offer], offer_bookings[offer]
                slot_of[at] = slot[np.uint64(offer_item[offer])]
            for at in range(left):
                offer = np.uint64(wanted[at])
                while offer >= ends:
                    here += 1
                    ends = np.uint64(offer_start[group + here - begins + 1])
                at_slot = np.uint64(slot_of[at])
                if not (none_replaced or not is_replaced[offer]):
                    continue
                whole = price_of[at]
                price = int64(whole >> 2)
                cap = int64(whole & 3)
                if whole >= 0:
                    cost = cost_of_price(price, cap, budget, of_cents, price_cost, price_knots)
                    cost = cost if price <= limit_cents[np.uint64(cap)] else np.inf
                else:
                    cost = _cheapest(
                        session_start[-whole - 1], session_start[-whole], session,
                        now_us, from_us, before_us, limit_cents, budget, of_cents,
                        price_cost, price_knots, wait_cost, wait_knots, week_cost,
                    )  # fmt: skip
                cost += away[here]
                before = best[at_slot].cost
                mine, other = np.int32(first_row + np.int64(offer)), best[at_slot].offer
                is_found = cost < np.inf
                best[at_slot].bookings += booked[at] & -np.int32(is_found)
                best[at_slot].cost = min(before, cost)
                if cost == before and is_found:
                    is_better = _id_at(mine, base_rows, base_offer_id, fresh_offer_id) < _id_at(
                        other, base_rows, base_offer_id, fresh_offer_id
                    )
                else:
                    is_better = cost < before
                best[at_slot].offer = other ^ ((other ^ mine) & -np.int32(is_better))
    return np.int64(count)


@compiled(
    int64(
        _BEST, READ_I32, boolean[::1], int32[::1], int32[::1], float64[::1], int32[::1],
        int64, int64, int64, int64[::1],
    )
)  # fmt: skip
def take_out(
    best, chosen, is_chosen, item, offer, cost, bookings,
    online_from, base_rows, fresh_online_from, online,
):  # fmt: skip
    """Copy what was found into the arrays, and forget it and whose it was; return how many.

    Offers from `online_from` to before `base_rows`, and from `fresh_online_from` on, are digital:
    `online` receives how many there are. `chosen` are the items by slot.
    """
    count = np.uint64(0)
    for at_slot in range(np.uint64(len(chosen))):
        at = best[at_slot].offer
        item[count] = chosen[at_slot]
        offer[count] = at
        cost[count] = best[at_slot].cost
        bookings[count] = best[at_slot].bookings
        is_found = best[at_slot].cost < np.inf
        count += np.uint64(is_found)
        online[0] += is_found & (at >= online_from) & ((at < base_rows) | (at >= fresh_online_from))
        best[at_slot].cost = np.inf
        best[at_slot].bookings = 0
        is_chosen[chosen[at_slot]] = False
    return np.int64(count)
