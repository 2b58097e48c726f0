"""Importing into a real database: all or nothing, nothing twice, faults with their lines."""

import threading
import unicodedata
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

import pyarrow as pa
import pytest

from reco.db.migrate import differences
from reco.errors import FramesRefused, InvalidInput, Unavailable
from reco.frames.files import write_frames
from reco.frames.importing import import_frames
from reco.frames.schema import FRAMES
from reco.frames.sources import FolderSource, MemorySource
from reco.frames.tables import frame_table
from reco.frames.upserts import UPSERTS
from reco.world import World

_TABLES = (
    "category",
    "subcategory",
    "venue",
    "item",
    "offer",
    "stock",
    "beneficiary",
    "deposit",
    "booking",
    "interaction",
)


def silent(what, rows, share):
    del what, rows, share


def imported(world, frames):
    return import_frames(world, MemorySource(frames), silent)


def counts(connection):
    return {
        table: connection.execute(f"select count(*) from core.{table}").fetchone()[0]
        for table in (*_TABLES, "change")
    }


def with_rows(table, **columns):
    """Return the frame with some columns replaced."""
    for name, values in columns.items():
        place = table.column_names.index(name)
        kind = table.schema.field(name).type
        table = table.set_column(place, name, pa.array(values, from_pandas=True).cast(kind))
    return table


def refused(world, frames):
    with pytest.raises(FramesRefused) as caught:
        imported(world, frames)
    return caught.value


def test_every_table_gets_its_rows(world, connection, frames):
    summary = imported(world, frames)
    expected = {
        "category": 2,
        "subcategory": 2,
        "venue": 2,
        "item": 2,
        "offer": 3,
        "stock": 3,
        "beneficiary": 2,
        "deposit": 1,
        "booking": 2,
        "interaction": 3,
    }
    assert {table: counts.new for table, counts in summary.tables.items()} == expected
    # Venues, offers, stocks and bookings are logged.
    assert counts(connection) == {**expected, "change": 2 + 2 + 3 + 3 + 2}


def test_values_arrive_as_they_are(world, connection, frames):
    imported(world, frames)
    item = connection.execute(
        "select title, genres, c.name from core.item i join core.category c on c.id = category_id"
        " where external_id = 'film'"
    ).fetchone()
    assert item == ('Les "Quatre Cents" Coups, 1959', ["drama", "new wave"], "FILM")
    stock = connection.execute(
        "select price_cents, starts_at, quantity from core.stock where external_id = 'friday'"
    ).fetchone()
    assert stock == (735, datetime(2026, 3, 6, 19, 30, tzinfo=UTC), 120)
    place = connection.execute(
        "select st_x(location::geometry), st_y(location::geometry) from core.venue"
        " where external_id = 'shop'"
    ).fetchone()
    assert place == (-0.1, 43.123456789012)
    credit = connection.execute(
        "select amount_cents, digital_cap_cents, physical_cap_cents, expires_at from core.deposit"
    ).fetchone()
    assert credit == (50_000, 20_000, 20_000, datetime(2028, 2, 28, tzinfo=UTC))


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_the_same_folder_twice_changes_nothing(world, connection, frames, tmp_path, file_format):
    write_frames(frames, tmp_path / "frames", file_format)
    import_frames(world, FolderSource(tmp_path / "frames"), silent)
    before = counts(connection)
    versions = "select xmin, ctid, external_id from core.{} order by external_id"
    rows = [connection.execute(versions.format(t)).fetchall() for t in ("item", "offer", "venue")]
    summary = import_frames(world, FolderSource(tmp_path / "frames"), silent)
    assert summary.written == 0
    assert all(counts.unchanged == counts.rows for counts in summary.tables.values())
    assert counts(connection) == before
    again = [connection.execute(versions.format(t)).fetchall() for t in ("item", "offer", "venue")]
    assert again == rows


def many_people(frames, birth_dates):
    """Return the frames with so many people more, born on those days."""
    table = frames["users"]
    ids = [*table["user_id"].to_pylist(), *(f"u{at}" for at in range(len(birth_dates)))]
    columns = {name: table[name].to_pylist() for name in table.column_names}
    more = {name: [*cells, *[None] * len(birth_dates)] for name, cells in columns.items()}
    born = [*[None] * len(table), *birth_dates]
    return frames | {"users": frame_table("users", more | {"user_id": ids, "birth_date": born})}


def test_other_people_of_the_same_ids_are_refused_and_nothing_is_written(world, connection, frames):
    born = [date(2008, 1, 1 + at) for at in range(12)]
    imported(world, many_people(frames, born))
    before = counts(connection)
    others = [day + timedelta(days=100) for day in born[:7]] + born[7:]
    with pytest.raises(InvalidInput, match=f"^users: 7 of 12 people whose ids {world.name} has"):
        imported(world, many_people(frames, others))
    assert counts(connection) == before
    kept = "select birth_date from core.beneficiary where external_id = 'u0'"
    assert connection.execute(kept).fetchone() == (born[0],)


@pytest.mark.parametrize("mended", [6, 12])
def test_birth_dates_that_are_mended_or_come_to_be_known_are_taken(
    world, connection, frames, mended
):
    born = [date(2008, 1, 1 + at) for at in range(12)]
    imported(world, many_people(frames, born if mended == 6 else [None] * 12))
    later = [day + timedelta(days=1) for day in born[:mended]] + born[mended:]
    assert imported(world, many_people(frames, later)).tables["beneficiary"].changed == mended


def test_what_changed_is_updated_and_logged_alone(world, connection, frames):
    imported(world, frames)
    frames["venues"] = with_rows(frames["venues"], lat=[50.6292, 43.123456789013])
    frames["interactions"] = with_rows(frames["interactions"], value=[0.1, 0.5, 4.0])
    frames["taxonomy"] = with_rows(frames["taxonomy"], is_digital=[False, True])
    summary = imported(world, frames)
    changed = {table: counts.changed for table, counts in summary.tables.items()}
    assert {table for table, count in changed.items() if count} == {
        "venue",
        "interaction",
        "subcategory",
    }
    assert summary.written == 3
    logged = connection.execute(
        "select entity, before ->> 'external_id' from core.change where operation = 'update'"
        " order by 1"
    ).fetchall()
    # What a work counts against is told by its subcategory.
    assert logged == [("item", "book"), ("venue", "shop")]


def test_interactions_lie_in_their_quarters_and_the_latest_36_months_have_partitions(
    world, connection, frames
):
    imported(world, frames)
    placed = connection.execute(
        "select tableoid::regclass::text, kind from core.interaction order by kind"
    ).fetchall()
    assert placed == [
        # March 2021 is more than 36 months before March 2026.
        ("core.interaction_default", "dismiss"),
        ("core.interaction_default", "favourite"),
        ("core.interaction_2026_q1", "view"),
    ]
    partitions = connection.execute(
        "select count(*) from pg_inherits where inhparent = 'core.interaction'::regclass"
    ).fetchone()
    assert partitions == (36 / 3 + 1,)


def test_a_quarter_is_made_before_an_import_writes_and_nobody_waits(world, connection, frames):
    imported(world, frames)
    later = datetime(2026, 5, 1, tzinfo=UTC)
    frames["interactions"] = with_rows(frames["interactions"], at=[later, None, None])
    connection.execute("set lock_timeout = 1000")
    seen = {}

    def read(stage, *_):
        seen[stage] = connection.execute(
            "select count(*), to_regclass('core.interaction_2026_q2')::text from core.interaction"
        ).fetchone()

    import_frames(world, MemorySource(frames), read)
    assert seen["writing interaction"] == (3, "core.interaction_2026_q2")
    where = "select tableoid::regclass::text from core.interaction where at = %s"
    assert connection.execute(where, (later,)).fetchone() == ("core.interaction_2026_q2",)


def test_what_stays_as_it_is_is_not_locked_while_the_rest_is_written(world, connection, frames):
    imported(world, frames)
    frames["users"] = with_rows(frames["users"], birth_date=["2008-02-29", "2008-03-01"])
    frames["stocks"] = with_rows(frames["stocks"], price_eur=[7.35, 1.0, 19.99])
    free = {}

    def look(what, rows, share):
        for table in ("beneficiary", "stock"):
            if what == "writing interaction":
                found = connection.execute(
                    f"select external_id from core.{table} for no key update skip locked"
                )
                free[table] = {name for (name,) in found}

    import_frames(world, MemorySource(frames), look)
    assert free == {"beneficiary": {"zoé"}, "stock": {"friday", "file"}}


def test_an_interaction_there_twice_is_kept_once(world, connection, frames):
    frames["interactions"] = pa.concat_tables([frames["interactions"]] * 2)
    summary = imported(world, frames)
    assert (summary.tables["interaction"].rows, summary.tables["interaction"].new) == (6, 3)
    assert imported(world, frames).written == 0
    assert counts(connection)["interaction"] == 3


def test_one_name_in_two_ways_to_write_its_accents_is_one_name(world, connection, frames):
    once, twice = (unicodedata.normalize(form, "comédie") for form in ("NFC", "NFD"))
    assert once != twice
    del frames["taxonomy"]
    frames["items"] = with_rows(
        frames["items"], category=[once, twice], genre=[once, f"drame|{twice}"],
        subcategory=[None, None], title=[twice, None], description=[None, twice],
        image_url=["https://x.fr/" + twice, None],
    )  # fmt: skip
    frames["venues"] = with_rows(
        frames["venues"], venue_id=["cinema", twice], venue_type=[once, twice], name=[twice, None]
    )
    frames["offers"] = with_rows(frames["offers"], venue_id=["cinema", twice, None])
    imported(world, frames)
    items = connection.execute(
        "select c.name, i.genres, i.title, i.description, i.image_url from core.item i"
        " join core.category c on c.id = i.category_id order by i.id"
    ).fetchall()
    assert items == [
        (once, [once], once, None, "https://x.fr/" + twice),
        (once, ["drame", once], None, once, None),
    ]
    venues = connection.execute(
        "select external_id, venue_type, name from core.venue order by id"
    ).fetchall()
    # Ids and addresses are nobody's words.
    assert venues == [("cinema", once, once), (twice, once, None)]
    assert imported(world, frames).written == 0


def test_a_category_that_is_kept_in_two_pieces_is_found_without_a_taxonomy(
    world, connection, frames
):
    category, subcategory = "Comédie", "Théâtre"
    frames["taxonomy"] = with_rows(
        frames["taxonomy"], category=[category, "BOOK"], subcategory=[subcategory, "PAPER_BOOK"]
    )
    frames["items"] = with_rows(
        frames["items"], category=[category, "BOOK"], subcategory=[subcategory, "PAPER_BOOK"]
    )
    imported(world, frames)
    for table in ("category", "subcategory"):
        # As it was stored before names were composed.
        connection.execute(f"update core.{table} set name = normalize(name, nfd)")
    taxonomy = frames.pop("taxonomy")
    assert imported(world, frames).written == 0
    # A taxonomy brings them into one piece.
    imported(world, frames | {"taxonomy": taxonomy})
    found = connection.execute(
        "select c.name, s.name, s.is_event from core.item i"
        " join core.category c on c.id = i.category_id"
        " join core.subcategory s on s.id = i.subcategory_id order by i.id"
    ).fetchall()
    assert found == [(category, subcategory, True), ("BOOK", "PAPER_BOOK", False)]


def test_without_a_taxonomy_the_items_imply_one(world, connection, frames):
    del frames["taxonomy"]
    imported(world, frames)
    found = connection.execute(
        "select c.name, s.name, is_event, is_digital, is_physical"
        " from core.subcategory s join core.category c on c.id = category_id order by 1"
    ).fetchall()
    assert found == [
        ("BOOK", "PAPER_BOOK", None, None, None),
        ("FILM", "FILM_SHOWING", None, None, None),
    ]
    assert imported(world, frames).written == 0


def test_references_may_point_into_the_database(world, frames):
    imported(world, frames)
    for name in ("items", "venues", "offers", "stocks", "users", "bookings", "taxonomy"):
        frames[name] = frames[name].slice(0, 0)
    frames["interactions"] = frame_table(
        "interactions", {"user_id": ["max"], "offer_id": ["book@web"], "kind": ["click"]}
    )
    assert imported(world, frames).written == 1


def test_a_refused_import_leaves_nothing(world, connection, frames):
    before = counts(connection)
    frames["interactions"] = with_rows(frames["interactions"], offer_id=["no", "book@web", "no"])
    error = refused(world, frames)
    assert error.total == 2
    assert [(row.file, row.line, row.column) for row in error.rows] == [
        ("interactions", 1, "offer_id"),
        ("interactions", 3, "offer_id"),
    ]
    assert "'no' is not among the offers" in error.rows[0].reason
    assert counts(connection) == before


def test_a_failure_in_the_middle_leaves_nothing(world, connection, frames):
    before = counts(connection)

    def failing(what, rows, share):
        if what == "writing stock":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_frames(world, MemorySource(frames), failing)
    assert counts(connection) == before


def test_a_dangling_reference_has_its_line(world, frames, tmp_path):
    write_frames(frames, tmp_path / "frames", "csv")
    offers = tmp_path / "frames" / "offers.csv"
    offers.write_text('offer_id,item_id,url\na,film,"two\nlines"\nb,nothing,\nc,book,\n')
    (tmp_path / "frames" / "stocks.csv").write_text("stock_id,offer_id,price_eur\n")
    (tmp_path / "frames" / "bookings.csv").unlink()
    (tmp_path / "frames" / "interactions.csv").write_text("user_id,offer_id,kind\nzoé,d,view\n")
    with pytest.raises(FramesRefused) as caught:
        import_frames(world, FolderSource(tmp_path / "frames"), silent)
    assert [str(row) for row in caught.value.rows] == [
        "offers.csv, line 4, column item_id: 'nothing' is not among the items",
        "interactions.csv, line 2, column offer_id: 'd' is not among the offers",
    ]


def test_bad_cells_of_all_files_are_reported_together(world, frames, tmp_path):
    write_frames(frames, tmp_path / "frames", "csv")
    (tmp_path / "frames" / "venues.csv").write_text("venue_id,lon,lat\ncinema,x,1\nshop,1,y\n")
    (tmp_path / "frames" / "users.csv").write_text("user_id,lon,lat\nzoé,1,200\nmax,,\n")
    with pytest.raises(FramesRefused) as caught:
        import_frames(world, FolderSource(tmp_path / "frames"), silent)
    assert [(row.file, row.line, row.column) for row in caught.value.rows] == [
        ("venues.csv", 2, "lon"),
        ("venues.csv", 3, "lat"),
        ("users.csv", 2, "lat"),
    ]
    assert caught.value.total == 3


@pytest.mark.parametrize(
    ("name", "columns", "line", "column", "reason"),
    [
        ("venues", {"venue_id": ["shop", "shop"]}, 2, "venue_id", "'shop' is there twice"),
        ("users", {"lon": [3.06, 1.0]}, 2, "lat", "a home needs both"),
        ("users", {"lat": [50.63, 1.0]}, 2, "lon", "a home needs both"),
        ("users", {"credit_eur": [500.0, 1.0]}, 2, "credit_granted_at", "needed with credit_eur"),
        ("users", {"credit_eur": [None, None]}, 1, "credit_eur", "needed with the time"),
        ("items", {"subcategory": ["FILM_SHOWING"] * 2}, 2, "subcategory", "of 'FILM' too"),
        ("bookings", {"quantity": [2, 0]}, 2, "quantity", "0 is outside 1 to 32,767"),
        ("bookings", {"user_id": ["zoé", "zo"]}, 2, "user_id", "'zo' is not among the users"),
        ("interactions", {"slate_id": ["7", None, None]}, 1, "slate_id", "'7' is no UUID"),
    ],
)
def test_a_bad_row_that_only_the_whole_can_tell(world, frames, name, columns, line, column, reason):
    frames[name] = with_rows(frames[name], **columns)
    row = next(row for row in refused(world, frames).rows if row.file == name)
    assert (row.line, row.column) == (line, column)
    assert reason in row.reason


def test_the_same_booking_twice_is_refused(world, frames):
    frames["bookings"] = pa.concat_tables([frames["bookings"], frames["bookings"].slice(0, 1)])
    [row] = refused(world, frames).rows
    assert (row.file, row.line, row.column) == ("bookings", 3, "booked_at")


def test_a_subcategory_does_not_move_without_a_taxonomy(world, frames):
    imported(world, frames)
    del frames["taxonomy"]
    frames["items"] = with_rows(frames["items"], subcategory=["PAPER_BOOK", None])
    [row] = refused(world, frames).rows
    assert (row.line, row.column) == (1, "subcategory")


def test_imports_at_once_wait_for_each_other(world, connection, frames):
    failures = []

    def run():
        try:
            imported(world, frames)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert counts(connection)["interaction"] == 3
    assert counts(connection)["change"] == 12


def test_progress_ends_complete(world, frames):
    last = {}
    import_frames(world, MemorySource(frames), lambda what, rows, share: last.update({what: share}))
    assert set(last.values()) == {1.0}
    assert {f"reading {name}" for name in frames} <= set(last)


def test_a_database_that_does_not_answer_is_said(frames, tmp_path):
    nowhere = World("test", tmp_path, f"postgresql:///reco?host={quote(str(tmp_path))}")
    with pytest.raises(Unavailable, match="does not answer"):
        imported(nowhere, frames)


def schema_of(connection):
    """Every index and constraint of the core, and whether it holds."""
    return connection.execute(
        "select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisvalid"
        " from pg_index i join pg_class c on c.oid = i.indrelid"
        " join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'core'"
        " union all"
        " select conrelid::regclass || ' ' || conname, pg_get_constraintdef(p.oid), convalidated"
        " from pg_constraint p join pg_namespace n on n.oid = p.connamespace"
        " where n.nspname = 'core' order by 1, 2"
    ).fetchall()


def partitions_without_their_index(connection):
    return connection.execute(
        "select h.inhrelid::regclass from pg_inherits h"
        " where h.inhparent = 'core.interaction'::regclass and not exists ("
        "  select from pg_index i where i.indrelid = h.inhrelid and i.indisunique and i.indisvalid)"
    ).fetchall()


def test_tables_that_are_loaded_bare_get_all_of_it_back(world, connection, frames):
    before = schema_of(connection)
    assert imported(world, frames).written > 0
    # Months that the import made are new.
    after = [row for row in schema_of(connection) if "core.interaction_2" not in row[0]]
    assert after == before
    assert partitions_without_their_index(connection) == []
    assert differences(world) == []


_LATE = datetime(2026, 3, 7, tzinfo=UTC)
_FILM = "stock_id = (select id from core.stock where external_id = 'friday')"


def test_a_booking_that_ended_since_the_export_stays_over(world, connection, frames):
    frames["bookings"] = with_rows(frames["bookings"], used_at=[None, None])
    imported(world, frames)
    connection.execute(
        f"update core.booking set cancelled_at = %s, cancel_reason = 'user' where {_FILM}", (_LATE,)
    )
    ends = f"select cancelled_at, used_at, cancel_reason from core.booking where {_FILM}"
    assert imported(world, frames).tables["booking"].changed == 0
    assert connection.execute(ends).fetchone() == (_LATE, None, "user")
    # Nor is it collected afterwards.
    frames["bookings"] = with_rows(frames["bookings"], used_at=[_LATE, None])
    assert imported(world, frames).tables["booking"].changed == 0
    assert connection.execute(ends).fetchone() == (_LATE, None, "user")


def test_what_was_collected_since_the_export_stays_collected(world, connection, frames):
    used = frames["bookings"]
    frames["bookings"] = with_rows(used, used_at=[None, None])
    imported(world, frames)
    ends = f"select cancelled_at, used_at from core.booking where {_FILM}"
    connection.execute(f"update core.booking set used_at = %s where {_FILM}", (_LATE,))
    for cancelled_at in (None, _LATE):
        frames["bookings"] = with_rows(frames["bookings"], cancelled_at=[cancelled_at, None])
        imported(world, frames)
        assert connection.execute(ends).fetchone() == (None, _LATE)


def test_frames_tell_the_end_of_a_booking_that_stood(world, connection, frames):
    told = frames["bookings"]
    frames["bookings"] = with_rows(told, used_at=[None, None], cancelled_at=[None, None])
    imported(world, frames)
    frames["bookings"] = told
    assert imported(world, frames).tables["booking"].changed == 2
    ended = "select count(used_at), count(cancelled_at) from core.booking"
    assert connection.execute(ended).fetchone() == (1, 1)


def test_what_its_partner_ended_stays_so_and_what_frames_ended_follows_them(
    world, connection, frames
):
    imported(world, frames)
    connection.execute("insert into core.partner (external_id, name) values ('lune', 'Lune')")
    for table, end, of_partner in (
        ("stock", "cancelled_at", "copies"),
        ("offer", "withdrawn_at", "book@shop"),
    ):
        connection.execute(f"update core.{table} set {end} = %s", (_LATE,))
        connection.execute(
            f"update core.{table} set partner_id = 1, partner_ref = 'p' where external_id = %s",
            (of_partner,),
        )
    imported(world, frames)
    for table, end, of_partner in (
        ("stock", "cancelled_at", "copies"),
        ("offer", "withdrawn_at", "book@shop"),
    ):
        over = connection.execute(
            f"select external_id, {end} from core.{table} where {end} is not null"
        )
        assert over.fetchall() == [(of_partner, _LATE)]


def test_a_deposit_that_was_granted_here_keeps_the_caps_of_its_policy(world, connection, frames):
    imported(world, frames)
    connection.execute(
        "update core.deposit set age = 17, digital_cap_cents = 2000, physical_cap_cents = null"
    )
    kept = (
        "select amount_cents, digital_cap_cents, physical_cap_cents, offer_limit_cents"
        " from core.deposit"
    )
    assert imported(world, frames).tables["deposit"].changed == 0
    assert connection.execute(kept).fetchone() == (50_000, 2_000, None, 30_000)
    # Its amount is told.
    frames["users"] = with_rows(frames["users"], credit_eur=[50.0, None])
    assert imported(world, frames).tables["deposit"].changed == 1
    assert connection.execute(kept).fetchone() == (5_000, 2_000, None, 30_000)


def test_who_was_granted_a_deposit_here_is_not_granted_another_by_frames(world, connection, frames):
    credit = ["credit_eur", "credit_granted_at", "credit_expires_at"]
    imported(world, frames | {"users": frames["users"].drop_columns(credit)})
    connection.execute(
        "insert into core.deposit (user_id, amount_cents, granted_at, age)"
        " select id, 50000, '2026-03-01', 18 from core.beneficiary where external_id = %s",
        (frames["users"]["user_id"][0].as_py(),),
    )
    assert imported(world, frames).tables["deposit"].new == 0
    (granted_at,) = connection.execute("select granted_at::date from core.deposit").fetchone()
    assert granted_at == date(2026, 3, 1)


@pytest.mark.parametrize(("days", "new"), [(1, 0), (-1, 0), (729, 0), (730, 1)])
def test_nobody_is_granted_a_deposit_by_frames_while_another_runs(
    world, connection, frames, days, new
):
    imported(world, frames)
    users, later = frames["users"], timedelta(days=days)
    moved = {
        name: [at and at + later for at in users[name].to_pylist()]
        for name in ("credit_granted_at", "credit_expires_at")
    }
    again = frames | {"users": with_rows(users, **moved)}
    assert imported(world, again).tables["deposit"].new == new
    assert connection.execute("select count(*) from core.deposit").fetchone() == (1 + new,)
    assert imported(world, frames).tables["deposit"].changed == 0


def everything(connection):
    return {
        table: connection.execute(f"select t::text from core.{table} t order by 1").fetchall()
        for table in _TABLES
    }


def test_what_absent_columns_would_tell_stays_and_empty_cells_tell_that_there_is_nothing(
    world, connection, frames
):
    imported(world, frames)
    before = everything(connection)
    bare = {
        name: table.select([c.name for c in FRAMES[name].columns if c.required or c.name == "at"])
        for name, table in frames.items()
    }
    assert imported(world, bare).written == 0
    assert everything(connection) == before
    empty = {
        name: frame_table(name, dict(zip(table.column_names, table.columns, strict=True)))
        for name, table in bare.items()
    }
    summary = imported(world, empty)
    assert {table for table, counts in summary.tables.items() if counts.changed} >= {
        "venue", "item", "offer", "stock", "beneficiary", "interaction"
    }  # fmt: skip


def test_every_column_of_a_table_is_told_by_one_of_its_frame():
    for upsert in UPSERTS:
        names = {column.name for column in FRAMES[upsert.frame].columns}
        rest = set(upsert.columns) - set(upsert.key)
        assert {upsert.told_by.get(name, name) for name in rest} <= names
