"""Bookings and other deeds of a past, told as the states of people hold them."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.interactions import EVENT_KINDS
from reco.catalogue.caps import cap_codes
from reco.catalogue.shelf import CAPS
from reco.db.arrays import FOREVER_US, moment_of
from reco.feed.state import Booked, Interacted
from training.replay.past import Past


@dataclass(frozen=True)
class Teller:
    """Tells single deeds; of a past only what stays as people go on."""

    past: Past

    def booked(self, stock: int, at_us: int, amount_cents: int) -> Booked:
        """Return a booking of the stock of row `stock`, as a state tells it."""
        is_dated = bool(self.past.stocks.starts_us[stock] < FOREVER_US)
        return self.booking(int(self.past.stocks.offer[stock]), at_us, amount_cents, is_dated)

    def interacted(self, offer: int, kind: int, at_us: int) -> Interacted:
        """Return what was done, an index in `EVENT_KINDS`, with the offer of row `offer`."""
        item = int(self.past.offers.item[offer])
        return self.item_interacted(item, EVENT_KINDS[kind], moment_of(at_us))

    def booking(self, offer: int, at_us: int, amount_cents: int, is_dated: bool) -> Booked:
        """Return a booking of the offer of row `offer`, whatever stock it was of."""
        past = self.past
        item, venue_id = int(past.offers.item[offer]), int(past.offers.venue[offer])
        venue = past.place_of(venue_id)
        subcategory = int(past.items.item_subcategory[item])
        return Booked(
            item_id=item + 1,
            item=self.item_id[item],
            at=moment_of(at_us),
            amount_cents=amount_cents,
            cap=CAPS[self._caps[subcategory, int(is_dated), int(venue is not None)]],
            category=past.categories[int(past.items.item_category[item])],
            subcategory=past.subcategories.get(subcategory),
            venue=venue.venue_id if venue else None,
            venue_type=venue.venue_type if venue else None,
            genres=past.genres_of(item),
            title=past.names.item_title[item].as_py(),
        )

    def item_interacted(self, item: int, kind: str, at: datetime | None) -> Interacted:
        """Return what was done, one of `EVENT_KINDS`, with the item of row `item`."""
        return Interacted(
            item + 1, self.item_id[item], kind, at, self.past.names.item_title[item].as_py()
        )

    @cached_property
    def item_id(self) -> list[str]:
        """By row, the external ids."""
        return [item_id.decode() for item_id in self.past.items.item_external_id.tolist()]

    @cached_property
    def _caps(self) -> NDArray[np.int8]:
        """(subcategories + 1, 2, 2) by whether a stock is dated, and whether it is at a venue."""
        flags = np.repeat(self.past.flags, 4, axis=0)
        is_dated, has_venue = (
            np.tile(column, len(self.past.flags))
            for column in ([False, False, True, True], [False, True, False, True])
        )
        return cap_codes(flags, is_dated, has_venue).reshape(-1, 2, 2)
