"""Visits of a simulated country that teach a ranker, and those that judge it."""

from dataclasses import replace

import numpy as np
import pytest

from features.interactions import BOOKING
from reco.frames.sources import FolderSource, read_frames
from training import ranked
from training.extract import events_from_source
from training.fits import PARAMETERS
from training.market import market_of
from training.ranked import replayed_parts
from training.replays import visits_from
from training.split import inner_cutoff, time_split
from training.tune import rehearse

MOST = 600


@pytest.fixture(scope="module")
def market(demo):
    source = FolderSource(demo.summary.folder)
    return market_of(read_frames(source), events_from_source(source))


@pytest.fixture(scope="module")
def rehearsal(market):
    part = time_split(market.events, inner_cutoff(market.events))
    return rehearse(part, PARAMETERS["popularity"](), lambda: None)


@pytest.mark.parametrize("seed", [0, 1])
def test_each_part_stands_for_the_visits_that_there_were(market, rehearsal, monkeypatch, seed):
    monkeypatch.setattr(ranked, "MAX_VISITS", MOST)
    parts = replayed_parts(market, rehearsal, np.random.default_rng(seed))
    first_us = int(rehearsal.part.cutoff.astype("datetime64[us]").astype(np.int64))
    is_booking = market.events.kind == BOOKING
    known_us = int(market.events.at[is_booking].max().view("i8")) - 86_400_000_000
    visits = visits_from(market, first_us)
    visits = visits.take(visits.at_us < known_us)
    of_later = visits.at_us >= np.quantile(visits.at_us, 2 / 3)
    assert of_later.mean() == pytest.approx(1 / 3, abs=0.001)
    later = parts.later_visits
    for is_booked in (True, False):
        drawn = later.drawn[later.is_booked == is_booked]
        there = np.count_nonzero(visits.is_booked[of_later] == is_booked)
        assert (1.0 / drawn).sum() == pytest.approx(there)
    stood_for = [(1.0 / pairs.visit_drawn).sum() for pairs in parts.both]
    assert stood_for == pytest.approx([np.count_nonzero(~of_later), of_later.sum()])
    assert sum(len(pairs.visit_drawn) for pairs in parts.both) == MOST


def test_what_has_no_time_hides_no_visit(market):
    events = market.events
    first_us = int(np.quantile(events.at.view("i8"), 0.5))
    visits = visits_from(market, first_us)
    # One thing more of everybody, nobody knows when.
    _, once = np.unique(events.user, return_index=True)
    both = events.take(np.concatenate([once, np.arange(len(events))]))
    undated = np.full(len(once), np.datetime64("NaT"), events.at.dtype)
    both = replace(both, at=np.concatenate([undated, events.at]))
    found = visits_from(replace(market, events=both), first_us)
    assert len(found) == len(visits) > 1_000
    assert np.array_equal(found.at_us, visits.at_us)
    assert np.array_equal(found.is_booked, visits.is_booked)


@pytest.mark.parametrize("days", [0, 1_000])
def test_a_border_that_leaves_nothing_on_one_side_teaches_nothing(
    market, rehearsal, monkeypatch, days
):
    monkeypatch.setattr(ranked, "MAX_VISITS", MOST)
    first_us = int(rehearsal.part.cutoff.astype("datetime64[us]").astype(np.int64))
    # One visit is on the near side where there is any: less than one of those that are drawn.
    border_us = first_us + 1 + days * 86_400_000_000
    assert replayed_parts(market, rehearsal, np.random.default_rng(0), border_us) is None
