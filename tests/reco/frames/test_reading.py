"""Reading frames: odd text survives, a bad cell is found with its line, columns are checked."""

import unicodedata
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reco.errors import FramesRefused, InvalidInput
from reco.frames.files import write_frames
from reco.frames.schema import FRAMES
from reco.frames.sources import FolderSource, MemorySource, read_frames
from reco.frames.tables import frame_table

_TEXT = st.text(
    st.one_of(
        st.sampled_from("\",|\n\r'\t\\é;ü😀\ufeff "),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    min_size=1,
    max_size=20,
)
_VENUES = "venue_id,lon,lat,name\n"


@pytest.fixture
def folder(tmp_path, frames):
    write_frames(frames, tmp_path / "frames", "csv")
    return tmp_path / "frames"


def rows_of(folder, name):
    return read_frames(FolderSource(folder))[name].to_pylist()


def refusal_of(folder, name="venues"):
    with pytest.raises(FramesRefused) as caught:
        list(FolderSource(folder).pieces(name))
    return caught.value


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_what_is_written_is_read_again(tmp_path, frames, file_format):
    write_frames(frames, tmp_path / "out", file_format)
    again = read_frames(FolderSource(tmp_path / "out"))
    assert list(again) == list(FRAMES)
    for name, table in frames.items():
        assert again[name].equals(table), name


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@settings(max_examples=60, deadline=None)
@given(titles=st.lists(st.one_of(st.none(), _TEXT), min_size=1, max_size=5))
def test_any_text_survives(tmp_path_factory, file_format, titles):
    folder = tmp_path_factory.mktemp("text") / "frames"
    ids = [f"item {number}" for number in range(len(titles))]
    columns = {"item_id": ids, "category": ids, "title": titles, "description": titles[::-1]}
    items = frame_table("items", columns)
    others = {
        name: spec.arrow_schema().empty_table()
        for name, spec in FRAMES.items()
        if spec.required and name != "items"
    }
    write_frames({"items": items, **others}, folder, file_format)
    composed = columns | {
        name: [text and unicodedata.normalize("NFC", text) for text in columns[name]]
        for name in ("title", "description")
    }
    assert read_frames(FolderSource(folder))["items"].equals(frame_table("items", composed))


def test_memory_is_read_as_files_are(folder, frames):
    memory, files = read_frames(MemorySource(frames)), read_frames(FolderSource(folder))
    assert all(memory[name].equals(files[name]) for name in FRAMES)


def test_many_pieces_cover_the_rows_once(folder):
    count = 400_000
    lines = "".join(f"venue number {number},2.5,48.5,\n" for number in range(count))
    (folder / "venues.csv").write_text(_VENUES + lines)
    pieces = list(FolderSource(folder).pieces("venues"))
    assert len(pieces) > 1
    assert [int(piece.rows[0]) for piece in pieces[1:]] == [
        int(piece.rows[-1]) + 1 for piece in pieces[:-1]
    ]
    assert sum(len(piece.table) for piece in pieces) == count
    assert pieces[-1].table["venue_id"][-1].as_py() == f"venue number {count - 1}"
    assert 0 < pieces[0].share <= pieces[-1].share == 1.0


def test_columns_may_come_in_any_order_and_optional_ones_be_absent(folder):
    (folder / "venues.csv").write_text("lat,venue_id,lon\n48.5,a,2.5\n")
    [row] = rows_of(folder, "venues")
    assert (row["venue_id"], row["lon"], row["lat"], row["name"]) == ("a", 2.5, 48.5, None)


def test_a_byte_order_mark_is_no_part_of_the_first_column(folder):
    (folder / "venues.csv").write_bytes(b"\xef\xbb\xbf" + _VENUES.encode() + b"a,2.5,48.5,\n")
    assert rows_of(folder, "venues")[0]["venue_id"] == "a"


def test_a_header_alone_is_an_empty_frame(folder):
    (folder / "venues.csv").write_text(_VENUES)
    assert rows_of(folder, "venues") == []


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T20:00:00Z", datetime(2026, 3, 1, 20, tzinfo=UTC)),
        ("2026-03-01 20:00:00+01:00", datetime(2026, 3, 1, 19, tzinfo=UTC)),
        ("2026-03-01T20:00-0530", datetime(2026, 3, 2, 1, 30, tzinfo=UTC)),
        ("2026-03-01T20:00:00.000007Z", datetime(2026, 3, 1, 20, 0, 0, 7, tzinfo=UTC)),
        ("9000-01-01T00:59+01:00", datetime(8999, 12, 31, 23, 59, tzinfo=UTC)),
    ],
)
def test_times_have_a_zone(folder, text, moment):
    (folder / "stocks.csv").write_text(f"stock_id,offer_id,price_eur,starts_at\na,b,1,{text}\n")
    assert rows_of(folder, "stocks")[0]["starts_at"] == moment


@pytest.mark.parametrize(
    ("name", "content", "column", "reason"),
    [
        ("venues", "venue_id,lon,lat\na,2.5,91\n", "lat", "'91' is outside -90.0 to 90.0"),
        ("venues", "venue_id,lon,lat\na,-180.1,1\n", "lon", "is outside -180.0 to 180.0"),
        ("venues", "venue_id,lon,lat\na,nan,1\n", "lon", "'nan' is outside"),
        ("venues", "venue_id,lon,lat\na,1e999,1\n", "lon", "is outside"),
        ("venues", "venue_id,lon,lat\na,east,1\n", "lon", "'east' is not a number"),
        ("venues", "venue_id,lon,lat\na,,1\n", "lon", "is empty"),
        ("venues", "venue_id,lon,lat\n,1,1\n", "venue_id", "is empty"),
        ("venues", "venue_id,lon,lat\na,1\n", "lon", "2 cells, not 3"),
        ("venues", "venue_id,lon,lat\na,1,1,1\n", "lat", "4 cells, not 3"),
        ("venues", 'venue_id,lon,lat\n"a,1,1\n', "venue_id", "1 cells, not 3"),
        ("venues", f"venue_id,lon,lat\n{'a' * 1001},1,1\n", "venue_id", "longer than 1000 bytes"),
        ("venues", "venue_id,lon,lat,name\na,1,1,b\0c\n", "name", "NUL"),
        ("stocks", "stock_id,offer_id,price_eur\na,b,-1\n", "price_eur", "is outside 0.0"),
        ("stocks", "stock_id,offer_id,price_eur\na,b,1e9\n", "price_eur", "is outside 0.0"),
        ("stocks", "stock_id,offer_id,price_eur,quantity\na,b,1,-3\n", "quantity", "is outside 0"),
        ("stocks", "stock_id,offer_id,price_eur,quantity\na,b,1,2.5\n", "quantity", "whole number"),
        ("stocks", "stock_id,offer_id,price_eur,quantity\na,b,1,0x1\n", "quantity", "whole number"),
        (
            "stocks",
            "stock_id,offer_id,price_eur,starts_at\na,b,1,2026-03-01T20:00:00\n",
            "starts_at",
            "is not an ISO 8601 time with its zone",
        ),
        (
            "stocks",
            "stock_id,offer_id,price_eur,starts_at\na,b,1,2026-02-30T20:00:00Z\n",
            "starts_at",
            "'2026-02-30T20:00:00Z' is not an ISO 8601 time",
        ),
        (
            "stocks",
            "stock_id,offer_id,price_eur,starts_at\na,b,1,0000-02-03T20:00:00Z\n",
            "starts_at",
            "outside the years 1 to 8999",
        ),
        (
            "stocks",
            "stock_id,offer_id,price_eur,starts_at\na,b,1,9000-01-01T00:00:00Z\n",
            "starts_at",
            "outside the years 1 to 8999",
        ),
        ("users", "user_id,birth_date\na,28/02/2008\n", "birth_date", "is not a date"),
        ("offers", "offer_id,item_id,is_duo\na,b,yes\n", "is_duo", "neither true nor false"),
        ("interactions", "user_id,offer_id,kind\na,b,like\n", "kind", "view, click, favourite"),
        (
            "interactions",
            "user_id,offer_id,kind,split\na,b,view,x\n",
            "split",
            "train, valid, test",
        ),
        ("interactions", "user_id,offer_id,kind,value\na,b,view,1e39\n", "value", "is outside"),
    ],
)
def test_a_bad_cell_is_reported(folder, name, content, column, reason):
    (folder / f"{name}.csv").write_text(content)
    refused = refusal_of(folder, name)
    assert refused.total == 1
    [row] = refused.rows
    assert (row.file, row.line, row.column) == (f"{name}.csv", 2, column)
    assert reason in row.reason


def test_lines_are_those_of_the_file_whatever_stands_in_quotes(folder):
    (folder / "venues.csv").write_text(
        _VENUES
        + 'a,2.5,48.5,"two\nlines"\r\n'  # lines 2 and 3
        + "\n"  # 4, blank
        + "ragged,2.5\n"  # 5
        + 'b,2.5,48.5,"a ""quoted"", word"\n'  # 6
        + "c,nowhere,48.5,\n"  # 7
        + 'd,2.5,48.5,"three\n\n\nlines"\n'  # 8 to 11
        + "e,2.5,,\n"  # 12
    )
    refused = refusal_of(folder)
    assert [(row.line, row.column) for row in refused.rows] == [(5, "lon"), (7, "lon"), (12, "lat")]


def test_what_is_no_utf8_is_found_cell_by_cell(folder):
    lines = [b"ok,1,1,caf\xc3\xa9", b"bad,1,1,caf\xe9", b"fine,1,1,caf"]
    (folder / "venues.csv").write_bytes(_VENUES.encode() + b"\n".join(lines) + b"\n")
    [row] = refusal_of(folder).rows
    assert (row.line, row.column) == (3, "name")
    assert "is not UTF-8" in row.reason


def test_the_first_twenty_bad_rows_are_shown_and_all_are_counted(folder):
    lines = [
        f"v{number},{'x' if number % 2 else 1},{'y' if number % 3 else 1}," for number in range(90)
    ]
    (folder / "venues.csv").write_text(_VENUES + "\n".join(lines) + "\n")
    refused = refusal_of(folder)
    bad = [number for number in range(90) if number % 2 or number % 3]
    assert refused.total == len(bad)
    assert [row.line for row in refused.rows] == [number + 2 for number in bad[:20]]
    assert f"and {len(bad) - 20} more" in str(refused)


def test_a_long_cell_does_not_hide_its_line(folder):
    (folder / "venues.csv").write_text(_VENUES + f"a,1,1,{'x' * 200_000}\nb,1,100,\n")
    assert [row.line for row in refusal_of(folder).rows] == [3]


def test_a_missing_column_is_named_with_its_file(folder):
    (folder / "venues.csv").write_text("venue_id,lon\na,2.5\n")
    with pytest.raises(
        InvalidInput, match=r"venues\.csv: missing column 'lat'.*Accepted: venue_id"
    ):
        FolderSource(folder)


def test_an_unknown_column_is_named_with_those_accepted(folder):
    (folder / "venues.csv").write_text("venue_id,lon,lat,latitude\na,2.5,1,1\n")
    with pytest.raises(
        InvalidInput, match=r"unknown column 'latitude'.*venue_id, lon, lat"
    ) as caught:
        FolderSource(folder)
    assert caught.value.field == "venues.csv"


def test_a_column_that_is_there_twice_is_refused(folder):
    (folder / "venues.csv").write_text("venue_id,lon,lat,lat\na,2.5,1,1\n")
    with pytest.raises(InvalidInput, match="'lat' is there twice"):
        FolderSource(folder)


def test_an_empty_file_is_refused(folder):
    (folder / "venues.csv").write_text("")
    with pytest.raises(InvalidInput, match="without even a header line"):
        FolderSource(folder)


def test_a_missing_file_is_named(folder):
    (folder / "stocks.csv").unlink()
    with pytest.raises(InvalidInput, match="without stocks"):
        FolderSource(folder)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="there is no folder"):
        FolderSource(tmp_path / "nowhere")


def test_a_misspelt_file_is_not_passed_over(folder):
    (folder / "booking.csv").write_text("user_id\n")
    with pytest.raises(InvalidInput, match=r"booking\.csv is no frame"):
        FolderSource(folder)


def test_a_frame_in_two_files_is_refused(folder, frames):
    pq.write_table(frames["venues"], folder / "venues.parquet")
    with pytest.raises(InvalidInput, match=r"both venues\.csv and venues\.parquet"):
        FolderSource(folder)


def test_other_files_are_left_alone(folder):
    (folder / "README.md").write_text("What this is.")
    assert set(FolderSource(folder).names) == set(FRAMES)


def replace_venues(folder, table):
    (folder / "venues.csv").unlink()
    pq.write_table(table, folder / "venues.parquet")


def test_nan_in_parquet_is_no_coordinate(folder):
    table = pa.table({"venue_id": ["a", "b"], "lon": [1.0, 2.0], "lat": [1.0, float("nan")]})
    replace_venues(folder, table)
    [row] = refusal_of(folder).rows
    assert (row.file, row.line, row.column) == ("venues.parquet", 2, "lat")


def test_numbers_in_parquet_may_be_of_another_width(folder):
    table = pa.table({"venue_id": [1, 2], "lon": pa.array([1, 2], pa.int8()), "lat": [1, 2]})
    replace_venues(folder, table)
    assert [row["venue_id"] for row in rows_of(folder, "venues")] == ["1", "2"]


def test_parquet_times_without_a_zone_are_refused(folder, frames):
    table = frames["stocks"]
    naive = table["starts_at"].cast(pa.timestamp("us"))
    (folder / "stocks.csv").unlink()
    pq.write_table(table.set_column(3, "starts_at", naive), folder / "stocks.parquet")
    with pytest.raises(InvalidInput, match="starts_at has times without a zone"):
        list(FolderSource(folder).pieces("stocks"))


def test_a_column_of_another_kind_is_refused(folder):
    replace_venues(folder, pa.table({"venue_id": ["a"], "lon": [True], "lat": [1.0]}))
    with pytest.raises(InvalidInput, match="column lon is of type bool"):
        list(FolderSource(folder).pieces("venues"))


def test_a_damaged_parquet_file_is_refused(folder, frames):
    replace_venues(folder, frames["venues"])
    content = (folder / "venues.parquet").read_bytes()
    (folder / "venues.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(InvalidInput, match="cannot be read as Parquet"):
        FolderSource(folder)


def test_an_unknown_frame_in_memory_is_refused(frames):
    with pytest.raises(InvalidInput, match="there is no frame 'venue'"):
        MemorySource({**frames, "venue": frames["venues"]})
