"""A folder of frames that is quickly trained on."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tastes import two_tastes

from reco.frames.files import write_frames
from reco.frames.tables import frame_table


@pytest.fixture
def folder(tmp_path):
    """Frames of people with two tastes."""
    events = two_tastes()
    items = [item.decode() for item in events.items]
    users = [user.decode() for user in events.users]
    count = len(items)
    frames = {
        "items": frame_table("items", {"item_id": items, "category": ["BOOK"] * count}),
        "venues": frame_table("venues", {"venue_id": ["v"], "lon": [2.0], "lat": [48.0]}),
        "offers": frame_table(
            "offers", {"offer_id": items, "item_id": items, "venue_id": ["v"] * count}
        ),
        "stocks": frame_table(
            "stocks", {"stock_id": items, "offer_id": items, "price_eur": [5.0] * count}
        ),
        "users": frame_table("users", {"user_id": users}),
        "interactions": frame_table(
            "interactions",
            {
                "user_id": np.array(users)[events.user],
                "offer_id": np.array(items)[events.item],
                "kind": ["booking"] * len(events),
                "at": pa.array(events.at).cast(pa.timestamp("us", "UTC")),
            },
        ),
    }
    write_frames(frames, tmp_path / "frames", "parquet")
    return tmp_path / "frames"


@pytest.fixture
def future_folder(folder):
    """The same folder, but that all was booked long after today."""
    file = folder / "interactions.parquet"
    known = pq.read_table(file)
    at = known.schema.get_field_index("at")
    field = known.schema.field(at)
    later = pa.array([datetime(2199, 1, 1, tzinfo=UTC)] * len(known), field.type)
    pq.write_table(known.set_column(at, field, later), file)
    return folder
