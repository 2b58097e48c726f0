"""The command train, on a real database."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import typer
from tastes import two_tastes
from typer.testing import CliRunner

from reco.errors import InvalidInput
from reco.frames.files import write_frames
from reco.frames.importing import import_frames
from reco.frames.sources import FolderSource
from reco.frames.tables import frame_table
from reco.model.loaded import load_model
from reco.model.registry import champion, versions
from reco.settings import Settings
from training.commands.train import train


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


def test_training_again_retires_the_former_champion(run, world, folder):
    run("--model", "popularity", "--frames", str(folder))
    first = served(world)
    run("--model", "als", "--frames", str(folder))
    assert served(world).kind == "als"
    states = {row.version: row.state for row in versions(world.conninfo)}
    assert states[first.version] == "retired"
    assert len(states) == 2


def test_a_split_that_the_events_do_not_name_is_refused_and_the_champion_stays(run, world, folder):
    run("--model", "popularity", "--frames", str(folder))
    before = champion(world.conninfo)
    with pytest.raises(InvalidInput, match="split"):
        run("--split", "given", "--frames", str(folder))
    assert champion(world.conninfo) == before


def test_a_cutoff_that_is_no_date_is_refused_by_name(run, folder):
    with pytest.raises(InvalidInput, match="cutoff"):
        run("--cutoff", "yesterday", "--frames", str(folder))
