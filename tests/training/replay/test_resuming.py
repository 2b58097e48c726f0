"""A run goes on with the same people, data, secret and code alone, and beside another process."""

import os
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from plain_world import START, plain_world

from reco.errors import InvalidInput
from reco.frames.sources import MemorySource
from reco.frames.tables import frame_table
from training.replay.evaluation import Evaluation
from training.replay.folder import write_whole
from training.replay.origin import origin_of
from training.replay.outcome import evaluate
from training.replay.plan import Plan
from training.replay.reading import past_from_folder, past_from_source
from training.replay.slates import System

PLAN = Plan(
    (System("likeliest", None, 1.0), System("wide", None, 0.5, 30.0)),
    START, 1, n=8, radius_m=5e4, users=10, everybody=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    return past_from_folder(plain_world(1).write(tmp_path_factory.mktemp("plain") / "frames"))


def run_in(past, folder, *, key=b"a key", begun_at="first", code="a" * 40):
    about = {"world": "plain", "source": "rows", "begun_at": begun_at, "code_revision": code}
    return evaluate(
        Evaluation(past, PLAN, key), folder, workers=1, progress=lambda *_: None, about=about
    )


def without_last_booking(past):
    rows = np.arange(len(past.bookings.stock) - 1)
    columns = {name: column[rows] for name, column in vars(past.bookings).items()
               if name != "start"}  # fmt: skip
    start = np.minimum(past.bookings.start, len(rows))
    return replace(past, bookings=replace(past.bookings, start=start, **columns))


def with_a_cancellation(past):
    cancelled_us = past.bookings.cancelled_us.copy()
    cancelled_us[np.argmax(cancelled_us)] = past.bookings.at_us.max()
    return replace(past, bookings=replace(past.bookings, cancelled_us=cancelled_us))


def other(past, part, name, change):
    """Return a past that says something else in one place of a column of one of its parts."""
    told = getattr(past, part)
    column = getattr(told, name).copy()
    column[0] = change(column[0])
    return replace(past, **{part: replace(told, **{name: column})})


def with_another_title(past):
    title = past.names.item_title.to_pylist()
    assert title[0] != title[1]
    title[:2] = title[1::-1]
    column = pa.chunked_array([title], pa.string())
    return replace(past, names=replace(past.names, item_title=column))


def of_people(past, **told):
    return replace(past, people=replace(past.people, **told))


def with_another_deposit(past, **terms):
    user, (deposit, *rest) = next(iter(past.people.deposits.items()))
    changed = {user: (replace(deposit, **terms), *rest)}
    return of_people(past, deposits={**past.people.deposits, **changed})


def with_tastes(*tastes):
    return lambda past: of_people(past, tastes={0: tastes})


CHANGES = {
    "a price": lambda past: other(past, "stocks", "price_cents", lambda cents: cents + 100),
    "a date": lambda past: other(past, "stocks", "starts_us", lambda at_us: at_us - 1),
    "places": lambda past: other(past, "stocks", "places", lambda places: places - 1),
    "an offer moved": lambda past: other(past, "offers", "venue", lambda venue: 3 - venue),
    "a home": lambda past: of_people(past, home=past.people.home[::-1].copy()),
    "a title": with_another_title,
    "a genre": lambda past: other(past, "items", "item_genres", lambda codes: codes + 1),
    "a venue": lambda past: other(past, "venues", "venue_lon", lambda lon: lon + 0.01),
    "a deposit": lambda past: with_another_deposit(past, amount_cents=1),
    "a cap": lambda past: with_another_deposit(past, digital_cap_cents=None),
    "an expiry": lambda past: with_another_deposit(past, expires_at=None),
    "a taste": with_tastes((("category", "LIVRE"), 5)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_whatever_is_on_record_is_in_the_digest(past, change):
    before, after = (origin_of(Evaluation(one, PLAN, b"a key")) for one in (past, change(past)))
    assert {name for name in before if before[name] != after[name]} == {"past_digest"}


def test_tastes_restated_are_another_past_and_their_order_is_none(past):
    said = (("category", "LIVRE"), 5), (("category", "CINEMA"), 5)
    restated = (("category", "LIVRE"), 5), (("category", "MUSEE"), 5)
    told = [origin_of(Evaluation(with_tastes(*one)(past), PLAN, b"a key"))["past_digest"]
            for one in (said, said[::-1], restated)]  # fmt: skip
    assert told[0] == told[1] != told[2]


def test_the_pieces_that_texts_lie_in_are_no_data(past):
    title = past.names.item_title.to_pylist()
    pieces = [pa.array(["first", *title[:3]]).slice(1), pa.array(title[3:], pa.string())]
    names = replace(past.names, item_title=pa.chunked_array(pieces))
    same, before = (origin_of(Evaluation(one, PLAN, b"a key"))
                    for one in (replace(past, names=names), past))  # fmt: skip
    assert same == before


@pytest.fixture
def begun(past, tmp_path):
    """A folder whose run was stopped before it was summed up."""
    kept, _ = run_in(past, tmp_path / "run")
    (kept.path / "summary.json").unlink()
    return kept


@pytest.mark.parametrize(
    ("change", "other"),
    [
        ({"code": "b" * 40}, "code"),
        ({"key": b"another key"}, "people, data, secret"),
        ({"past": without_last_booking}, "data"),
        ({"past": with_a_cancellation}, "data"),
        ({"past": CHANGES["a price"]}, "data"),
    ],
)
def test_what_was_begun_goes_on_as_it_was_begun(past, begun, change, other):
    asked = {"past": change["past"](past)} if "past" in change else {"past": past, **change}
    with pytest.raises(InvalidInput, match=f"holds another evaluation, of other {other};"):
        run_in(folder=begun.path, **asked)
    assert not begun.is_finished


def test_the_first_beginning_is_kept(past, begun):
    run_in(past, begun.path, begun_at="later")
    assert begun.is_finished
    assert begun.manifest()["begun_at"] == "first"


def test_a_finished_run_is_only_read_again(past, tmp_path):
    kept, summary = run_in(past, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in kept.path.rglob("*")}
    again, told = run_in(past, tmp_path / "run", begun_at="later")
    assert told == summary
    assert {path: path.stat().st_mtime_ns for path in again.path.rglob("*")} == before


def test_what_another_process_has_not_finished_is_not_read(past, begun):
    (file,) = begun.people.iterdir()
    for name in (f".{file.name}.1.unfinished", "half.unfinished"):
        (begun.people / name).write_bytes(file.read_bytes()[:100])
    rows = begun.rows()
    assert len(rows) == len(pq.read_table(file)) > 0
    run_in(past, begun.path)
    assert begun.is_finished


def test_two_processes_that_write_one_file_do_not_meet(tmp_path, monkeypatch):
    file = tmp_path / "summary.json"

    def while_another_writes(unfinished):
        unfinished.write_text("mine")
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: -1)
            write_whole(file, lambda other: other.write_text("theirs"))
        assert file.read_text() == "theirs"

    write_whole(file, while_another_writes)
    assert file.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [file]


def test_a_run_of_people_who_had_booked_nothing_can_be_told(tmp_path):
    """No first category, title, subcategory or type of venue is known of anything."""
    frames = {
        "items": frame_table("items", {"item_id": ["i"], "category": ["LIVRE"]}),
        "venues": frame_table("venues", {"venue_id": ["v"], "lon": [5.7], "lat": [45.2]}),
        "offers": frame_table("offers", {"offer_id": ["o"], "item_id": ["i"], "venue_id": ["v"]}),
        "stocks": frame_table("stocks", {"stock_id": ["s"], "offer_id": ["o"], "price_eur": [0.0]}),
        "users": frame_table("users", {"user_id": ["a", "b"], "lon": [5.7] * 2, "lat": [45.2] * 2}),
        "interactions": frame_table("interactions", {
            "user_id": ["a", "b"], "offer_id": ["o", "o"], "kind": ["booking", "booking"],
            "at": pa.array([START + (PLAN.end - START) * 0.99] * 2),
        }),
    }  # fmt: skip
    kept, summary = run_in(past_from_source(MemorySource(frames)), tmp_path / "run")
    assert summary.people == 2
    rows = kept.rows()
    assert rows["first_category"].to_pylist() == [None] * 4
    told = {(name, column): kept.table(name).schema.field(column).type
            for name, column in (("items", "title"), ("items", "subcategory"),
                                 ("venues", "name"), ("venues", "venue_type"))}  # fmt: skip
    assert set(told.values()) == {pa.string()}
    assert rows.schema.field("first_category").type == pa.string()
