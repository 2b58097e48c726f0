"""Offers that can be had any day for nothing: what sets without dates and prices are made of."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from reco.frames.tables import frame_table


def free_stocks(offer_ids: "Sequence[str] | pd.Series[str]") -> pa.Table:
    """Return one free, undated, unlimited stock an offer, of the same id."""
    price_eur = np.zeros(len(offer_ids))
    return frame_table(
        "stocks", {"stock_id": offer_ids, "offer_id": offer_ids, "price_eur": price_eur}
    )


def digital_offers(item_ids: "Sequence[str] | pd.Series[str]") -> pa.Table:
    """Return one offer an item, of the same id, that takes place nowhere."""
    return frame_table("offers", {"offer_id": item_ids, "item_id": item_ids})


def no_venues() -> pa.Table:
    """Return the frame of venues of a set that knows no places."""
    return frame_table("venues", {"venue_id": [], "lon": [], "lat": []})
