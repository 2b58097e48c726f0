"""What the rows of items and venues in a run are, so that its folder can be read by itself."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reco.catalogue.shelf import ONLINE
from reco.db.arrays import micros
from training.replay.catalogues import catalogue_at
from training.replay.evaluation import Evaluation
from training.replay.past import Past


def items_table(past: Past) -> pa.Table:
    """Return a row an item: id, title, category, subcategory."""
    items = past.items
    return pa.table(
        {
            "item_id": pa.array([item_id.decode() for item_id in items.item_external_id.tolist()]),
            "title": past.names.item_title.cast(pa.string()),
            "category": pa.array([past.categories[code] for code in items.item_category.tolist()]),
            "subcategory": pa.array(
                [past.subcategories.get(code) for code in items.item_subcategory.tolist()],
                pa.string(),
            ),
        }
    )


def venues_table(evaluation: Evaluation) -> pa.Table:
    """Return a row a venue: id, name, type, place; its offers and bookings as the weeks begin."""
    past, start = evaluation.past, evaluation.plan.start
    venues = past.venues
    kinds = (None, *past.venue_types)
    names = past.names.venue_name.take(pa.array(venues.venue_id - 1))
    return pa.table(
        {
            "venue_id": pa.array([name.decode() for name in venues.venue_external_id.tolist()]),
            "name": names.cast(pa.string()),
            "venue_type": pa.array(
                [kinds[code] for code in venues.venue_type.tolist()], pa.string()
            ),
            "lon": pa.array(venues.venue_lon),
            "lat": pa.array(venues.venue_lat),
            "offers": pa.array(catalogue_at(past, start).totals.offers[:-1]),
            "bookings": pa.array(_bookings(evaluation)),
        }
    )


def _bookings(evaluation: Evaluation) -> NDArray[np.int64]:
    """Return how many bookings (V,) at each venue stood when the first week began."""
    past, acts, at_us = evaluation.past, evaluation.acts, micros(evaluation.plan.start)
    before = (acts.at_us <= at_us) & (acts.cancelled_us > at_us)
    venue = past.offers.venue[acts.offer[before]]
    rows = past.venues.rows(venue[venue != ONLINE])
    return np.bincount(rows, minlength=len(past.venues))
