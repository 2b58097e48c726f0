"""What the rows of items and venues in a run are, so that its folder can be read by itself."""

import pyarrow as pa

from training.replay.past import Past


def items_table(past: Past) -> pa.Table:
    """Return a row an item: id, title, category, subcategory."""
    items = past.items
    return pa.table(
        {
            "item_id": pa.array([item_id.decode() for item_id in items.item_external_id.tolist()]),
            "title": past.names.item_title,
            "category": pa.array([past.categories[code] for code in items.item_category.tolist()]),
            "subcategory": pa.array(
                [past.subcategories.get(code) for code in items.item_subcategory.tolist()]
            ),
        }
    )


def venues_table(past: Past) -> pa.Table:
    """Return a row a venue: id, name, type, place."""
    venues = past.venues
    kinds = (None, *past.venue_types)
    names = past.names.venue_name.take(pa.array(venues.venue_id - 1))
    return pa.table(
        {
            "venue_id": pa.array([name.decode() for name in venues.venue_external_id.tolist()]),
            "name": names,
            "venue_type": pa.array([kinds[code] for code in venues.venue_type.tolist()]),
            "lon": pa.array(venues.venue_lon),
            "lat": pa.array(venues.venue_lat),
        }
    )
