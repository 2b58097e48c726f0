"""The command train, on a real database."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsspec
import psycopg
import pytest
import typer
from tastes import two_tastes
from typer.testing import CliRunner

from reco.errors import InvalidInput, Unavailable
from reco.frames.importing import import_frames
from reco.frames.sources import FolderSource
from reco.model.loaded import load_model
from reco.model.registry import champion, events, versions
from reco.model.serving import usable_model
from reco.settings import Settings
from training.commands.train import train, train_world


@pytest.fixture
def run(world, tmp_path):
    """A function that runs the command on a fresh world and returns what it printed."""
    settings = Settings(home=tmp_path / "home", world=world.name, database_url=world.conninfo)
    app = typer.Typer()
    app.command()(train)

    def invoke(*arguments):
        result = CliRunner().invoke(app, list(arguments), obj=settings, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return invoke


def served(world):
    best = champion(world.conninfo)
    return load_model(Path(best.address), best.digest)


def test_training_on_the_database_publishes_the_champion(run, world, folder):
    import_frames(world, FolderSource(folder), lambda *_: None)
    printed = run("--model", "itemknn", "--cutoff", "2025-03-12")
    model = served(world)
    assert model.kind == "itemknn"
    assert model.cutoff.date().isoformat() in {"2025-03-11", "2025-03-12"}
    assert len(model.user_history("u0000")) > 0
    for text in (model.version, "ndcg@10", "recall_full@10", "popularity", "peak memory"):
        assert text in printed
    value, low, high = model.metrics["all_items"]["ndcg@10"]["model"]
    assert f"{value:.4f} ({low:.4f} .. {high:.4f})" in printed


def test_a_half_life_that_a_file_names_is_kept(run, world, folder, tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text("[popularity]\nhalf_life_days = 12.5\n")
    printed = run("--config", str(config), "--frames", str(folder))
    assert served(world).half_life_days == 12.5
    assert "counts half after 12 days" in " ".join(printed.split())


def test_popularity_is_not_compared_with_itself(run, folder, tmp_path):
    printed = " ".join(run("--model", "popularity", "--frames", str(folder)).split())
    assert "This is what other models are compared with" in printed
    assert "difference" not in printed
    config = tmp_path / "popularity.toml"
    config.write_text("[popularity]\nwindow_days = 3\n")
    printed = " ".join(run("--config", str(config), "--frames", str(folder)).split())
    assert "popularity by its defaults (95 % interval)" in printed
    assert "This is what other models" not in printed


def test_what_was_cancelled_after_the_cutoff_is_learned_from(run, world, folder, connection):
    import_frames(world, FolderSource(folder), lambda *_: None)
    (booked,) = connection.execute(
        """
        insert into core.booking
          (user_id, stock_id, quantity, amount_cents, booked_at, cancelled_at)
        select u.id, s.id, 1, 0, '2025-03-01', '2025-03-20'
        from core.beneficiary u, core.stock s
        where u.external_id = 'u0000' and not exists (
          select from core.interaction i where i.user_id = u.id and i.offer_id = s.offer_id
        )
        limit 1
        returning (select external_id from core.stock where id = stock_id)
        """
    ).fetchone()
    run("--model", "popularity", "--cutoff", "2025-03-12")
    model = served(world)
    assert booked.encode() in model.items[model.user_history("u0000").rows]


def test_a_better_model_takes_the_champions_place(run, world, folder):
    printed = run("--model", "popularity", "--frames", str(folder))
    assert "the first model of this world" in printed
    first = served(world)
    printed = run("--model", "als", "--frames", str(folder))
    assert served(world).kind == "als"
    assert f"in the place of {first.version}" in printed
    states = {row.version: row.state for row in versions(world.conninfo)}
    assert states[first.version] == "retired"
    assert len(states) == 2


def test_a_worse_one_is_refused_with_the_interval_and_stays_a_candidate(run, world, folder):
    run("--model", "als", "--frames", str(folder))
    before = champion(world.conninfo)
    printed = run("--model", "popularity", "--frames", str(folder), "--by", "mia")
    assert champion(world.conninfo) == before
    assert "REFUSED" in printed
    assert "both recipes were fitted again" in " ".join(printed.split())
    last = events(world.conninfo)[-1]
    assert (last.action, last.actor) == ("refused", "mia")
    (ndcg, *_) = last.evidence["criteria"]
    assert ndcg["name"] == "ndcg@20"
    assert ndcg["difference"]["low"] < ndcg["limit"] < 0
    low, high = (f"{ndcg['difference'][end]:+.4f}" for end in ("low", "high"))
    assert f"{low} .. {high}" in " ".join(printed.split())


def test_a_candidate_waits_where_that_is_asked_for(run, world, folder):
    run("--model", "popularity", "--frames", str(folder))
    before = champion(world.conninfo)
    printed = run(
        "--model", "als", "--frames", str(folder), "--no-promote", "--hold-out-weeks", "2"
    )
    assert champion(world.conninfo) == before
    newest = versions(world.conninfo)[0]
    last = two_tastes().at.max().item().replace(tzinfo=UTC)
    assert last - newest.cutoff == timedelta(weeks=2, microseconds=-1)
    assert newest.state == "candidate"
    assert f"reco models promote {newest.version}" in " ".join(printed.split())


@dataclass(frozen=True)
class Store:
    """An object store that no other test sees."""

    url: str
    files: fsspec.AbstractFileSystem

    def held(self):
        """Return the paths of all files in it."""
        return self.files.find(self.url)


@pytest.fixture
def store(world):
    files = fsspec.filesystem("memory")
    store = Store(f"memory://{world.conninfo.rsplit('/')[-1].split('?')[0]}", files)
    yield store
    if files.exists(store.url):
        files.rm(store.url, recursive=True)


def train_to(store, world, folder):
    now = datetime(2025, 6, 1, tzinfo=UTC)
    return train_world(
        world, "popularity", split="time", cutoff=None, now=now, frames=folder, store_url=store.url
    )


def test_models_go_to_a_store_and_are_served_from_it(world, folder, store, tmp_path):
    summary = train_to(store, world, folder)
    best = champion(world.conninfo)
    assert best.address == f"{store.url}/{summary.version}"
    assert len(store.held()) > 3
    shutil.rmtree(summary.folder)
    model, refused = usable_model(world.conninfo, tmp_path / "elsewhere")
    assert refused is None
    assert model.version == summary.version


def test_a_store_that_does_not_answer_publishes_nothing_and_leaves_nothing(world, folder):
    now = datetime(2025, 6, 1, tzinfo=UTC)
    with pytest.raises(Unavailable, match="nowhere"):
        train_world(
            world,
            "popularity",
            split="time",
            cutoff=None,
            now=now,
            frames=folder,
            store_url="nowhere://x",
        )
    assert versions(world.conninfo) == []
    assert list(world.models.iterdir()) == []


def test_a_store_that_takes_half_a_model_keeps_none_of_it(world, folder, store, monkeypatch):
    copied, put_file = [], type(store.files).put_file

    def cut_short(self, local, remote, **options):
        copied.append(remote)
        if len(copied) == 3:
            raise OSError("the line is dead")
        put_file(self, local, remote, **options)

    monkeypatch.setattr(type(store.files), "put_file", cut_short)
    with pytest.raises(Unavailable, match="the line is dead"):
        train_to(store, world, folder)
    assert len(copied) == 3
    assert store.held() == []
    assert versions(world.conninfo) == []
    assert list(world.models.iterdir()) == []


def test_what_cannot_be_registered_is_not_left_in_the_store(world, folder, store, connection):
    connection.execute(
        """
        create function refused() returns trigger language plpgsql
        as $$ begin raise exception 'the disk is full'; end $$
        """
    )
    # At the commit, when all files are copied.
    connection.execute(
        """
        create constraint trigger refused after insert on reco.model_version
        deferrable initially deferred for each row execute function refused()
        """
    )
    with pytest.raises(psycopg.errors.RaiseException, match="the disk is full"):
        train_to(store, world, folder)
    assert store.held() == []
    assert versions(world.conninfo) == []
    assert list(world.models.iterdir()) == []


def test_what_the_store_does_not_give_back_is_told(world, folder, store, monkeypatch, caplog):
    def dead(self, *arguments, **options):
        raise OSError("the line is dead")

    with monkeypatch.context() as patched:
        for name in ("put_file", "rm"):
            patched.setattr(type(store.files), name, dead)
        with pytest.raises(Unavailable, match="does not take it"):
            train_to(store, world, folder)
    assert f"{store.url}/popularity-20250601T000000Z" in caplog.text
    assert "delete it by hand" in caplog.text
    assert list(world.models.iterdir()) == []


def test_the_same_model_in_the_same_second_is_published_once(world, folder):
    now = datetime(2025, 6, 1, tzinfo=UTC)
    options = {"split": "time", "cutoff": None, "now": now, "frames": folder}
    first = train_world(world, "popularity", **options)
    with pytest.raises(InvalidInput, match="published just then"):
        train_world(world, "popularity", **options)
    assert load_model(first.folder, first.digest).version == first.version
    assert [row.version for row in versions(world.conninfo)] == [first.version]


def test_a_split_that_the_events_do_not_name_is_refused_and_the_champion_stays(run, world, folder):
    run("--model", "popularity", "--frames", str(folder))
    before = champion(world.conninfo)
    with pytest.raises(InvalidInput, match="split"):
        run("--split", "given", "--frames", str(folder))
    assert champion(world.conninfo) == before


def test_a_cutoff_in_the_future_is_refused_and_publishes_nothing(world, folder):
    now = datetime(2025, 6, 1, tzinfo=UTC)
    options = {"split": "time", "cutoff": now + timedelta(days=365), "frames": folder}
    with pytest.raises(InvalidInput, match=r"cutoff.*future"):
        train_world(world, "popularity", now=now, **options)
    assert versions(world.conninfo) == []


def test_dates_in_the_future_are_left_out_and_told(world, folder, capsys):
    now = datetime(2025, 3, 1, tzinfo=UTC)
    summary = train_world(world, "popularity", split="time", cutoff=None, now=now, frames=folder)
    assert summary.cutoff <= now
    told = " ".join(capsys.readouterr().err.split())
    left_out = len(two_tastes()) - summary.events
    assert f"{left_out} of {len(two_tastes())} events are dated in the future" in told


def test_a_cutoff_that_is_no_date_is_refused_by_name(run, folder):
    with pytest.raises(InvalidInput, match="cutoff"):
        run("--cutoff", "yesterday", "--frames", str(folder))
