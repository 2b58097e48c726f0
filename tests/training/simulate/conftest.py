"""One demo world for all tests of the simulator: it takes seconds, and nobody changes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
import pyarrow.parquet as pq
import pytest

from training.simulate.programme import read_programme
from training.simulate.truth import Truth, load_truth
from training.simulate.world import WorldSummary, simulate_world

ANCHOR = date(2026, 9, 7)


@dataclass(frozen=True)
class Demo:
    summary: WorldSummary
    frames: Mapping[str, pd.DataFrame]
    truth: Truth
    now: pd.Timestamp
    """The anchor's midnight in Paris."""

    @property
    def booked(self) -> pd.DataFrame:
        """Bookings with their stock, offer, item, venue (if any) and user beside them."""
        frames = self.frames
        user = frames["users"].rename(columns={"lon": "home_lon", "lat": "home_lat"})
        joined = frames["bookings"].merge(frames["stocks"], on="stock_id", suffixes=("", "_stock"))
        for other, key in ((frames["offers"], "offer_id"), (frames["items"], "item_id")):
            joined = joined.merge(other, on=key)
        flags = frames["taxonomy"].drop(columns="category")
        joined = joined.merge(flags, on="subcategory").merge(user, on="user_id")
        return joined.merge(frames["venues"], on="venue_id", how="left")


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Demo:
    folder = tmp_path_factory.mktemp("simulated") / "frames"
    summary = simulate_world("demo", 7, ANCHOR, folder, lambda stage, share: None)
    frames = {path.stem: pq.read_table(path).to_pandas() for path in folder.glob("*.parquet")}
    now = pd.Timestamp(ANCHOR, tz="Europe/Paris")
    return Demo(summary, frames, load_truth(summary.truth), now)


@pytest.fixture(scope="session")
def programme():
    return read_programme()
