"""The catalogue in use: fresh, whatever other snapshots lie there and whoever commits late."""

from dataclasses import replace
from datetime import timedelta
from errno import ENOSPC

import psycopg
import pytest
from catalogues import of_schema_5
from worlds import NOW, small_world

from reco.catalogue.build import build_catalogue
from reco.catalogue.current import MAX_AGE, current_base, first_base
from reco.catalogue.folder import save_catalogue, snapshots


@pytest.fixture
def town(connection):
    small_world(connection)
    return connection


def test_it_is_kept_until_it_is_old(town, tmp_path):
    first = current_base(town, tmp_path, NOW)
    assert current_base(town, tmp_path, NOW + MAX_AGE).version == first.version
    assert current_base(town, tmp_path, NOW - timedelta(seconds=1)).version == first.version
    assert current_base(town, tmp_path, NOW + 2 * MAX_AGE).version != first.version


def test_a_start_takes_one_that_is_old_but_not_of_the_day_before_or_of_the_future(town, tmp_path):
    first = current_base(town, tmp_path, NOW)
    town.execute("update core.stock set price_cents = price_cents + 1 where id = 1")
    assert first_base(town, tmp_path, NOW + timedelta(hours=20)).version == first.version
    assert first_base(town, tmp_path, NOW - timedelta(hours=1)).at == NOW - timedelta(hours=1)
    days_later = NOW + timedelta(days=3)
    assert first_base(town, tmp_path, days_later).at == days_later


def test_a_start_takes_none_to_which_much_has_changed(town, tmp_path, monkeypatch):
    monkeypatch.setattr("reco.catalogue.current.MAX_CHANGED", 4)
    first = current_base(town, tmp_path, NOW)
    town.execute("update core.stock set price_cents = price_cents + 1 where id <= 3")
    assert first_base(town, tmp_path, NOW + timedelta(seconds=1)).version != first.version


def test_it_is_built_anew_where_much_has_changed(town, tmp_path, monkeypatch):
    monkeypatch.setattr("reco.catalogue.current.MAX_CHANGED", 4)
    first = current_base(town, tmp_path, NOW)
    town.execute("update core.stock set price_cents = price_cents + 1 where id <= 2")
    assert current_base(town, tmp_path, NOW + timedelta(seconds=1)).version == first.version
    town.execute("update core.stock set price_cents = price_cents + 1 where id = 3")
    assert current_base(town, tmp_path, NOW + timedelta(seconds=1)).version != first.version


def test_a_snapshot_of_another_database_is_not_taken(town, new_world, tmp_path):
    first = current_base(town, tmp_path, NOW)
    with psycopg.connect(new_world().conninfo, autocommit=True) as other:
        other.execute("select pg_current_xact_id()")
        anew = current_base(other, tmp_path, NOW + timedelta(seconds=1))
    assert len(anew.base.offer_id) == 0
    assert anew.version != first.version


@pytest.mark.parametrize("base", [current_base, first_base])
def test_a_snapshot_of_another_server_is_not_taken(town, tmp_path, base):
    """The first database of every server has the same object id."""
    own = build_catalogue(town, NOW)
    _, object_id = own.seen.database.split("/")
    elsewhere = replace(own.seen, database=f"7412345678901234567/{object_id}")
    save_catalogue(replace(own, seen=elsewhere), tmp_path)
    later = NOW + timedelta(seconds=1)
    assert base(town, tmp_path, later).at == later
    assert base(town, tmp_path, later + timedelta(seconds=1)).at == later


def test_a_database_that_was_set_back_is_read_anew(town, tmp_path):
    ahead = build_catalogue(town, NOW)
    far = f"{ahead.seen.before_xid + 10**6}:{ahead.seen.before_xid + 10**6}:"
    save_catalogue(replace(ahead, seen=replace(ahead.seen, snapshot=far)), tmp_path)
    assert current_base(town, tmp_path, NOW + timedelta(seconds=1)).seen.snapshot != far


def test_snapshots_of_the_future_do_not_push_out_the_present(town, tmp_path):
    for days in (100, 200, 300, 400):
        save_catalogue(build_catalogue(town, NOW + timedelta(days=days)), tmp_path)
    assert current_base(town, tmp_path, NOW).at == NOW
    assert len(snapshots(tmp_path)) <= 4


def test_a_harmed_snapshot_is_built_anew(town, tmp_path):
    first = current_base(town, tmp_path, NOW)
    # Another file in its place: `first` goes on mapping the old one.
    path = tmp_path / first.version / "offer_id.npy"
    path.unlink()
    path.write_bytes(b"")
    again = current_base(town, tmp_path, NOW + timedelta(seconds=1))
    assert again.base.offer_id.tolist() == first.base.offer_id.tolist()


def test_a_snapshot_of_an_older_schema_is_built_anew(town, tmp_path):
    first = current_base(town, tmp_path, NOW)
    of_schema_5(tmp_path / first.version)
    again = current_base(town, tmp_path, NOW + timedelta(seconds=1))
    assert again.version != first.version
    assert again.genres == first.genres
    assert "genre of play" in again.genres


def test_a_snapshot_of_the_future_is_passed_over_until_then(town, tmp_path):
    ahead = NOW + timedelta(days=100)
    save_catalogue(build_catalogue(town, ahead), tmp_path)
    first = current_base(town, tmp_path, NOW)
    for base in (current_base, first_base):
        assert base(town, tmp_path, NOW + timedelta(seconds=1)).version == first.version
    assert current_base(town, tmp_path, ahead).at == ahead


def test_a_full_disk_costs_the_sharing_and_no_more(town, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr("reco.catalogue.current.save_catalogue", full)
    made = current_base(town, tmp_path, NOW)
    assert snapshots(tmp_path) == []
    assert made.base.offer_id.tolist() == build_catalogue(town, NOW).base.offer_id.tolist()


def test_a_folder_that_cannot_be_written_costs_the_sharing_and_no_more(town, tmp_path):
    # So it is for root, too, who may write whatever others may not.
    (tmp_path / "file").touch()
    nowhere = tmp_path / "file" / "catalogue"
    made = current_base(town, nowhere, NOW)
    assert made.base.offer_id.tolist() == build_catalogue(town, NOW).base.offer_id.tolist()
    assert first_base(town, nowhere, NOW).at == NOW


def test_what_a_killed_worker_was_saving_is_deleted_by_the_next(town, tmp_path):
    left = tmp_path / ".20261126T080000Z-0badcafe.draft"
    left.mkdir()
    (left / "offer_id.npy").write_bytes(b"half")
    made = current_base(town, tmp_path, NOW)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", made.version]
