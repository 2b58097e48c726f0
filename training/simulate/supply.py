"""Everything that can be booked: venues, works, offers and stocks."""

from dataclasses import dataclass

from training.simulate.items import Items, make_items
from training.simulate.offers import Offers, make_offers
from training.simulate.places import Towns
from training.simulate.setting import Setting
from training.simulate.stocks import Stocks, make_stocks
from training.simulate.venues import Venues, make_venues


@dataclass(frozen=True)
class Supply:
    """The four tables of the supply side; rows refer to rows."""

    venues: Venues
    items: Items
    offers: Offers
    stocks: Stocks


def make_supply(towns: Towns, setting: Setting) -> Supply:
    """Draw the supply side of the world."""
    venues = make_venues(towns, setting)
    items = make_items(setting)
    offers = make_offers(items, venues, setting)
    return Supply(venues, items, offers, make_stocks(offers, items, setting))
