"""The commands import and export, on a real database."""

import re
from datetime import timedelta

import pytest
from typer.testing import CliRunner
from worlds import NOW, small_world
from worlds import book as booked_elsewhere

from reco.core.bookings import Order, book, use
from reco.errors import FramesRefused, InvalidInput
from reco.frames.files import write_frames
from reco.frames.schema import FRAMES
from reco.frames.sources import FolderSource, read_frames
from reco.frames.tables import frame_table
from reco.settings import Settings
from training.commands.frames import export_app, import_app


@pytest.fixture
def run(world, tmp_path):
    """A function that runs a command on a fresh world and returns what it printed."""
    settings = Settings(home=tmp_path / "home", world=world.name, database_url=world.conninfo)

    def invoke(app, *arguments):
        result = CliRunner().invoke(app, list(arguments), obj=settings, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return invoke


@pytest.fixture
def folder(tmp_path):
    frames = {
        **{name: spec.arrow_schema().empty_table() for name, spec in FRAMES.items()},
        "venues": frame_table("venues", {"venue_id": ["a", "b"], "lon": [1, 2], "lat": [3, 4]}),
    }
    write_frames(frames, tmp_path / "frames", "csv")
    return tmp_path / "frames"


def figures(output, table):
    [line] = [line for line in output.splitlines() if f" {table} " in line]
    return [cell.strip() for cell in line.strip(" │").split("│")][1:]


def test_an_import_says_what_is_new_and_what_was_there(run, folder):
    assert figures(run(import_app, "frames", str(folder)), "venue") == ["2", "2", "0", "0"]
    assert figures(run(import_app, "frames", str(folder)), "venue") == ["2", "0", "0", "2"]


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_an_export_gives_the_frames_back(run, folder, tmp_path, file_format):
    run(import_app, "frames", str(folder))
    output = run(export_app, "frames", str(tmp_path / "out"), "--format", file_format)
    assert figures(output, "venues") == ["2"]
    assert (tmp_path / "out" / f"venues.{file_format}").exists()
    exported, given = (read_frames(FolderSource(f)) for f in (tmp_path / "out", folder))
    assert exported["venues"].equals(given["venues"])


def test_a_bad_row_is_told_with_its_line(run, folder):
    (folder / "venues.csv").write_text("venue_id,lon,lat\na,1,2\nb,1,north\n")
    with pytest.raises(FramesRefused, match=r"venues\.csv, line 3, column lat: 'north' is not"):
        run(import_app, "frames", str(folder))


def test_a_missing_column_is_told_before_a_database_is_made(folder, tmp_path):
    (folder / "venues.csv").write_text("venue_id,lon\na,1\n")
    settings = Settings(home=tmp_path / "home", world="test", database_url=None)
    with pytest.raises(InvalidInput, match="missing column 'lat'"):
        CliRunner().invoke(
            import_app, ["frames", str(folder)], obj=settings, catch_exceptions=False
        )
    assert not (tmp_path / "home").exists()


def test_an_import_that_cancels_stocks_refunds_what_was_booked_of_them_here(
    run, connection, tmp_path
):
    small_world(connection)
    made = [
        book(connection, Order("reader", stock), stock, NOW).booking_id
        for stock in ("play-friday", "manga-shop", "classic-soon", "ebook-online")
    ]
    # Nobody was there: it is cancelled before it begins.
    use(connection, made[2], None, NOW + timedelta(days=2))
    use(connection, made[3], None, NOW)
    # Who was let in after it was there, whatever the file says.
    let_in = book(connection, Order("villager", "play-friday"), "let in", NOW)
    use(connection, let_in.booking_id, None, NOW + timedelta(days=4.25))
    booked_elsewhere(connection, "free", "play-friday")
    run(export_app, "frames", str(tmp_path / "out"))
    path = tmp_path / "out" / "stocks.csv"
    ended = r'(?m)^"(play-friday|manga-shop|classic-soon|ebook-online)",.*$'
    path.write_text(re.sub(ended, r"\g<0>2026-11-24T08:00:00Z", path.read_text()))
    assert "3 bookings of cancelled stocks refunded" in run(import_app, "frames", str(path.parent))
    refunded = connection.execute(
        "select b.id::text, cancel_reason from core.booking b where cancelled_at is not null"
    )
    assert set(refunded.fetchall()) == {(booking, "venue") for booking in made[:3]}
    assert "refunded" not in run(import_app, "frames", str(path.parent))
    lines = connection.execute("select kind, actor from core.ledger order by id desc limit 3")
    assert lines.fetchall() == [("refund", "import")] * 3


def test_a_public_data_set_is_imported_by_its_reader(run, tmp_path):
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "movies.csv").write_text(
        "movieId;title;genres\n1;Playtime (1967);Comedy|Drama\n2;Mon oncle (1958);Comedy\n"
    )
    (tmp_path / "small" / "ratings.csv").write_text(
        "userId;movieId;rating;timestamp\n7;1;4.5;1000000000\n8;2;3.0;1000000001\n"
    )
    output = run(import_app, "movielens", str(tmp_path / "small"))
    assert figures(output, "item")[:2] == ["2", "2"]
    assert figures(output, "interaction")[:2] == ["2", "2"]
