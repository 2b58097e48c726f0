"""What items may have at most, in one pass over a large catalogue, against NumPy."""

from dataclasses import dataclass

import numpy as np
import pytest

from reco.catalogue.cheapest import CENTS, CLASSES, cheapest_of, price_codes
from reco.catalogue.shelf import CAPS
from reco.feed.popular import Popular
from reco.kernel.bounding import most_log_odds
from reco.kernel.nearness import NEAR
from reco.kernel.selecting import BINS
from reco.model.arranged import NO_FACTORS, arranged
from reco.model.history import History
from reco.model.latent import Latent

ITEMS, GROUPS, KINDS, CODES = 40_000, 12, 30, 4
COUNT, OF_GROUP = 500, 20
CALIBRATION = -6.0, 0.4, 1e-3
ONLINE_COST = 0.3
ROUNDING = 1e-4


def popular_of(times):
    terms = np.array([times, 0.05, -0.5, 0.9])
    few = terms[2] + terms[3] * np.log(np.expm1(times * (np.arange(256) + terms[1])))
    return Popular(few, terms)


@pytest.fixture(params=["shuffled", "together", "likely first"])
def catalogue(request):
    """Columns of items whose groups are spread, or stand together, or come by likelihood."""
    chance = np.random.default_rng(3)
    near = np.empty(ITEMS, dtype=NEAR)
    near["cost"] = np.where(chance.random(ITEMS) < 0.5, np.inf, 3.0 * chance.random(ITEMS))
    near["bookings"] = np.where(np.isinf(near["cost"]), 0, chance.geometric(0.02, ITEMS) - 1)
    columns = {
        "said": np.where(chance.random(ITEMS) < 0.1, np.nan, chance.normal(size=ITEMS)),
        "near": near,
        "is_out": chance.random(ITEMS) < 0.01,
        "is_online": chance.random(ITEMS) < 0.3,
        "online_bookings": chance.integers(0, 40, ITEMS).astype(np.int32),
        "frequent": -3.0 * chance.random(ITEMS),
        "kind": chance.integers(0, KINDS, ITEMS).astype(np.int32),
        "price": chance.integers(0, CODES, ITEMS).astype(np.int16),
        # Of the first group there are few.
        "group": np.minimum(chance.geometric(0.2, ITEMS), GROUPS - 1).astype(np.int16),
    }
    columns["group"][chance.choice(ITEMS, 9)] = 0
    order = {
        "shuffled": np.arange(ITEMS),
        "together": np.argsort(columns["group"], kind="stable"),
        "likely first": np.argsort(-np.nan_to_num(columns["said"])),
    }[request.param]
    tables = chance.normal(size=KINDS).astype(np.float32), np.array([0.0, 0.2, 1.5, np.inf])
    return {name: column[order] for name, column in columns.items()}, tables


def bounded(columns, tables, is_asked, rest=0.7, factors=NO_FACTORS):
    """Return what the pass says: log-odds, rows, and down to where they are complete."""
    at_venues, online = popular_of(1e-4), popular_of(3e-5)
    of_kind, least_cost = tables
    most, rows = columns["said"].astype(np.float32), np.empty(ITEMS + 1, dtype=np.int32)
    least, histogram = np.empty(GROUPS + 1), np.empty(GROUPS * BINS, dtype=np.int32)
    found = most_log_odds(
        columns["near"], columns["is_out"], columns["is_online"], columns["online_bookings"],
        ONLINE_COST, at_venues.few, at_venues.terms, online.few, online.terms, rest,
        columns["frequent"].astype(np.float32), columns["kind"], of_kind, columns["price"],
        least_cost.astype(np.float32), *CALIBRATION, *factors, columns["group"], is_asked, COUNT,
        OF_GROUP, most, np.empty(ITEMS, np.float32), rows, least, histogram,
    )  # fmt: skip
    return most, rows[:found], least


def expected(columns, tables, rest=0.7):
    """Return the same log-odds in double precision."""
    (intercept, slope, scale), (of_kind, least_cost) = CALIBRATION, tables
    near, said = columns["near"], columns["said"].astype(np.float32).astype(np.float64)
    bookings = near["bookings"] + columns["online_bookings"]
    counts = np.where(np.isnan(said), 1.0, rest)
    there = counts * popular_of(1e-4)(bookings) - near["cost"]
    home = counts * popular_of(3e-5)(bookings) - ONLINE_COST
    place = np.maximum(there, np.where(columns["is_online"], home, -np.inf))
    own = np.where(np.isnan(said), 0.0, intercept + slope * np.arcsinh(said / scale))
    own += place + columns["frequent"] + of_kind[columns["kind"]] - least_cost[columns["price"]]
    return np.where(columns["is_out"], -np.inf, own)


FACTORS, LATER = 16, 300
"""The last items came later: of these there are no factors."""


@dataclass(frozen=True)
class Known(Latent):
    """A model of which the factors of items and of everybody are known."""

    item_factors: np.ndarray
    user: np.ndarray

    def _solved(self, _history):
        return self.user


def factors_of(lengths):
    """Return the factors as the pass takes them, and what they say at most of each item."""
    chance = np.random.default_rng(5)
    items, user = chance.normal(size=(ITEMS - LATER, FACTORS)), chance.normal(size=FACTORS)
    items *= lengths(chance, items @ user) / np.linalg.norm(items, axis=1, keepdims=True)
    items[chance.random(len(items)) < 0.1] = 0.0
    model = Known(items.astype(np.float32), user)
    history, rows = History(np.zeros(1, np.int32), np.ones(1, np.float32)), np.arange(len(items))
    told = arranged(model, rows.astype(np.int32)).at_most(history, *np.empty((2, 0), np.float32))
    by_length = told.length.astype(np.float64) * told.user_length
    total = told.items.code @ told.user.astype(np.int64)
    at_most = np.minimum((total * told.user_step + told.slack_steps) * told.items.step, by_length)
    is_known = model.item_factors.any(axis=1)
    assert np.all(at_most[is_known] >= (model.item_factors @ user)[is_known])
    return told.as_passed(), at_most


def misleading(chance, products):
    """Return lengths, most of them of factors that are turned away from the person."""
    turned = np.where((products > 0.0) & (chance.random(len(products)) < 0.9), -1.0, 1.0)
    return turned[:, np.newaxis]


LENGTHS = {
    "tell much": lambda chance, products: chance.lognormal(0.0, 2.0, (len(products), 1)),
    "tell nothing": lambda *_: 1.0,
    "mislead": misleading,
}


@pytest.mark.parametrize("rest", [0.0, 0.7])
@pytest.mark.parametrize("prices", [[0.0, 0.2, 1.5, np.inf], [0.0, 0.5, 1.5, 2.5]])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_of_the_likeliest_factors_say_more_than_their_lengths(catalogue, lengths, prices, rest):
    columns, (of_kind, _) = catalogue
    factors, at_most = factors_of(lengths)
    known = columns | {"said": np.append(at_most, columns["said"][len(at_most) :])}
    is_asked, tables = np.arange(GROUPS) % 2 == 0, (of_kind, np.array(prices))
    most, rows, least = bounded(columns, tables, is_asked, rest, factors)
    assert_bounds((known, tables, rest), is_asked, most, rows, least)
    assert len(rows) <= 2 * COUNT + 2 * OF_GROUP * GROUPS


@pytest.mark.parametrize("unknown", [0.0, 0.01, 0.3])
def test_what_is_booked_near_counts_for_what_a_model_does_not_know_alone(catalogue, unknown):
    columns, tables = catalogue
    chance = np.random.default_rng(7)
    said = np.where(chance.random(ITEMS) < unknown, np.nan, chance.normal(size=ITEMS))
    of, is_asked = columns | {"said": said}, np.arange(GROUPS) % 2 == 0
    assert_bounds((of, tables, 0.0), is_asked, *bounded(of, tables, is_asked, rest=0.0))


def test_no_item_has_more_and_all_that_may_have_enough_are_told(catalogue):
    columns, tables = catalogue
    is_asked = np.arange(GROUPS) % 2 == 0
    assert_bounds((columns, tables), is_asked, *bounded(columns, tables, is_asked))


def assert_bounds(case, is_asked, most, rows, least):
    columns, exact = case[0], expected(*case)
    group = columns["group"]
    told = np.zeros(ITEMS, dtype=bool)
    told[rows] = True
    assert told.sum() == len(rows) < ITEMS // 10
    assert np.all(most >= exact - ROUNDING)
    assert np.all(most[columns["is_out"]] == -np.inf)
    few = columns["near"]["bookings"] + columns["online_bookings"] < 256
    assert np.abs(most[told & few] - exact[told & few]).max() < ROUNDING
    in_question = exact > -np.inf
    assert np.all(told[in_question & (exact >= least[-1] + ROUNDING)])
    assert np.all(told[in_question & is_asked[group] & (exact >= least[:-1][group] + ROUNDING)])
    assert np.array_equal(least[:-1] == np.inf, ~is_asked)
    for one in np.flatnonzero(is_asked):
        of_group = group == one
        assert told[of_group].sum() >= min(OF_GROUP, int((in_question & of_group).sum()))


def test_about_as_many_as_are_asked_for_are_told_of_a_catalogue_in_any_order(catalogue):
    columns, tables = catalogue
    _, rows, least = bounded(columns, tables, np.zeros(GROUPS, dtype=bool))
    exact = expected(columns, tables)
    assert len(rows) <= 2 * COUNT
    # Where a sample of the items promises too much there are fewer: it is told down to where.
    assert len(rows) >= min(COUNT, int((exact >= least[-1] + ROUNDING).sum()))


def test_a_price_code_says_the_least_price_and_what_it_counts_against():
    item = np.array([0, 0, 2, 3, 3], dtype=np.int32)
    cents = np.array([900, 1_250, 0, 40_000, 35_000], dtype=np.int32)
    cap = np.array([1, 1, 2, 0, 2], dtype=np.int8)
    later = cheapest_of(
        np.array([2], dtype=np.int32), np.array([700], dtype=np.int32), np.array([2], dtype=np.int8)
    )
    codes = price_codes((cheapest_of(item, cents, cap), later), 4)
    caps, classes = np.divmod(codes, CLASSES)
    assert caps[[0, 2, 3]].tolist() == [1, 2, len(CAPS)]
    floors = CENTS[classes[[0, 2, 3]]]
    assert np.all(floors <= [900, 0, 35_000])
    assert floors[0] > 900 / 1.06
    assert len(CENTS) <= CLASSES
