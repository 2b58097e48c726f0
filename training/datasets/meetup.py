"""Meetup groups, events and answers as frames.

An item is a series: a group and what its events' names have in common. A series at a place is an
offer, an event is a dated stock of it, a member whose answer is yes has booked. An answer no says
that an evening does not suit, nothing about the series, and is left out. A group is a category,
its topics are the genres.

What the files do not say is settled so that nothing is known too early. An event was published when
its first answer came (the organiser is entered at once); one that nobody answered, at its start, so
that it is never offered. A member has booked when they first answered: the files keep the last
answer alone, and so do not tell when a no became a yes. An event without a usable place takes place
at the median point of its venue's city, else where its group meets most.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from reco.errors import InvalidInput
from reco.frames.schema import Frames
from reco.frames.tables import frame_table
from training.datasets.files import moments, read_csv
from training.datasets.series import series_key, without_edition

_ZONE = "America/Denver"
"""Zone of the events whose offset is this zone's at their time; others are left without one."""

_UNPLACED_DEGREES = 1e-6
"""Venues at latitude and longitude 0 are those that nobody placed."""


def read_meetup(folder: Path) -> Frames:
    """Return the frames of a folder of `events, venues, groups, groups_topics, members, rsvps`.

    Rows that repeat a whole event count once; of a venue's rows, the first counts.

    Raises
    ------
    InvalidInput
        A file or a column is missing, a number or a time is none, two events share an id, or no
        venue has a place.
    """
    groups = read_csv(folder, "groups.csv", ["id", "name"]).drop_duplicates("id").set_index("id")
    answers = _answers(folder)
    events = _events(folder, answers)
    venues = _venues(folder, events)
    events["venue_id"] = events["venue_id"].where(
        events["venue_id"].isin(venues.index), "group-" + events["group_id"]
    )
    events["offer_id"] = events["item_id"] + "@" + events["venue_id"]
    return {
        "items": _items(folder, groups, events),
        "venues": _venue_frame(venues, events),
        "offers": _offers(events),
        "stocks": _stocks(events),
        "users": _users(folder, answers),
        "bookings": _bookings(answers, events),
        "interactions": frame_table("interactions", {"user_id": [], "offer_id": [], "kind": []}),
    }


def _answers(folder: Path) -> pd.DataFrame:
    columns = ["event_id", "member_id", "response"]
    answers = read_csv(folder, "rsvps.csv", columns, ["guests", "created"])
    answers["created"] = moments(folder, "rsvps.csv", answers["created"], "ms")
    answers["guests"] = answers["guests"].fillna(0).astype(int)
    return answers


def _events(folder: Path, answers: pd.DataFrame) -> pd.DataFrame:
    columns = ["id", "name", "group_id", "venue_id"]
    events = read_csv(folder, "events.csv", columns, ["time", "utc_offset"])
    events["starts_at"] = moments(folder, "events.csv", events["time"], "ms")
    events = events.drop_duplicates().reset_index(drop=True)
    if events["id"].duplicated().any():
        shared = events.loc[events["id"].duplicated(), "id"].iloc[0]
        raise InvalidInput(str(folder / "events.csv"), f"two events have the id {shared!r}")
    published = events["id"].map(answers.groupby("event_id")["created"].min())
    events["published_at"] = published.fillna(events["starts_at"])
    key = series_key(events["name"])
    # Numbered by first appearance: a name may hold anything, an id is short and stable.
    number = key.groupby(events["group_id"]).transform(lambda names: pd.factorize(names)[0])
    events["item_id"] = "series-" + events["group_id"] + "-" + number.astype(str)
    return events


def _venues(folder: Path, events: pd.DataFrame) -> pd.DataFrame:
    """Return the venues by id, and one `group-<id>` for each group with events of unknown place."""
    venues = read_csv(folder, "venues.csv", ["id", "name", "city"], ["lat", "lon"])
    venues = venues.drop_duplicates("id").set_index("id")
    unplaced = (venues[["lat", "lon"]].abs() < _UNPLACED_DEGREES).all(axis=1)
    venues.loc[unplaced, ["lat", "lon"]] = np.nan
    of_city = venues.groupby("city")[["lat", "lon"]].transform("median")
    venues[["lat", "lon"]] = venues[["lat", "lon"]].fillna(of_city)
    venues = venues.dropna(subset=["lat", "lon"])
    if venues.empty:
        raise InvalidInput(str(folder / "venues.csv"), "no venue has a place in lat and lon")
    return pd.concat([venues, _group_places(venues, events)])


def _group_places(venues: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Return a venue for each group that needs one, at the venue where the group meets most."""
    is_placed = events["venue_id"].isin(venues.index)
    lost = events.loc[~is_placed, "group_id"].unique()
    # A middle of a group's venues may be a mountain top between two towns; a mode is a place.
    met = events[is_placed].groupby("group_id")["venue_id"].agg(lambda ids: ids.mode().iloc[0])
    anywhere = events.loc[is_placed, "venue_id"].mode()
    usual = anywhere.iloc[0] if len(anywhere) else venues.index[0]
    places = venues.loc[met.reindex(lost).fillna(usual), ["lat", "lon"]]
    places.index = pd.Index([f"group-{group}" for group in lost])
    return places.assign(name="Place to be announced")


def _items(folder: Path, groups: pd.DataFrame, events: pd.DataFrame) -> pa.Table:
    topics = read_csv(folder, "groups_topics.csv", ["groupId", "name"])
    joined = topics.groupby("groupId")["name"].agg(lambda names: "|".join(sorted(set(names))))
    first = events.drop_duplicates("item_id")
    editions = first["item_id"].map(events.groupby("item_id")["name"].nunique())
    return frame_table(
        "items",
        {
            "item_id": first["item_id"],
            "category": first["group_id"].map(groups["name"]).fillna(first["group_id"]),
            "title": first["name"].str.strip().where(editions == 1, without_edition(first["name"])),
            "genre": first["group_id"].map(joined),
        },
    )


def _venue_frame(venues: pd.DataFrame, events: pd.DataFrame) -> pa.Table:
    local = events["starts_at"].dt.tz_convert(_ZONE).dt.tz_localize(None)
    ahead = local - events["starts_at"].dt.tz_localize(None)
    in_zone = (ahead == pd.to_timedelta(events["utc_offset"], unit="ms")).groupby(
        events["venue_id"]
    )
    zone = in_zone.all().map({True: _ZONE, False: None})
    return frame_table(
        "venues",
        {
            "venue_id": venues.index.to_series(),
            "lon": venues["lon"],
            "lat": venues["lat"],
            "name": venues["name"],
            "timezone": venues.index.to_series().map(zone),
        },
    )


def _offers(events: pd.DataFrame) -> pa.Table:
    offers = events.sort_values("published_at").drop_duplicates("offer_id")
    columns = ("offer_id", "item_id", "venue_id", "published_at")
    return frame_table("offers", {column: offers[column] for column in columns})


def _stocks(events: pd.DataFrame) -> pa.Table:
    return frame_table(
        "stocks",
        {
            "stock_id": events["id"],
            "offer_id": events["offer_id"],
            "price_eur": np.zeros(len(events)),
            "starts_at": events["starts_at"],
            "created_at": events["published_at"],
        },
    )


def _users(folder: Path, answers: pd.DataFrame) -> pa.Table:
    members = read_csv(folder, "members.csv", ["id"])
    everybody = pd.concat([members["id"], answers["member_id"]]).dropna().unique()
    return frame_table("users", {"user_id": np.sort(everybody.astype(str))})


def _bookings(answers: pd.DataFrame, events: pd.DataFrame) -> pa.Table:
    last = answers.sort_values("created").drop_duplicates(["event_id", "member_id"], keep="last")
    said_yes = last[(last["response"] == "yes") & last["event_id"].isin(events["id"])]
    return frame_table(
        "bookings",
        {
            "user_id": said_yes["member_id"],
            "stock_id": said_yes["event_id"],
            "quantity": 1 + said_yes["guests"],
            "amount_eur": np.zeros(len(said_yes)),
            "booked_at": said_yes["created"],
        },
    )
