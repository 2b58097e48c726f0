"""A demo world serves slates, people answer them, and `reco train` learns from what was shown."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from answering import Crowd
from rich.console import Console

from reco.frames.importing import import_frames
from reco.frames.sources import FolderSource
from reco.model.artifact import read_artifact
from reco.model.loaded import load_model
from training.commands.screen import training_table
from training.commands.train import train_world
from training.simulate.truth import load_truth
from training.simulate.world import simulate_world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ANCHOR = date(2026, 11, 23)
DAYS = (1, 2, 3, 4, 12, 13, 21)
"""What came of the first four is known before the next two, which judge; of the last it is not."""
PEOPLE = 600


@pytest.fixture(scope="module")
def answered(new_world, tmp_path_factory):
    """A world of which some have been served slates on seven days, the last of them too late."""
    world, folder = new_world(), tmp_path_factory.mktemp("demo") / "frames"
    simulate_world("demo", 3, ANCHOR, folder, lambda *_: None)
    import_frames(world, FolderSource(folder), lambda *_: None)
    begin = datetime(2026, 11, 23, 12, tzinfo=UTC)
    train_world(world, "itemknn", split="time", cutoff=None, now=begin)
    truth = load_truth(folder.with_name("frames_truth"))
    generator = np.random.default_rng(0)
    users = [f"u{row:07d}" for row in generator.permutation(2_000)[:PEOPLE].tolist()]
    crowd = Crowd(world, truth, bias=1.0)
    for day in DAYS:
        crowd.live(begin + timedelta(days=day), users, generator)
    return world, begin


def test_training_learns_from_what_was_shown(answered):
    world, begin = answered
    now = begin + timedelta(days=24)
    summary = train_world(world, "itemknn", split="time", cutoff=None, now=now)
    told = summary.ranker
    assert told.taught.slates > 0.9 * 6 * PEOPLE
    assert told.taught.offers > 15 * told.taught.slates
    assert 0 < told.taught.by_chance < 0.1 * told.taught.offers
    assert told.taught.bookings > 200
    assert told.taught.lost < 0.02 * told.taught.offers
    assert told.taught.first_at == (begin + timedelta(days=1)).isoformat()
    assert told.taught.last_at == (begin + timedelta(days=13)).isoformat()
    assert told.loss_a_visit.high < 0.0
    screen = Console(width=200)
    with screen.capture() as printed:
        screen.print(training_table(summary))
    assert f"shown on {told.taught.slates:,} slates" in printed.get()
    facts = read_artifact(summary.folder).facts
    assert facts.metrics["probability"]["taught"]["slates"] == told.taught.slates
    assert facts.metrics["probability"]["learned_bookings"] > 200
    ranker = load_model(summary.folder, summary.digest).ranker
    assert np.all(np.diff(ranker.costs.distance.cost) > 0.0)
