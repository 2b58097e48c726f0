"""The catalogue in use: fresh, whatever other snapshots lie there and whoever commits late."""

from datetime import timedelta

import psycopg
import pytest
from worlds import NOW, small_world

from reco.catalogue.build import build_catalogue, newest_change
from reco.catalogue.current import MAX_AGE, current_catalogue, is_fresh
from reco.catalogue.folder import save_catalogue, snapshots


@pytest.fixture
def town(connection):
    small_world(connection)
    return connection


def test_it_is_kept_until_something_is_written_or_it_is_old(town, tmp_path):
    first = current_catalogue(town, tmp_path, NOW)
    assert current_catalogue(town, tmp_path, NOW + MAX_AGE).version == first.version
    assert current_catalogue(town, tmp_path, NOW + 2 * MAX_AGE).version != first.version
    town.execute("update core.stock set price_cents = 1 where external_id = 'novel-shop'")
    second = current_catalogue(town, tmp_path, NOW + timedelta(seconds=1))
    assert (
        second.stock_price_cents.min() < first.stock_price_cents[first.stock_price_cents > 0].min()
    )


def test_who_commits_late_is_seen(town, world):
    with psycopg.connect(world.conninfo) as late:
        late.execute("update core.venue set name = 'Late' where external_id = 'cinema'")
        town.execute("update core.venue set name = 'Early' where external_id = 'theatre'")
        built = build_catalogue(town, NOW)
        late.commit()
    assert not is_fresh(built, newest_change(town), NOW)
    assert is_fresh(build_catalogue(town, NOW), newest_change(town), NOW)


def test_snapshots_of_the_future_do_not_push_out_the_present(town, tmp_path):
    for days in (100, 200, 300, 400):
        save_catalogue(build_catalogue(town, NOW + timedelta(days=days)), tmp_path)
    assert current_catalogue(town, tmp_path, NOW).at == NOW
    assert len(snapshots(tmp_path)) <= 4


def test_a_harmed_snapshot_is_built_anew(town, tmp_path):
    first = current_catalogue(town, tmp_path, NOW)
    # Another file in its place: `first` goes on mapping the old one.
    path = tmp_path / first.version / "offer_id.npy"
    path.unlink()
    path.write_bytes(b"")
    again = current_catalogue(town, tmp_path, NOW + timedelta(seconds=1))
    assert again.offer_id.tolist() == first.offer_id.tolist()
