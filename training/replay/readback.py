"""Offers of a past moment, as a feed would have read them back: with what could be booked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from reco.catalogue.shelf import CAPS
from reco.catalogue.snapshot import Catalogue
from reco.core.deposits import UNLIMITED, Cap
from reco.db.arrays import micros, moment_of
from reco.feed.answer import Session
from reco.feed.query import Filters
from reco.feed.readback import LiveOffer, asked_within
from reco.feed.situation import Situation
from training.replay.past import Past

IsAsked = Callable[[Session, Cap], bool]

_ANY = asked_within(Filters(), UNLIMITED)


@dataclass(frozen=True)
class Reader:
    """Reads offers, by their rows in a past, as they were at the moment of a catalogue."""

    past: Past
    catalogue: Catalogue

    def asked(self, situation: Situation, offer_ids: Sequence[int]) -> Mapping[int, LiveOffer]:
        """Return those offers, by id, that have a session as was asked and affordable."""
        is_asked = asked_within(situation.query.filters, situation.state.credit)
        read = {offer: self.live(offer - 1, is_asked) for offer in offer_ids}
        return {offer: shown for offer, shown in read.items() if shown.sessions}

    def live(self, offer: int, is_asked: IsAsked = _ANY) -> LiveOffer:
        """Return an offer with the sessions that could be booked, in the order of a feed's."""
        sessions = [told for told, cap in self._sessions(offer) if is_asked(told, cap)]
        offered = described(self.past, offer)
        return replace(offered, sessions=tuple(sessions), sessions_total=len(sessions))

    @cached_property
    def _ends_us(self) -> NDArray[np.int64]:
        return self.past.stocks_at(micros(self.catalogue.at)).ends_us

    def _sessions(self, offer: int) -> Iterator[tuple[Session, Cap]]:
        past, shelf, at_us = self.past, self.catalogue.base, micros(self.catalogue.at)
        row = int(shelf.offer_rows(np.array([offer + 1]))[0])
        found = []
        for stock in range(*shelf.stock_start[row : row + 2].tolist()):
            if not shelf.stock_opens_us[stock] <= at_us < shelf.stock_closes_us[stock]:
                continue
            starts_us, of_past = int(shelf.stock_starts_us[stock]), int(shelf.stock_id[stock]) - 1
            session = Session(
                stock_id=past.names.stock_id[of_past].as_py(),
                starts_at=moment_of(starts_us),
                price_cents=int(shelf.stock_price_cents[stock]),
                left=None,
                ends_at=moment_of(int(self._ends_us[of_past])),
            )
            found.append((starts_us, session.stock_id, session, CAPS[shelf.stock_cap[stock]]))
        for _, _, session, cap in sorted(found, key=itemgetter(0, 1)):
            yield session, cap


def described(past: Past, offer: int) -> LiveOffer:
    """Return what an offer of a past is, whether or not it can be booked; without sessions."""
    item, venue_id = int(past.offers.item[offer]), int(past.offers.venue[offer])
    venue = past.place_of(venue_id)
    subcategory = int(past.items.item_subcategory[item])
    return LiveOffer(
        id=offer + 1,
        offer_id=past.names.offer_id[offer].as_py(),
        item_id=past.items.item_external_id[item].decode(),
        title=past.names.item_title[item].as_py(),
        image_url=past.names.item_image_url[item].as_py(),
        genres=past.genres_of(item),
        is_duo=bool(past.offers.is_duo[offer]),
        published_at=moment_of(int(past.offers.published_us[offer])),
        category=past.categories[int(past.items.item_category[item])],
        subcategory=past.subcategories.get(subcategory),
        is_digital=venue is None or bool(past.items.item_is_digital[item]),
        venue_id=venue.venue_id if venue else None,
        venue_name=None if venue is None else past.names.venue_name[venue_id - 1].as_py(),
        venue_type=venue.venue_type if venue else None,
        timezone=None,
        lat=float(past.venues.venue_lat[venue.row]) if venue else None,
        lon=float(past.venues.venue_lon[venue.row]) if venue else None,
    )
