"""What the kernel of a search reads and writes: plain arrays under names, and the places in them.

N are offers around, I items of the catalogue, M keys of a sort and the offer's id after them.
"""

from typing import Any, NamedTuple

from numpy.typing import NDArray

SORTS = ("distance", "date", "price", "popularity", "text")
"""What may be sorted by; the index is the kernel's code."""

FAR = 2**62
"""Key of what has no distance or no date: it comes last."""

# Filters that have a facet: a session that one of them alone refuses counts in its facet.
CATEGORY, SUBCATEGORY, DAY, PRICE, DUO, DIGITAL = 1, 2, 4, 8, 16, 32

DAYS = 31
LATER_BIT = DAYS
UNDATED_BIT = DAYS + 1
BAND_BIT = DAYS + 2
BANDS_CENTS = (0, 500, 1_000, 2_000, 5_000, 10_000)
"""Upper borders of the price bands, each included; dearer is a band of its own."""
DUO_BIT = BAND_BIT + len(BANDS_CENTS) + 1
DIGITAL_BIT = DUO_BIT + 2
CATEGORY_BIT = DIGITAL_BIT + 2
SUBCATEGORY_BIT = CATEGORY_BIT + 1
MATCH_BIT = SUBCATEGORY_BIT + 1
SLOT_BIT = MATCH_BIT + 1
SHOWN_BIT = SLOT_BIT + 1
BITS = SHOWN_BIT + 1
MOST_STAMPS = 2 ** (63 - BITS) - 1
"""So many searches can be told apart by what a mark has above its bits."""


class ShelfColumns(NamedTuple):
    """Of `reco.catalogue.shelf.Shelf`, as it names them."""

    offer_start: NDArray[Any]
    offer_id: NDArray[Any]
    offer_item: NDArray[Any]
    offer_is_duo: NDArray[Any]
    replaced: NDArray[Any]
    """(O,), or empty where nothing is."""
    offer_price: NDArray[Any]
    session_start: NDArray[Any]
    session: NDArray[Any]


class ItemColumns(NamedTuple):
    """(I,) Of the catalogue's items."""

    label: NDArray[Any]
    """int32; of `reco.catalogue.labels.Labels`."""
    bookings: NDArray[Any]


class LabelColumns(NamedTuple):
    """What an offer of an item with each of L labels is, whatever its sessions."""

    refused: NDArray[Any]
    """(4 * L,) int64; which filters refuse it: by the label times 4, plus 2 where it is digital for
    it has no venue, plus 1 where it is duo."""
    facets: NDArray[Any]
    """(4 * L,) int64; the bits that it sets whatever its sessions, `MATCH_BIT` among them, by the
    same."""
    category: NDArray[Any]
    """(L,) int16; id."""
    subcategory: NDArray[Any]


class Wanted(NamedTuple):
    """What is asked for."""

    labels: LabelColumns
    window_us: NDArray[Any]
    """now, from, before."""
    choices: NDArray[Any]
    """has a window, undated too, least and greatest price in cents, has a text: int64."""
    days_us: NDArray[Any]
    """(DAYS + 1,) Borders of the days that are counted."""
    sorts: NDArray[Any]
    """(M - 1,) Codes."""
    after: NDArray[Any]
    """(M,) Key that the page begins after; empty: at the beginning."""
    gone: NDArray[Any]
    """Ids of offers that are not to be found, sorted: gone, or shown before."""


class Around(NamedTuple):
    """Rows of `offer_start` to look through: venues, and the one of digital offers."""

    group: NDArray[Any]
    distance_m: NDArray[Any]
    """int64; `FAR` where there is none."""
    text_rank: NDArray[Any]
    """int32; how well the venue's name matches the text, 0: not."""


class Scratch(NamedTuple):
    """Memory of one search at a time, kept between them: nothing in it need be cleared, but after
    `MOST_STAMPS` searches all of it."""

    mark: NDArray[Any]
    """(I,) int64; what is known of an item, in one number, since looking for it in memory takes
    longest: above `BITS` the search that this is of, below it the facet values that the item was
    counted for, whether it has a slot (`SLOT_BIT`), and was shown before (`SHOWN_BIT`)."""
    slot: NDArray[Any]
    """(I,) int32; of those that have one: where their best offer is."""
    text_stamp: NDArray[Any]
    """(I,) int64; the search whose text the item matches."""
    text_rank: NDArray[Any]
    """(I,) int32"""
    best_key: NDArray[Any]
    """(I * 6,) int64; by slot, M after M."""
    best_at: NDArray[Any]
    """(I, 3) int64; by slot: shelf, offer row, place in `Around`."""


class Found(NamedTuple):
    """What a search fills."""

    bits: NDArray[Any]
    """(BITS,) int64; items by bit: by value of a facet, of any category, and all that match."""
    category: NDArray[Any]
    """int64, by id."""
    subcategory: NDArray[Any]
    key: NDArray[Any]
    """(n, 6) int64; a heap of the best, the worst first."""
    at: NDArray[Any]
    """(n, 3) int64; shelf, offer row, place in `Around`."""
    sizes: NDArray[Any]
    """(3,) int64: rows in the heap, slots in use, offers that match."""
