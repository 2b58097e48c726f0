"""Slates on record: what is read of them, and what they say of another exploration."""

import json
import tracemalloc
from dataclasses import asdict, replace
from datetime import timedelta
from uuid import uuid4

import numpy as np
import psycopg
import pytest
from typer.testing import CliRunner
from worlds import NOW, book, small_world

from reco.cli import app
from reco.db.pool import open_pool
from reco.errors import InvalidInput
from reco.feed.exploring import UNKNOWN
from reco.feed.recorder import Slate, SlateRecorder
from training.offpolicy import recorded as module
from training.offpolicy.intervals import told
from training.offpolicy.outcomes import Outcomes
from training.offpolicy.recorded import (
    REWARDS,
    Recorded,
    as_shown,
    at_exploration,
    read_recorded,
    told_exploration,
)

RATE, N = 0.3, 3
FEASIBLE = (2, 0, 4)
"""Offers that chance may put at each position; of the last one's, half are gone."""
GONE = 2
CLICKS = np.array([0.5, 0.3, 0.2])
CLICKS_DRAWN = np.array([0.1, 0.0, 0.4])
DAY = timedelta(days=1)


def outcomes(rate, logged_rate=RATE):
    """Return all slates that can be shown: probability, propensities on record, clicks expected."""
    chosen = np.array([1 - rate / N if count else 1.0 for count in FEASIBLE])
    on_record = np.array([1 - logged_rate / N if count else 1.0 for count in FEASIBLE])
    found = [(1 - (1 - chosen).sum(), on_record, CLICKS)]
    for position, count in enumerate(FEASIBLE):
        live = count - GONE if position == 2 else count
        for _ in range(live):
            propensity, clicks = on_record.copy(), CLICKS.copy()
            propensity[position] = logged_rate / N / count
            clicks[position] = CLICKS_DRAWN[position]
            found.append((rate / N / count, propensity, clicks))
        if live < count:
            propensity = on_record.copy()
            propensity[position] = UNKNOWN
            found.append((rate / N * (count - live) / count, propensity, CLICKS))
    probability, propensities, clicks = (np.array(column) for column in zip(*found, strict=True))
    assert probability.sum() == pytest.approx(1.0)
    return probability, propensities, clicks


def value(rate):
    """Return the clicks of a slate at another rate, whatever was drawn and gone."""
    probability, _, clicks = outcomes(rate)
    return probability @ clicks.sum(axis=1)


def recorded(propensities, clicks):
    slates = len(propensities)
    rate, length = np.full(slates, RATE), np.full(slates, N)
    slate = [uuid4() for _ in range(slates)]
    number = np.arange(slates)
    return Recorded(slate, number, number, rate, length, propensities, {"clicks": clicks})


@pytest.mark.parametrize("rate", [0.0, 0.1, RATE, 1.0])
def test_over_all_that_can_be_recorded_the_estimate_is_the_value(rate):
    probability, propensities, clicks = outcomes(RATE)
    terms = at_exploration(recorded(propensities, clicks), rate, "clicks")
    assert (propensities == UNKNOWN).any()
    for each in terms.values():
        assert probability @ each.above == pytest.approx(value(rate))
        assert probability @ each.weights == pytest.approx(1.0)


@pytest.mark.parametrize("rate", [0.0, 0.1, 1.0])
def test_a_reward_may_depend_on_those_above_but_not_for_iips(rate):
    probability, propensities, clicks = outcomes(RATE)
    # Nobody looks on below what chance put there.
    is_drawn = (propensities != UNKNOWN) & (propensities < 0.5)
    is_below = is_drawn.cumsum(axis=1) > is_drawn
    truth = outcomes(rate)[0] @ np.where(is_below, 0.0, clicks).sum(axis=1)
    slates = recorded(propensities, np.where(is_below, 0.0, clicks))
    found = {
        name: probability @ each.above
        for name, each in at_exploration(slates, rate, "clicks").items()
    }
    assert found.pop("iips") != pytest.approx(truth)
    assert list(found) == ["cascade", "slate ips", "slate snips"]
    assert list(found.values()) == pytest.approx([truth] * 3)


def test_of_slates_that_earn_all_the_same_chance_takes_nothing_once_normalised():
    _, propensities, _ = outcomes(RATE)
    slates = recorded(propensities, np.ones((len(propensities), N)))
    found = at_exploration(slates, 0.1, "clicks")
    assert found["slate snips"].value == pytest.approx(N)
    assert found["slate ips"].value != pytest.approx(N)
    assert found["slate snips"].weighing == found["slate ips"].weighing


def test_at_the_rate_of_the_record_it_says_what_the_record_says():
    _, propensities, clicks = outcomes(RATE)
    slates = recorded(propensities, clicks)
    for terms in at_exploration(slates, RATE, "clicks").values():
        assert terms.value == pytest.approx(as_shown(slates, "clicks").value)
        assert terms.weighing.mean == pytest.approx(1.0)


def test_slates_of_one_person_count_as_one():
    _, propensities, clicks = outcomes(RATE)
    slates = recorded(propensities, clicks)
    one = replace(slates, person=np.zeros(len(slates), dtype=np.int64))
    assert len(as_shown(one, "clicks").above) == 1
    assert as_shown(one, "clicks").value == pytest.approx(as_shown(slates, "clicks").value)


def test_a_rate_that_is_no_probability_is_refused():
    _, propensities, clicks = outcomes(RATE)
    with pytest.raises(InvalidInput, match="exploration"):
        at_exploration(recorded(propensities, clicks), 1.5, "clicks")


@pytest.fixture
def town(world):
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
        yield connection


def record(world, town, *slates):
    """Put slates on record: user, offers, propensities, rate, and whether it is a plan."""
    made = [
        Slate(
            id=uuid4(), at=NOW, user_id=user and _id(town, "beneficiary", user),
            model_version="none", catalogue_version="test", location=None, radius_m=1.0,
            query={"exploration": rate, "plan": plan}, seed=0, relevance_kept=1.0,
            offers=[_id(town, "offer", offer) for offer in offers],
            probabilities=[0.1] * len(offers), propensities=propensities,
            gains=[0.0] * len(offers),
        )
        for user, offers, propensities, rate, plan in slates
    ]  # fmt: skip
    with open_pool(world.conninfo, 2) as pool, SlateRecorder(pool) as recorder:
        for slate in made:
            recorder.record(slate)
    return made


def _id(town, table, name):
    found = town.execute(f"select id from core.{table} where external_id = %s", (name,)).fetchone()
    return found[0]


def test_slates_are_read_with_what_came_of_them(world, town):
    shown = ["manga-shop", "play-friday", "ebook-online"]
    first, *_ = record(
        world, town,
        ("reader", shown, [0.9, 0.05, 1.0], 0.2, False),
        ("reader", shown[:1], [0.9], 0.1, False),
        (None, shown[:2], [0.9, UNKNOWN], 0.2, False),
        (None, shown[:2], [0.9, 0.9], 0.2, False),
        ("free", shown, [1.0] * 3, 0.0, False),
        ("free", shown, [1.0] * 3, 0.2, True),
    )  # fmt: skip
    done = [("click", shown[0]), ("view", shown[1]), ("favourite", shown[2])]
    for kind, offer in [*done, ("booking", shown[2])]:
        town.execute(
            "insert into core.interaction (user_id, offer_id, kind, at, slate_id)"
            " values (%s, %s, %s, %s, %s)",
            (first.user_id, _id(town, "offer", offer), kind, NOW, first.id),
        )
    for offer, cancelled_at in ((shown[0], None), (shown[1], NOW + DAY)):
        book(town, "reader", offer, NOW, cancelled_at=cancelled_at)
    town.execute("update core.booking set slate_id = %s", (first.id,))
    (found,) = read_recorded(town, NOW - DAY, NOW + DAY)
    assert len(found) == 4
    assert len(set(found.person.tolist())) == 3
    assert sorted(found.length.tolist()) == [1, 2, 2, 3]
    row = found.length.argmax()
    assert found.propensity[row] == pytest.approx([0.9, 0.05, 1.0])
    assert found.rewards["clicks"][row].tolist() == [1.0, 0.0, 1.0]
    # The last was told by a server.
    assert found.rewards["bookings"][row].tolist() == [1.0, 0.0, 1.0]
    assert found.rewards["clicks"].sum() == 2.0
    assert found.propensity[found.length.argmin()] == pytest.approx([0.9, 1.0, 1.0])


def test_a_period_has_what_was_shown_from_its_begin_until_before_its_end(world, town):
    record(world, town, ("reader", ["manga-shop"], [0.9], 0.2, False))
    assert sum(map(len, read_recorded(town, NOW, NOW + DAY))) == 1
    with pytest.raises(InvalidInput, match="no slate"):
        list(read_recorded(town, NOW - DAY, NOW))


def many_slates(world, town):
    """Put slates of one to three offers on record: some people's many, and some of guests."""
    shown = ["manga-shop", "play-friday", "ebook-online"]
    generator = np.random.default_rng(7)
    slates = record(
        world, town,
        *[
            (user, shown[:n], generator.choice([0.9, 0.05, UNKNOWN], n).tolist(), 0.2, False)
            for user in ("reader", None, "free", "villager") for n in (1, 3, 2, 3)
        ],
    )  # fmt: skip
    for minute, slate in enumerate(slates[::3]):
        town.execute(
            "insert into core.interaction (user_id, offer_id, kind, at, slate_id)"
            " values (%s, %s, 'click', %s, %s)",
            (slate.user_id or 1, slate.offers[-1], NOW + timedelta(minutes=minute), slate.id),
        )
    return slates


@pytest.mark.parametrize("at_once", [1, 2, 5, 9])
def test_slates_come_in_parts_of_whole_people(world, town, monkeypatch, at_once):
    slates = many_slates(world, town)
    (whole,) = read_recorded(town, NOW - DAY, NOW + DAY)
    together = told_exploration([whole], 0.1, seed=1)
    assert together.slates == len(slates)
    outcomes = Outcomes.of([whole])
    monkeypatch.setattr(module, "_SLATES_AT_ONCE", at_once)
    parts = list(read_recorded(town, NOW - DAY, NOW + DAY))
    assert len(parts) > 1
    assert all(part.propensity.shape[1] == N for part in parts)
    assert [slate for part in parts for slate in part.slate] == whole.slate
    assert sum(1 + part.person.max() for part in parts) == 1 + whole.person.max()
    in_parts = told_exploration(parts, 0.1, seed=1)
    for reward in REWARDS:
        for name, one in in_parts.rewards[reward].items():
            weighing = asdict(together.rewards[reward][name].weighing)
            assert asdict(one.weighing) == pytest.approx(weighing, rel=1e-12), (reward, name)
    found = Outcomes.of(parts)
    for name in ("slate", "at_us", "person"):
        assert getattr(found, name).tolist() == getattr(outcomes, name).tolist()
    assert sorted(found.ids(slice(None))) == sorted(whole.slate)
    row = {slate: row for row, slate in enumerate(whole.slate)}
    rows = [row[slate] for slate in found.ids(slice(None))]
    for name in REWARDS:
        assert found.reward(name, range(len(rows))).tolist() == whole.rewards[name][rows].tolist()


def parts_of(people, slates_each, parts, positions):
    """Yield parts of many slates that are drawn at random."""
    generator = np.random.default_rng(8)
    for _ in range(parts):
        slates = people * slates_each
        propensity = np.full((slates, positions), 1 - RATE / positions)
        drawn = generator.random(slates) < RATE
        place = generator.integers(0, positions, slates)[drawn]
        propensity[np.flatnonzero(drawn), place] = RATE / positions / 40
        yield Recorded(
            [uuid4() for _ in range(slates)],
            np.arange(slates),
            np.repeat(np.arange(people), slates_each),
            np.full(slates, RATE),
            np.full(slates, positions),
            propensity,
            {name: (generator.random(propensity.shape) < 0.02) * 1.0 for name in REWARDS},
        )


def test_what_parts_tell_is_what_all_slates_tell():
    parts = list(parts_of(people=100, slates_each=4, parts=5, positions=20))
    whole = Recorded(
        [slate for part in parts for slate in part.slate],
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("at_us", "person", "rate", "length", "propensity")
        ),
        {name: np.concatenate([part.rewards[name] for part in parts]) for name in REWARDS},
    )
    whole = replace(whole, person=np.repeat(np.arange(500), 4))
    found = told_exploration(parts, 0.1, seed=3)
    for reward in REWARDS:
        terms = {"as it was": as_shown(whole, reward), **at_exploration(whole, 0.1, reward)}
        assert list(found.rewards[reward]) == list(terms)
        for one, name in zip(told(list(terms.values()), seed=3), terms, strict=True):
            other = found.rewards[reward][name]
            assert asdict(other.weighing) == pytest.approx(asdict(one.weighing), rel=1e-9)
            assert one.estimate is not None
            assert asdict(other.estimate) == pytest.approx(asdict(one.estimate), rel=1e-9)


def test_of_slates_that_are_over_less_is_held_than_one_matrix_of_their_positions(monkeypatch):
    monkeypatch.setattr(module, "told", lambda samples, seed: samples)
    slates, positions = 50 * 8 * 200, 20
    tracemalloc.start()
    try:
        found = told_exploration(parts_of(50, 8, 200, positions), 0.1, seed=3)
        assert found.slates == slates
        assert tracemalloc.get_traced_memory()[1] < 8 * slates * positions
    finally:
        tracemalloc.stop()


def test_a_slate_of_one_offer_can_be_asked_what_chance_alone_would_show():
    # As a column of single precision gives it back.
    propensities = np.array([[np.float32(0.95)], [np.float32(0.05 / 7)]], dtype=np.float64)
    slates = replace(
        recorded(propensities, np.ones((2, 1))), rate=np.full(2, 0.05), length=np.ones(2, int)
    )
    for name, terms in at_exploration(slates, 1.0, "clicks").items():
        assert np.all(terms.weights >= 0.0), name
        assert terms.weights[:, 0] == pytest.approx([0.0, 20.0], abs=1e-5), name


def test_there_must_be_slates_that_can_be_told(world, town):
    with pytest.raises(InvalidInput, match="no slate"):
        next(read_recorded(town, NOW - DAY, NOW + DAY))
    record(world, town, ("reader", ["manga-shop"], [0.5], 0.5, False))
    with pytest.raises(InvalidInput, match="below"):
        next(read_recorded(town, NOW - DAY, NOW + DAY))


def test_the_command_tells_what_is_on_record(world, town):
    rows = [("reader", ["manga-shop", "play-friday"], [0.9, 0.9], 0.2, False)] * 120
    record(world, town, *rows)
    settings = {"RECO_DATABASE_URL": world.conninfo, "RECO_HOME": str(world.folder)}
    asked = ["--world", world.name, "offpolicy", "--since", "2026-11-01", "--until", "2026-11-30"]
    done = CliRunner().invoke(app, [*asked, "--json"], env=settings, catch_exceptions=False)
    told = json.loads(done.stdout)
    assert told["slates"] == 120
    assert told["clicks"]["as it was"]["estimate"] is None
    assert told["clicks"]["as it was"]["weighing"]["effective"] == pytest.approx(1)
    shown = CliRunner().invoke(app, asked, env=settings, catch_exceptions=False).stdout
    for estimate in ("iips", "cascade", "slate ips", "slate snips"):
        assert estimate in shown
    assert "bookings" in shown
