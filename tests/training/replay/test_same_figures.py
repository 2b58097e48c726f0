"""The benchmark of slates and the replay judge the same lists by the same figures."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from reco.db.arrays import FOREVER_US
from reco.frames.sources import MemorySource
from reco.frames.tables import frame_table
from training.replay.figures import Backdrop
from training.replay.figures import figures_of as replayed_figures
from training.replay.futures import Acts, window_of
from training.replay.reading import past_from_source
from training.replay.slates import Lists
from training.replay.values import Attributes
from training.slate_data import FORMATS, slate_data
from training.slate_lists import figures_of as benchmark_figures
from training.slate_tasks import slate_tasks

USERS, ITEMS, VENUES, BOOKINGS, K = 30, 40, 5, 10, 6
SHARED = {
    "ndcg", "recall", "mrr", "hit", "horizon_recall", "novel_recall", "slate_points", "ild",
    "ild_latent", "novelty", "calibration_kl",
}  # fmt: skip


@pytest.fixture(scope="module")
def frames():
    """Everybody books ten of forty items, each of which is offered at one venue."""
    generator = np.random.default_rng(11)
    item = [f"i{at:02}" for at in range(ITEMS)]
    user = np.repeat(np.arange(USERS), BOOKINGS)
    booked = np.concatenate([generator.permutation(ITEMS)[:BOOKINGS] for _ in range(USERS)])
    first = datetime(2026, 1, 1, tzinfo=UTC)
    hours = generator.permutation(len(user)).tolist()
    return {
        "items": frame_table("items", {
            "item_id": item,
            "category": [f"c{at % 6}" for at in range(ITEMS)],
            "subcategory": [f"s{at % 11}" if at % 4 else None for at in range(ITEMS)],
            "genre": [f"g{at % 7}|g{at % 5}" for at in range(ITEMS)],
        }),
        "venues": frame_table("venues", {
            "venue_id": [f"v{at}" for at in range(VENUES)],
            "venue_type": ["bookshop", "cinema", "cinema", "theatre", None],
            "lon": [5.0 + at for at in range(VENUES)],
            "lat": [45.0] * VENUES,
        }),
        "offers": frame_table("offers", {
            "offer_id": item,
            "item_id": item,
            "venue_id": [None if at % 9 == 0 else f"v{at % VENUES}" for at in range(ITEMS)],
        }),
        "stocks": frame_table("stocks", {
            "stock_id": item, "offer_id": item, "price_eur": [1.0] * ITEMS,
        }),
        "users": frame_table("users", {"user_id": [f"u{at:02}" for at in range(USERS)]}),
        "interactions": frame_table("interactions", {
            "user_id": [f"u{at:02}" for at in user],
            "offer_id": [item[at] for at in booked],
            "kind": ["booking"] * len(user),
            "at": pa.array([first + timedelta(hours=hour) for hour in hours]),
        }),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_the_same_lists_have_the_same_figures_in_both(frames, seed):
    _, slates = slate_tasks(slate_data(frames, FORMATS["frames"]), "time")
    users = slates.task.users.astype(np.int64)
    generator = np.random.default_rng(seed)
    ranked = np.array([generator.permutation(ITEMS)[:K] for _ in users]).astype(np.int32)
    ranked[:2, K - 2 :] = -1
    latent = generator.normal(size=(ITEMS, 8))
    by_benchmark = benchmark_figures(ranked, slates, latent)
    by_replay = replayed_figures(*_replayed(frames, slates, users, ranked, latent))
    shared = [f"{name}@{K}" for name in sorted(SHARED)]
    assert set(shared) <= set(by_benchmark)
    for name in shared:
        assert not np.isnan(by_benchmark[name]).all()
        np.testing.assert_allclose(by_replay[name], by_benchmark[name], rtol=1e-9, err_msg=name)


def _replayed(frames, slates, users, ranked, latent):
    """Return the lists as a replay at the benchmark's border would have them."""
    past = past_from_source(MemorySource(frames))
    assert [name.encode() for name in past.people.names] == slates.part.past.users.tolist()
    assert past.items.item_external_id.tolist() == slates.part.past.items.tolist()
    border_us = int(slates.part.cutoff.astype("datetime64[us]").astype(np.int64)) - 1
    window = window_of(Attributes(past), Acts.of(past), users, border_us, FOREVER_US - 1)
    lists = Lists.empty(len(users), K)
    lists.offer[:] = ranked
    lists.item[:] = ranked
    known = np.bincount(slates.part.past.item, minlength=ITEMS)
    backdrop = Backdrop(
        share_of_users=known / len(np.unique(slates.part.past.user)),
        latent=latent,
        most_points=np.ones(len(users)),
        is_affordable=ranked >= 0,
    )
    return lists, window, backdrop
