"""A run over a small world by hand: three places, four categories, one hostile title."""

import shutil
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from reco.frames.files import write_frames
from reco.frames.tables import frame_table
from training.replay.evaluation import Evaluation
from training.replay.folder import RunFolder
from training.replay.outcome import evaluate
from training.replay.plan import Plan
from training.replay.reading import past_from_folder
from training.replay.served import facts_of
from training.replay.slates import System
from training.report.contents import report_of

START = datetime(2026, 10, 26, tzinfo=UTC)
HOSTILE = "<script>alert(\"1\")</script> & <b>'bold'</b>"
PLACES = ((4.85, 45.75, 6), (5.75, 45.15, 4), (6.65, 44.85, 2))
"""Longitude, latitude and venues of each."""
CATEGORIES = ("LIVRE", "CINEMA", "SPECTACLE", "MUSEE")
USERS, ITEMS, BOOKINGS = 96, 48, 9


@pytest.fixture(scope="session")
def hostile():
    """The title of the item that most people book."""
    return HOSTILE


@pytest.fixture(scope="session")
def frames(tmp_path_factory):
    """The folder of the world's frames."""
    folder = tmp_path_factory.mktemp("reported") / "frames"
    write_frames(_world(np.random.default_rng(3)), folder, "parquet")
    return folder


@pytest.fixture(scope="session")
def evaluated(frames, tmp_path_factory):
    """A function that evaluates systems on it, by name and floor, and returns the run's folder.

    `served` is the floor under which popularity near is served; None: nobody has said. Without
    `everybody`, people are drawn because they booked.
    """
    past = past_from_folder(frames)

    def run(systems, name="run", people=None, served=None, everybody=True):
        plan = Plan(
            systems=tuple(System(name, None, floor, 3.0) for name, floor in systems),
            start=START, weeks=2, n=8, radius_m=30_000.0, users=people, everybody=everybody,
        )  # fmt: skip
        folder = tmp_path_factory.mktemp("runs") / name
        about = {"world": "small", "source": "frames", "begun_at": "2026-11-25T10:00:00+00:00"}
        about |= {"code_revision": "0" * 40}
        if served is not None:
            about["served"] = facts_of(System("served", None, served, 3.0))
        told, _ = evaluate(
            Evaluation(past, plan, b"key"), folder,
            workers=1, progress=lambda what, share: None, about=about,
        )  # fmt: skip
        return told

    return run


@pytest.fixture(scope="session")
def run(evaluated):
    """Two systems: what is served, and one of a lower floor."""
    return evaluated([("near", 1.0), ("wide", 0.8)], served=1.0)


@pytest.fixture(scope="session")
def alone(evaluated):
    """A run of one system and few people."""
    return evaluated([("near", 1.0)], people=13)


@pytest.fixture(scope="session")
def three(evaluated):
    """A run of few people, the second system of which shows what the first does."""
    return evaluated([("near", 1.0), ("again", 1.0), ("wide", 0.6)], people=20)


@pytest.fixture
def told_of(run, tmp_path):
    """A function that returns a run as if its systems had been made so, and served so."""

    def told(systems, served):
        kept = RunFolder(tmp_path / "run")
        shutil.copytree(run.path, kept.path)
        manifest = kept.manifest()
        manifest["systems"] = [
            one | facts for one, facts in zip(manifest["systems"], systems, strict=True)
        ]
        kept.write_manifest(manifest | {"served": served})
        return kept

    return told


@pytest.fixture(scope="session")
def report(run):
    """What the run says."""
    return report_of(run)


def _world(generator):
    venue = np.repeat(np.arange(len(PLACES)), [count for *_, count in PLACES])
    near = generator.normal(0.0, 0.01, (len(venue), 2))
    item = np.arange(ITEMS)
    offer_item = np.repeat(item, len(PLACES))
    offer_venue = np.array([generator.choice(np.flatnonzero(venue == place))
                            for _ in item for place in range(len(PLACES))])  # fmt: skip
    home = np.arange(USERS) % len(PLACES)
    made = _bookings(generator, home)
    return {
        "items": frame_table("items", {
            "item_id": [f"i{at:02}" for at in item],
            "title": [HOSTILE if at == 0 else f"Work {at}" for at in item],
            "category": [CATEGORIES[at % 4] for at in item],
            "subcategory": [f"{CATEGORIES[at % 4]}_{at % 3}" for at in item],
            "genre": [f"genre {at % 7}" for at in item],
        }),
        "venues": frame_table("venues", {
            "venue_id": [f"v{at}" for at in range(len(venue))],
            "name": [f"Venue {at}" for at in range(len(venue))],
            "venue_type": [("bookshop", "cinema", "theatre")[at % 3] for at in range(len(venue))],
            "lon": np.array([PLACES[at][0] for at in venue]) + near[:, 0],
            "lat": np.array([PLACES[at][1] for at in venue]) + near[:, 1],
        }),
        "offers": frame_table("offers", {
            "offer_id": [f"o{at}" for at in range(len(offer_item))],
            "item_id": [f"i{at:02}" for at in offer_item],
            "venue_id": [f"v{at}" for at in offer_venue],
        }),
        "stocks": frame_table("stocks", {
            "stock_id": [f"o{at}" for at in range(len(offer_item))],
            "offer_id": [f"o{at}" for at in range(len(offer_item))],
            "price_eur": [float(at % 9) for at in range(len(offer_item))],
        }),
        "users": frame_table("users", {
            "user_id": [f"u{at:02}" for at in range(USERS)],
            "lon": [PLACES[at][0] for at in home],
            "lat": [PLACES[at][1] for at in home],
            "credit_eur": [300.0] * USERS,
            "credit_granted_at": pa.array([START - timedelta(days=200)] * USERS),
            "credit_expires_at": pa.array([START + timedelta(days=200)] * USERS),
        }),
        "interactions": frame_table("interactions", made),
    }  # fmt: skip


def _bookings(generator, home):
    """Everybody likes what comes first, and one category more; most of it is before the weeks."""
    columns = SimpleNamespace(user=[], offer=[], at=[])
    for user, place in enumerate(home):
        liked = np.arange(ITEMS) % 4 == user % 4
        chance = np.linspace(2.0, 0.2, ITEMS) * np.where(liked, 3.0, 1.0)
        count = 2 + user % (BOOKINGS - 1)
        chosen = generator.choice(ITEMS, count, replace=False, p=chance / chance.sum())
        days = [*-generator.uniform(1.0, 90.0, count - 2), *generator.uniform(0.2, 13.8, 2)]
        columns.user += [f"u{user:02}"] * count
        columns.offer += [f"o{item * len(PLACES) + place}" for item in chosen]
        columns.at += [START + timedelta(days=float(day)) for day in days]
    return {
        "user_id": columns.user,
        "offer_id": columns.offer,
        "kind": ["booking"] * len(columns.user),
        "at": pa.array(columns.at),
    }
