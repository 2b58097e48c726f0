from datetime import date

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from reco.errors import InvalidInput
from reco.frames.schema import FRAMES
from training.simulate.parameters import PARAMETERS, SCALES
from training.simulate.places import distance_m
from training.simulate.world import simulate_world

ANCHOR = date(2026, 9, 7)


def quiet(stage, share):
    assert 0.0 <= share <= 1.0


def rows_of(ids):
    return ids.str[1:].astype(int).to_numpy()


def test_demo_has_the_numbers_of_its_scale(demo):
    scale, rows = SCALES["demo"], demo.summary.rows
    counts = (rows["users"], rows["venues"], rows["items"], rows["offers"])
    assert counts == (scale.users, scale.venues, scale.items, scale.offers)
    assert rows["stocks"] > rows["offers"]
    assert 10 * scale.users < rows["interactions"] < 30 * scale.users
    assert 3 * scale.users < rows["bookings"] < 12 * scale.users
    assert rows == {name: len(frame) for name, frame in demo.frames.items()}


def test_every_frame_has_the_schema_of_the_format(demo):
    for name in demo.frames:
        schema = pq.read_schema(demo.summary.folder / f"{name}.parquet")
        assert schema.equals(FRAMES[name].arrow_schema())


def test_keys_are_unique_and_references_hold(demo):
    for name, spec in FRAMES.items():
        frame = demo.frames[name]
        if spec.key:
            assert frame[spec.key].is_unique
        for column in spec.columns:
            if column.required:
                assert frame[column.name].notna().all()
            if column.references:
                known = demo.frames[column.references][FRAMES[column.references].key]
                assert frame[column.name].dropna().isin(known).all()


def test_books_are_as_many_as_in_the_programme(demo):
    offers = demo.frames["offers"].merge(demo.frames["items"], on="item_id")
    assert (offers["category"] == "LIVRE").mean() == pytest.approx(0.84, abs=0.02)
    assert (demo.booked["category"] == "LIVRE").mean() == pytest.approx(0.70, abs=0.05)
    assert demo.booked["category"].value_counts().index[1] == "CINEMA"


def test_popularity_has_a_long_tail(demo):
    bookings_per_item = demo.booked.groupby("item_id").size().sort_values(ascending=False)
    head = bookings_per_item.head(len(demo.frames["items"]) // 100).sum()
    assert 0.1 < head / bookings_per_item.sum() < 0.5
    assert (bookings_per_item <= 2).mean() > 0.3


def test_no_credit_and_no_cap_is_exceeded(demo):
    booked = demo.booked
    assert np.allclose(booked["amount_eur"], booked["price_eur"] * booked["quantity"])
    for counted, limit_eur in (
        (booked, PARAMETERS.credit_eur),
        (booked[booked["is_digital"]], PARAMETERS.digital_cap_eur),
        (booked[booked["is_physical"]], PARAMETERS.physical_cap_eur),
    ):
        spent_eur = counted.groupby("user_id")["amount_eur"].sum()
        assert spent_eur.max() <= limit_eur + 1e-9
    assert booked.groupby("user_id")["amount_eur"].sum().max() > 300
    assert demo.frames["stocks"]["price_eur"].between(0, PARAMETERS.max_price_eur).all()


def test_no_stock_is_oversold_and_some_are_sold_out(demo):
    stocks = demo.frames["stocks"].set_index("stock_id")
    taken = demo.frames["bookings"].groupby("stock_id")["quantity"].sum()
    left = (stocks["quantity"] - taken.reindex(stocks.index, fill_value=0)).dropna()
    assert (left >= 0).all()
    assert (left == 0).any()


def test_for_two_only_where_the_offer_is_duo(demo):
    booked = demo.booked
    assert set(booked["quantity"]) == {1, 2}
    assert booked.loc[booked["quantity"] == 2, "is_duo"].all()


def test_nobody_books_a_work_twice(demo):
    assert not demo.booked.duplicated(["user_id", "item_id"]).any()


def test_bookings_keep_to_the_order_of_time(demo):
    booked = demo.booked
    at = booked["booked_at"]
    assert (at >= booked["published_at"]).all()
    assert (at >= booked["created_at"]).all()
    assert (at > booked["credit_granted_at"]).all()
    assert (at < booked["credit_expires_at"]).all()
    for column in ("starts_at", "booking_limit_at", "withdrawn_at", "cancelled_at_stock"):
        assert (at < booked[column])[booked[column].notna()].all()
    cancelled = booked[booked["cancelled_at"].notna()]
    assert 0 < len(cancelled) < 0.1 * len(booked)
    assert (cancelled["cancelled_at"] > cancelled["booked_at"]).all()
    assert booked.loc[booked["cancelled_at_stock"].notna(), "cancelled_at"].notna().all()
    used = booked[booked["used_at"].notna()]
    assert used["cancelled_at"].isna().all()
    assert (used["used_at"] > used["booked_at"]).all()
    assert (used["used_at"] == used["starts_at"])[used["starts_at"].notna()].all()
    # What is neither used nor cancelled is still to come, or waits to be collected.
    waiting = booked[booked["used_at"].isna() & booked["cancelled_at"].isna()]
    assert 0 < len(waiting) < 0.2 * len(booked)


def test_interactions_are_on_offers_that_were_open(demo):
    seen = demo.frames["interactions"].merge(demo.frames["offers"], on="offer_id")
    seen = seen.merge(demo.frames["users"], on="user_id")
    assert (seen["at"] >= seen["published_at"]).all()
    assert (seen["at"] < seen["withdrawn_at"])[seen["withdrawn_at"].notna()].all()
    assert (seen["at"] > seen["credit_granted_at"]).all()
    assert set(seen["kind"]) == {"view", "click", "favourite", "dismiss"}


def test_nothing_has_happened_after_the_anchor(demo):
    happened = {
        "offers": ("published_at", "withdrawn_at"),
        "stocks": ("created_at", "cancelled_at"),
        "users": ("credit_granted_at",),
        "bookings": ("booked_at", "cancelled_at", "used_at"),
        "interactions": ("at",),
    }
    for name, columns in happened.items():
        for column in columns:
            assert demo.frames[name][column].max() < demo.now


def test_the_agenda_has_eight_weeks_of_local_evenings_and_weekends(demo):
    starts = demo.frames["stocks"]["starts_at"].dropna().dt.tz_convert("Europe/Paris")
    assert starts.max() < demo.now + pd.Timedelta(days=PARAMETERS.agenda_days)
    assert starts.min() > demo.now - pd.Timedelta(days=PARAMETERS.history_days)
    coming = starts[starts > demo.now]
    per_week = ((coming - demo.now) // pd.Timedelta(days=7)).value_counts()
    assert set(per_week.index) == set(range(8))
    assert per_week[range(6)].min() > 50
    assert starts.dt.hour.between(10, 21).all()
    assert (starts.dt.hour >= 17).mean() > 0.5
    assert (starts.dt.day_of_week >= 5).mean() > 2 / 7 + 0.1


def test_dated_and_digital_follow_the_taxonomy(demo):
    offers = demo.frames["offers"].merge(demo.frames["items"], on="item_id")
    offers = offers.merge(demo.frames["taxonomy"], on="subcategory")
    assert (offers["venue_id"].isna() == offers["is_digital"]).all()
    assert offers["is_digital"].any()
    stocks = demo.frames["stocks"].merge(offers, on="offer_id")
    assert (stocks["starts_at"].notna() == stocks["is_event"]).all()
    assert not stocks.duplicated(["offer_id", "starts_at"]).any()


def test_people_are_eighteen(demo):
    users = demo.frames["users"]
    born = pd.to_datetime(users["birth_date"])
    at_grant_days = (users["credit_granted_at"].dt.tz_localize(None) - born).dt.days
    assert at_grant_days.between(18 * 365, 18 * 365 + 70).all()
    assert ((demo.now.tz_localize(None) - born).dt.days / 365.25 < 20).all()


def test_people_go_where_they_can_reach(demo):
    placed = demo.booked.dropna(subset=["venue_id"])
    away_m = distance_m(*(placed[c].to_numpy() for c in ("home_lon", "home_lat", "lon", "lat")))
    density = demo.truth.density[rows_of(placed["user_id"])]
    median_m = {name: np.median(away_m[density == name]) for name in ("dense", "rural")}
    assert 1_000 < median_m["dense"] < median_m["rural"] < 30_000
    assert away_m.max() < PARAMETERS.max_reach_m + 40_000


def test_some_people_are_cold_and_some_are_rural(demo):
    active = demo.frames["bookings"]["user_id"].nunique() / len(demo.frames["users"])
    assert 0.05 < 1 - active < 0.4
    assert 0.02 < (demo.truth.density == "rural").mean() < 0.5
    assert (demo.truth.density == "dense").mean() > 0.2


def test_hidden_tastes_drive_bookings(demo):
    user, item = rows_of(demo.booked["user_id"]), rows_of(demo.booked["item_id"])
    style = demo.truth.style[item]
    favourite = demo.truth.tastes.sum(axis=2).argmax(axis=1)
    mine = (favourite[user] == style).mean()
    shuffled = np.random.default_rng(0).permutation(favourite)
    assert mine > 2 * (shuffled[user] == style).mean()


def test_the_truth_says_who_books(demo):
    seen = demo.frames["interactions"].merge(demo.frames["offers"], on="offer_id")
    seen = seen.merge(demo.frames["stocks"].drop_duplicates("offer_id"), on="offer_id")
    users, venues = demo.frames["users"], demo.frames["venues"]
    both = pd.concat([demo.booked.assign(booked=True), seen.assign(booked=False)])
    user = rows_of(both["user_id"])
    place = both[["venue_id"]].merge(venues, on="venue_id", how="left")
    lon, lat = (users[column].to_numpy()[user] for column in ("lon", "lat"))
    away_m = distance_m(lon, lat, place["lon"].to_numpy(), place["lat"].to_numpy())
    probability = demo.truth.booking_probability(
        user, rows_of(both["item_id"]), both["price_eur"].to_numpy(), np.nan_to_num(away_m)
    )
    band = np.digitize(probability, [0.1, 0.3, 0.5])
    share = both.groupby(band)["booked"].mean()
    assert share.is_monotonic_increasing
    # Repeats and what was sold out or too dear end as clicks: fewer book than would.
    assert 0.6 * probability.mean() < both["booked"].mean() < probability.mean()


def test_the_truth_lies_beside_the_frames_not_among_them(demo):
    folder = demo.summary.folder
    assert {path.name for path in folder.iterdir()} == {f"{name}.parquet" for name in FRAMES}
    assert demo.summary.truth == folder.with_name("frames_truth")
    assert np.allclose(demo.truth.tastes.sum(axis=(1, 2)), 1, atol=1e-5)
    assert demo.truth.parameters == PARAMETERS
    hidden = {"style", "scene", "quality", "openness", "money", "tastes"}
    assert not hidden & {column for frame in demo.frames.values() for column in frame}


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(demo, tmp_path):
    again = simulate_world("demo", 7, ANCHOR, tmp_path / "again", quiet)
    for path in sorted(demo.summary.folder.iterdir()) + sorted(demo.summary.truth.iterdir()):
        twin = again.folder if path.parent == demo.summary.folder else again.truth
        assert path.read_bytes() == (twin / path.name).read_bytes(), path.name
    other = simulate_world("demo", 8, ANCHOR, tmp_path / "other", quiet)
    for name in set(FRAMES) - {"taxonomy"}:
        file = f"{name}.parquet"
        assert (demo.summary.folder / file).read_bytes() != (other.folder / file).read_bytes()


@pytest.mark.parametrize(("size", "seed", "field"), [("village", 1, "size"), ("demo", -1, "seed")])
def test_bad_input_is_named_and_leaves_nothing_behind(tmp_path, size, seed, field):
    with pytest.raises(InvalidInput) as raised:
        simulate_world(size, seed, ANCHOR, tmp_path / "frames", quiet)
    assert raised.value.field == field
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["frames", "frames_truth"])
def test_foreign_files_are_left_alone(tmp_path, name):
    letter = tmp_path / name / "letter.txt"
    letter.parent.mkdir()
    letter.write_text("keep me")
    with pytest.raises(InvalidInput, match="folder"):
        simulate_world("demo", 1, ANCHOR, tmp_path / "frames", quiet)
    assert letter.read_text() == "keep me"
    assert list(tmp_path.iterdir()) == [letter.parent]
