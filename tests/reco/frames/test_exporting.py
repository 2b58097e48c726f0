"""Exporting: what was imported comes back, whatever the text, and imports again as it was."""

import os
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reco.core.accents import composed
from reco.errors import InvalidInput
from reco.frames import exporting
from reco.frames.exporting import export_frames
from reco.frames.files import FrameWriter, write_frames
from reco.frames.importing import import_frames
from reco.frames.schema import FRAMES
from reco.frames.sources import FolderSource, MemorySource, read_frames
from reco.frames.tables import frame_table

_TEXT = st.text(
    st.one_of(
        st.sampled_from("\",|\n\r'\t\\é;ü😀. "),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    min_size=1,
    max_size=20,
    # As texts are once they are read.
).map(composed)


def silent(what, rows, share):
    del what, rows, share


def sorted_rows(frames, name):
    return sorted(map(str, frames[name].to_pylist()))


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_an_export_is_what_was_imported(world, new_world, frames, tmp_path, file_format):
    import_frames(world, MemorySource(frames), silent)
    rows = export_frames(world, tmp_path / "out", file_format, silent)
    assert rows == {name: len(frames[name]) for name in FRAMES}
    exported = read_frames(FolderSource(tmp_path / "out"))
    for name in FRAMES:
        assert sorted_rows(exported, name) == sorted_rows(frames, name), name
    other = new_world()
    import_frames(other, FolderSource(tmp_path / "out"), silent)
    export_frames(other, tmp_path / "again", file_format, silent)
    again = read_frames(FolderSource(tmp_path / "again"))
    for name in FRAMES:
        assert again[name].equals(exported[name]), name
    # And into the world that it came from it brings nothing new.
    assert import_frames(world, FolderSource(tmp_path / "out"), silent).written == 0


@pytest.mark.slow
@settings(max_examples=15)
@given(texts=st.lists(_TEXT, min_size=1, max_size=6, unique=True))
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_any_text_comes_back(one_world, tmp_path_factory, file_format, texts):
    items = frame_table(
        "items",
        {"item_id": texts, "category": texts, "title": texts, "genre": texts, "image_url": texts},
    )
    frames = {name: spec.arrow_schema().empty_table() for name, spec in FRAMES.items()}
    with psycopg.connect(one_world.conninfo) as connection:
        connection.execute("truncate core.item, core.category cascade")
    import_frames(one_world, MemorySource({**frames, "items": items}), silent)
    folder = tmp_path_factory.mktemp("text") / "out"
    export_frames(one_world, folder, file_format, silent)
    assert read_frames(FolderSource(folder))["items"].equals(items)


@pytest.fixture(scope="module")
def one_world(new_world):
    """One world for many examples."""
    return new_world()


def test_an_empty_world_exports_the_required_frames(world, tmp_path):
    rows = export_frames(world, tmp_path / "out", "csv", silent)
    assert rows == {name: 0 for name, spec in FRAMES.items() if spec.required}
    assert FolderSource(tmp_path / "out").names == tuple(rows)


def test_a_large_export_comes_in_pieces(world, frames, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "_PIECE_BYTES", 1)
    import_frames(world, MemorySource(frames), silent)
    seen = []
    export_frames(world, tmp_path / "out", "parquet", lambda *report: seen.append(report))
    assert [rows for what, rows, _ in seen if what == "writing offers"] == [1, 2, 3]
    assert sorted_rows(read_frames(FolderSource(tmp_path / "out")), "offers") == sorted_rows(
        frames, "offers"
    )


def test_the_latest_credit_is_exported(world, frames, tmp_path):
    import_frames(world, MemorySource(frames), silent)
    with psycopg.connect(world.conninfo) as connection:
        connection.execute(
            "insert into core.deposit (user_id, amount_cents, granted_at)"
            " select id, 3000, '2025-01-01Z' from core.beneficiary where external_id = 'zoé'"
        )
    export_frames(world, tmp_path / "out", "csv", silent)
    users = read_frames(FolderSource(tmp_path / "out"))["users"].to_pylist()
    assert [user["credit_eur"] for user in users] == [500.0, None]


def test_an_export_never_replaces_other_files(world, tmp_path):
    (tmp_path / "thesis.txt").write_text("Years of work.")
    with pytest.raises(InvalidInput, match="is not a folder of frames alone"):
        export_frames(world, tmp_path, "csv", silent)
    assert (tmp_path / "thesis.txt").read_text() == "Years of work."


def test_an_export_that_fails_leaves_the_former_one(world, frames, tmp_path):
    import_frames(world, MemorySource(frames), silent)
    export_frames(world, tmp_path / "out", "csv", silent)
    former = (tmp_path / "out" / "items.csv").read_bytes()

    def failing(what, rows, share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_frames(world, tmp_path / "out", "csv", failing)
    assert (tmp_path / "out" / "items.csv").read_bytes() == former
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def items_in(folder):
    return pq.read_table(folder / "items.parquet").num_rows


def test_writers_to_one_place_do_not_harm_each_other(frames, tmp_path):
    folder = tmp_path / "out"
    with FrameWriter(folder, "parquet") as slow:
        with FrameWriter(folder, "parquet") as quick:
            quick.write("items", frames["items"][:1])
        assert items_in(folder) == 1
        slow.write("items", frames["items"])
    assert items_in(folder) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_another_writer_puts_there_at_the_same_moment_is_replaced(
    frames, tmp_path, monkeypatch
):
    folder, rename, quicker = tmp_path / "out", Path.rename, []

    def raced(path, target):
        if target == folder and not quicker:
            quicker.append(path)
            write_frames({"items": frames["items"][:1]}, folder, "parquet")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", raced)
    write_frames({"items": frames["items"]}, folder, "parquet")
    assert items_in(folder) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_draft_of_a_killed_export_goes_and_one_under_way_stays(frames, tmp_path):
    for name, hours in (("killed", 2), ("under way", 0)):
        draft = tmp_path / f".out.{name}.draft"
        draft.mkdir()
        (draft / "items.csv").touch()
        for path in (draft / "items.csv", draft):
            ago = path.stat().st_mtime - hours * 3_600
            os.utime(path, (ago, ago))
    write_frames(frames, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"out", ".out.under way.draft"}


def test_times_keep_their_microseconds_in_csv(world, frames, tmp_path):
    import_frames(world, MemorySource(frames), silent)
    export_frames(world, tmp_path / "out", "csv", silent)
    exported = read_frames(FolderSource(tmp_path / "out"))["offers"]["published_at"]
    assert exported.cast(pa.int64()).to_pylist()[0] % 1_000_000 == 1
