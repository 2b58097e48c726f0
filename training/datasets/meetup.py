"""Meetup groups, events and answers as frames.

An item is a series: a group and a normalised event name. A series at a place is an offer, an event
is a dated stock of it, a member whose answer is yes has booked. An answer no says that an evening
does not suit, nothing about the series, and is left out.

What the files do not say is settled so that nothing is known too early. An event was published when
its first answer came (the organiser is entered at once); one that nobody answered, at its start, so
that it is never offered. An event without a usable place takes place at the median point of the
venues of its venue's city, else of its group.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from reco.frames.schema import Frames
from reco.frames.tables import frame_table
from training.datasets.files import read_csv

_TIMEZONES = {-25_200_000: "America/Denver", -21_600_000: "America/Denver"}
"""Zone of each offset in ms, in winter and in summer; events elsewhere are left without one."""

_ON_THE_GLOBE = 1e-6
"""Venues at latitude and longitude 0 are those that nobody placed."""


def read_meetup(folder: Path) -> Frames:
    """Return the frames of a folder of `events, venues, groups, groups_topics, members, rsvps`.

    Rows that repeat an event's id repeat all of it, and count once.

    Raises
    ------
    InvalidInput
        A file or a column is missing.
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


def series_name(names: "pd.Series[str]") -> "pd.Series[str]":
    """Return event names as names of series: one spelling of case and white space.

    >>> series_name(pd.Series(["Tango  Practica ", "tango practica"])).nunique()
    1
    """
    return names.str.casefold().str.split().str.join(" ")


def _answers(folder: Path) -> pd.DataFrame:
    columns = ["event_id", "member_id", "guests", "response", "created"]
    answers = read_csv(folder, "rsvps.csv", columns)
    answers["created"] = _moment(answers["created"])
    answers["guests"] = pd.to_numeric(answers["guests"]).fillna(0).astype(int)
    return answers


def _events(folder: Path, answers: pd.DataFrame) -> pd.DataFrame:
    columns = ["id", "name", "time", "utc_offset", "group_id", "venue_id"]
    events = read_csv(folder, "events.csv", columns).drop_duplicates("id").reset_index(drop=True)
    events["starts_at"] = _moment(events["time"])
    published = events["id"].map(answers.groupby("event_id")["created"].min())
    events["published_at"] = published.fillna(events["starts_at"])
    key = events["group_id"] + ":" + series_name(events["name"])
    # Numbered by first appearance: a name may hold anything, an id is short and stable.
    number = key.groupby(events["group_id"]).transform(lambda names: pd.factorize(names)[0])
    events["item_id"] = "series-" + events["group_id"] + "-" + number.astype(str)
    return events


def _venues(folder: Path, events: pd.DataFrame) -> pd.DataFrame:
    """Return the venues by id, and one `group-<id>` for each group with events of unknown place."""
    venues = read_csv(folder, "venues.csv", ["id", "name", "city", "lat", "lon"]).set_index("id")
    venues = venues[~venues.index.duplicated()]
    venues["lat"], venues["lon"] = pd.to_numeric(venues["lat"]), pd.to_numeric(venues["lon"])
    placed = (venues["lat"].abs() > _ON_THE_GLOBE) & (venues["lon"].abs() > _ON_THE_GLOBE)
    venues.loc[~placed, ["lat", "lon"]] = np.nan
    of_city = venues.groupby("city")[["lat", "lon"]].transform("median")
    venues[["lat", "lon"]] = venues[["lat", "lon"]].fillna(of_city)
    venues = venues.dropna(subset=["lat", "lon"])
    lost = events.loc[~events["venue_id"].isin(venues.index), "group_id"].unique()
    at_home = events.join(venues[["lat", "lon"]], on="venue_id").groupby("group_id")
    middle = at_home[["lat", "lon"]].median().reindex(lost).fillna(venues[["lat", "lon"]].median())
    middle["name"] = "Place to be announced"
    middle.index = pd.Index([f"group-{group}" for group in middle.index])
    return pd.concat([venues, middle])


def _items(folder: Path, groups: pd.DataFrame, events: pd.DataFrame) -> pa.Table:
    topics = read_csv(folder, "groups_topics.csv", ["groupId", "name"])
    joined = topics.groupby("groupId")["name"].agg(lambda names: "|".join(sorted(set(names))))
    first = events.drop_duplicates("item_id")
    return frame_table(
        "items",
        {
            "item_id": first["item_id"],
            "category": first["group_id"].map(groups["name"]).fillna(first["group_id"]),
            "title": first["name"].str.strip(),
            "genre": first["group_id"].map(joined),
        },
    )


def _venue_frame(venues: pd.DataFrame, events: pd.DataFrame) -> pa.Table:
    offset_ms = pd.to_numeric(events["utc_offset"]).groupby(events["venue_id"]).first()
    return frame_table(
        "venues",
        {
            "venue_id": venues.index.to_series(),
            "lon": venues["lon"],
            "lat": venues["lat"],
            "name": venues["name"],
            "timezone": venues.index.to_series().map(offset_ms).map(_TIMEZONES),
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
    said_yes = answers[(answers["response"] == "yes") & answers["event_id"].isin(events["id"])]
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


def _moment(milliseconds: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    return pd.to_datetime(pd.to_numeric(milliseconds), unit="ms", utc=True)
