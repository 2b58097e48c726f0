"""The slate that widens the horizon: floor, quotas and bound hold on any small pool."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.horizon import POINTS, expected_gains, value_table
from reco.errors import InvalidInput
from reco.feed.slate import Quota, choose
from reco.feed.widening import (
    Aim,
    Pool,
    ValueScratch,
    pool_rows,
    values_of_rows,
    widen,
    widen_and_likeliest,
)

NOTHING = np.empty(0, dtype=np.int64)
offers = st.frozensets(
    st.tuples(st.sampled_from(sorted(POINTS)), st.sampled_from("abc")), max_size=5
)
candidates = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.002, 0.05, 0.05, 0.3, 0.9, 1.0]),
        offers,
        st.integers(0, 3),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=9,
)
intensities = st.sampled_from([1.0, 3.0, 30.0])
floors = st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99, 1.0])
rates = st.sampled_from([0.0, 10.0, 300.0, 1e6])
LIMIT = np.array([1, 2, 1, 3])


def ordered(rows):
    return sorted(rows, key=lambda row: -row[0])


def pool_of(rows, met=frozenset(), *, quotas=False, outside=(0.0, 0.0)):
    table = value_table([values for _, values, *_ in rows])
    changed = np.array([at for at, name in enumerate(table.names) if name in met], dtype=np.int64)
    scratch = ValueScratch.of(table)
    values = values_of_rows(table, np.arange(len(rows)), changed, np.zeros(len(changed)), scratch)
    limits = [
        Quota(np.array([row[k] for row in rows]), LIMIT[[row[k] for row in rows]]) for k in (2, 3)
    ]
    chances = np.array([chance for chance, *_ in rows])
    return Pool(chances, values, limits if quotas else (), *outside)


def gain_of(rows, chosen, met, intensity):
    chances = [1 - (1 - rows[at][0]) ** intensity for at in chosen]
    return sum(expected_gains([rows[at][1] for at in chosen], chances, met))


def relevance_of(rows, chosen):
    return sum(rows[at][0] / math.log2(place + 2) for place, at in enumerate(sorted(chosen)))


def best_gain(rows, n, met, intensity):
    sets = itertools.combinations(range(len(rows)), min(n, len(rows)))
    return max(gain_of(rows, chosen, met, intensity) for chosen in sets)


@given(candidates, offers, st.integers(1, 5), floors, intensities)
def test_what_is_said_of_a_slate_is_so(rows, met, n, floor, intensity):
    rows = ordered(rows)
    found = widen(pool_of(rows, met), Aim(n, floor, intensity))
    chosen = found.chosen.tolist()
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(n, len(rows))
    assert found.gain == pytest.approx(gain_of(rows, chosen, met, intensity))
    once = expected_gains([rows[at][1] for at in chosen], [rows[at][0] for at in chosen], met)
    assert found.gains.tolist() == pytest.approx(once)
    likeliest = relevance_of(rows, range(len(chosen)))
    if likeliest > 0:
        assert found.relevance_kept == pytest.approx(relevance_of(rows, chosen) / likeliest)


@given(candidates, offers, st.integers(1, 5), floors, intensities, rates, st.booleans())
def test_the_floor_is_never_missed(rows, met, n, floor, intensity, rate, quotas):
    pool = pool_of(ordered(rows), met, quotas=quotas)
    found = widen(pool, Aim(n, floor, intensity, points_a_booking=rate))
    assert floor <= found.relevance_kept <= 1.0
    assert len(found.chosen) == len(widen(pool, Aim(n, 1.0)).chosen)


def test_no_slate_keeps_more_than_all():
    play = frozenset({("category", "SPECTACLE")})
    # The likeliest slate, greedy under both quotas, takes the first, which shuts out the next two.
    rows = [(0.5, frozenset(), 0, 0), (0.45, play, 0, 1), (0.45, play, 1, 0), (0.01, play, 2, 2)]
    one_each = [Quota(np.array([row[at] for row in rows]), np.ones(4, np.int64)) for at in (2, 3)]
    pool = replace(pool_of(rows), quotas=one_each)
    found, reference = widen_and_likeliest(pool, Aim(2, 0.98))
    assert (found.chosen.tolist(), reference.chosen.tolist()) == ([1, 2], [0, 3])
    assert found.relevance_kept == 1.0


def test_what_quotas_shut_out_comes_back_by_gain_and_relevance():
    names = ("LIVRE", "CINEMA", "MUSIQUE")
    rows = [
        (0.5 - 0.001 * at, frozenset({("category", name)}), 0, place)
        for place, name in enumerate(names)
        for at in range(4)
    ]
    rows = ordered(rows)
    # Half of what is wanted may be of the one venue; two of each category.
    limits = [Quota(np.zeros(12, dtype=np.int64), np.full(12, 3))]
    limits += [Quota(np.array([row[3] for row in rows]), np.full(12, 2))]
    pool = replace(pool_of(rows), quotas=limits)
    chosen = widen(pool, Aim(6, 0.9)).chosen
    assert np.bincount([rows[at][3] for at in chosen]).tolist() == [2, 2, 2]
    unequal = [(0.5, frozenset(), 0, 0)] * 6 + [(0.45, frozenset({("category", "MUSEE")}), 0, 0)]
    few = Quota(np.zeros(7, dtype=np.int64), np.full(7, 2))
    assert 6 in widen(replace(pool_of(unequal), quotas=[few]), Aim(4, 0.9)).chosen


def test_new_categories_that_are_demanded_are_had_whatever_the_quotas():
    rows = [(0.5, frozenset({("category", "LIVRE")}), 0, 0)] * 4
    rows += [(0.01, frozenset({("category", name)}), 0, 0) for name in ("CINEMA", "MUSEE", "JEU")]
    quota = Quota(np.zeros(7, dtype=np.int64), np.full(7, 2))
    pool = replace(pool_of(rows, {("category", "LIVRE")}), quotas=[quota])
    is_category = np.ones(3, dtype=bool)
    assert widen(pool, Aim(5, 0.9, least_new_categories=3), is_category).chosen.tolist() == [
        0, 1, 4, 5, 6,
    ]  # fmt: skip


@given(candidates, offers, st.integers(1, 5), intensities)
def test_the_highest_floor_is_the_slate_by_relevance(rows, met, n, intensity):
    rows = ordered(rows)
    pool = pool_of(rows, met, quotas=True)
    found = widen(pool, Aim(n, 1.0, intensity))
    assert found.chosen.tolist() == choose(np.arange(len(rows)), pool.quotas, n)
    assert found.relevance_kept == 1.0


@given(candidates, offers, st.integers(1, 4), floors, intensities, rates, st.booleans())
def test_no_set_gains_more_than_the_bound(rows, met, n, floor, intensity, rate, quotas):
    rows = ordered(rows)
    aim = Aim(n, floor, intensity, points_a_booking=rate)
    found = widen(pool_of(rows, met, quotas=quotas), aim)
    assert best_gain(rows, n, met, intensity) <= found.bound * (1 + 1e-12) + 1e-9


@given(candidates, candidates, offers, st.integers(1, 3), intensities)
def test_the_bound_holds_for_what_is_outside_the_pool(rows, others, met, n, intensity):
    rows = ordered(rows)
    most_points = max(sum(POINTS[name] for name, _ in values) for _, values, *_ in others)
    outside = max(chance for chance, *_ in others)
    found = widen(pool_of(rows, met, outside=(outside, most_points)), Aim(n, 0.9, intensity))
    assert best_gain(rows + others, n, met, intensity) <= found.bound * (1 + 1e-12) + 1e-9


@given(candidates, offers, st.integers(1, 4), intensities)
def test_without_a_floor_the_greedy_choice_is_within_its_guarantee(rows, met, n, intensity):
    rows = ordered(rows)
    found = widen(pool_of(rows, met), Aim(n, 0.0, intensity))
    assert found.gain >= (1 - 1 / math.e) * best_gain(rows, n, met, intensity) - 1e-9


@given(candidates, offers, st.integers(1, 6), floors)
def test_quotas_hold_while_the_slate_by_relevance_holds_them(rows, met, n, floor):
    rows = ordered(rows)
    pool = pool_of(rows, met, quotas=True)

    def holds(chosen):
        return all(
            np.count_nonzero(quota.group[chosen] == quota.group[at]) <= quota.limit[at]
            for quota in pool.quotas
            for at in chosen
        )

    likeliest = widen(pool, Aim(n, 1.0)).chosen
    assert holds(widen(pool, Aim(n, floor)).chosen) or not holds(likeliest)


@given(candidates, st.integers(1, 6), floors)
def test_the_quota_that_is_given_up_last_holds_where_it_can(rows, n, floor):
    pool = pool_of(ordered(rows), quotas=True)
    first = pool.quotas[0]
    most = np.minimum(np.bincount(first.group, minlength=len(LIMIT)), LIMIT).sum()
    chosen = widen(pool, Aim(n, floor)).chosen
    if most >= len(chosen) == n:
        assert (np.bincount(first.group[chosen], minlength=len(LIMIT)) <= LIMIT).all()


@given(candidates, st.randoms(), floors)
def test_the_order_in_which_candidates_come_changes_nothing(rows, random, floor):
    numbered = [(*row, name) for name, row in enumerate(rows)]
    shuffled = list(numbered)
    random.shuffle(shuffled)
    slates = []
    for order in (numbered, shuffled):
        by_rank = sorted(order, key=lambda row: (-row[0], row[-1]))
        chosen = widen(pool_of(by_rank, quotas=True), Aim(4, floor, 10.0)).chosen
        slates.append([by_rank[at][-1] for at in chosen])
    assert slates[0] == slates[1]


def test_a_new_category_is_had_where_it_is_demanded():
    book, play = frozenset({("category", "LIVRE")}), frozenset({("category", "SPECTACLE")})
    rows = [*[(0.5, book, 0, 0)] * 4, (0.001, play, 0, 0)]
    pool = pool_of(rows, book)
    is_category = np.array([True])
    assert widen(pool, Aim(3, 0.95)).chosen.tolist() == [0, 1, 2]
    mixed = widen(pool, Aim(3, 0.95, least_new_categories=1), is_category)
    assert mixed.chosen.tolist() == [0, 1, 4]
    assert mixed.relevance_kept == 1.0
    # As many as there are.
    assert 4 in widen(pool, Aim(3, 1.0, least_new_categories=2), is_category).chosen


def test_two_of_one_new_category_are_worth_less_than_two_new_categories():
    play, concert = frozenset({("category", "SPECTACLE")}), frozenset({("category", "CONCERT")})
    rows = [(0.5, play, 0, 0), (0.5, play, 0, 0), (0.4, concert, 0, 0)]
    assert widen(pool_of(rows), Aim(2, 0.8)).chosen.tolist() == [0, 2]
    assert widen(pool_of(rows), Aim(2, 0.99)).chosen.tolist() == [0, 1]


def test_pages_before_share_the_points_of_a_value():
    play = frozenset({("category", "SPECTACLE")})
    table = value_table([play])
    scratch = ValueScratch.of(table)
    values = values_of_rows(table, np.array([0]), np.array([0]), np.array([0.25]), scratch)
    assert values.worth.tolist() == [6.25]
    again = values_of_rows(table, np.array([0]), NOTHING, np.empty(0), scratch)
    assert again.worth.tolist() == [25.0]


@given(
    st.lists(st.tuples(st.sampled_from([np.nan, 0.1, 0.2, 0.3]), offers), min_size=1, max_size=12),
    st.integers(1, 4),
    st.integers(0, 2),
)
def test_a_pool_holds_the_likeliest_and_the_likeliest_of_each_value(rows, most, of_each):
    chances = np.array([chance for chance, _ in rows])
    table = value_table([values for _, values in rows])
    everything = np.ones(len(table.points), dtype=bool)
    found, is_of_each = pool_rows(chances, table, everything, most, of_each)
    known = [at for at in range(len(rows)) if not np.isnan(chances[at])]
    order = sorted(known, key=lambda at: (-chances[at], at))
    new = set()
    for name in table.names:
        new |= set([at for at in order if name in rows[at][1]][:of_each])
    assert found.tolist() == [at for at in order if at in {*order[:most], *new}]
    assert set(found[is_of_each].tolist()) == new


def test_nothing_to_choose_from():
    table = value_table([])
    values = values_of_rows(table, NOTHING, NOTHING, np.empty(0), ValueScratch.of(table))
    found = widen(Pool(np.empty(0), values), Aim(3, 0.9))
    assert (found.chosen.tolist(), found.gain, found.bound, found.relevance_kept) == ([], 0, 0, 1)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"floor": 1.5}, "floor"),
        ({"intensity": 0.0}, "intensity"),
        ({"n": -1}, "n"),
        ({"points_a_booking": -1.0}, "points_a_booking"),
        ({"points_a_booking": math.inf}, "points_a_booking"),
    ],
)
def test_what_cannot_be_asked_for(wrong, field):
    with pytest.raises(InvalidInput) as raised:
        Aim(**({"n": 3, "floor": 0.9} | wrong))
    assert raised.value.field == field


def test_new_categories_need_categories():
    pool = pool_of([(0.5, frozenset(), 0, 0)])
    with pytest.raises(InvalidInput, match="least_new_categories"):
        widen(pool, Aim(1, 0.9, least_new_categories=1))


def worked_example():
    book = frozenset({("category", "LIVRE")})
    manga = book | {("genre", "manga")}
    play = frozenset(
        {
            ("category", "SPECTACLE"),
            ("venue_type", "theatre"),
            ("subcategory", "SPECTACLE_REPRESENTATION"),
            ("venue", "lune"),
            ("genre", "drame"),
        }
    )
    rows = [(0.040, manga, 0, 0), (0.021, book, 0, 0), (0.018, play, 0, 0)]
    return pool_of(rows, book)


def many_offers(seed, count=200, *, quotas=False):
    """Return a pool as feeds have it: a few likely ones, a long tail, and common values."""
    draw = np.random.default_rng(seed)
    values = [
        frozenset(
            (name, f"{min(most, int(draw.geometric(0.25)) - 1)}")
            for name, most in zip(sorted(POINTS), (14, 80, 60, 200, 12), strict=True)
        )
        for _ in range(count)
    ]
    chances = np.sort(draw.beta(0.3, 30.0, count))[::-1]
    met = {(name, f"{common}") for name in ("category", "venue_type") for common in range(4)}
    pool = pool_of([(chance, of, 0, 0) for chance, of in zip(chances, values, strict=True)], met)
    if not quotas:
        return pool
    some = [Quota(draw.integers(0, 60, count), np.full(count, most)) for most in (3, 10)]
    # Two of three as likely as others.
    return replace(pool, quotas=some, probability=pool.probability.round(3))


@pytest.mark.parametrize("intensity", [1.0, 3.0, 100.0, 1_000.0])
@pytest.mark.parametrize("floor", [0.99, 0.98, 0.9])
@pytest.mark.parametrize(("price", "quotas"), [(0.0, False), (0.0, True), (10.0, True)])
def test_no_other_rate_finds_more(floor, intensity, price, quotas):
    """Every slate that some rate finds is found by that price of relevance without a floor."""
    prices = np.geomspace(1e-3, 1e7, 300) / intensity
    to_be_had = []
    prices = prices[prices >= price]
    for seed in range(6):
        pool = many_offers(seed, quotas=quotas)
        found, likeliest = widen_and_likeliest(pool, Aim(20, floor, intensity, 0, price))
        swept = [widen(pool, Aim(20, 0.0, intensity, 0, price)) for price in prices]
        most = max(slate.gain for slate in swept if slate.relevance_kept >= floor)
        to_be_had.append(most - likeliest.gain)
        assert found.gain - likeliest.gain >= 0.9 * to_be_had[-1]
    assert max(to_be_had) > 0.0


@pytest.mark.parametrize(("seed", "count", "venues"), [(324, 44, 29), (5576, 76, 6)])
def test_a_slate_that_quotas_lead_astray_does_not_end_the_search(seed, count, venues):
    """By their gain alone, the quotas let in slates of less gain than the likeliest one."""
    draw = np.random.default_rng(seed)
    venue = (venues * draw.random(count) ** 3).astype(np.int64)
    some = [Quota(venue, np.full(count, 2)), Quota(draw.integers(0, 3, count), np.full(count, 5))]
    pool = replace(many_offers(seed, count), quotas=some)
    found, likeliest = widen_and_likeliest(pool, Aim(10, 0.98, 3.0))
    prices = np.geomspace(1e-3, 1e7, 300) / 3.0
    swept = [widen(pool, Aim(10, 0.0, 3.0, 0, price)) for price in prices]
    most = max(slate.gain for slate in swept if slate.relevance_kept >= 0.98)
    assert most > 1.01 * likeliest.gain
    assert found.gain - likeliest.gain >= 0.9 * (most - likeliest.gain)


def test_the_worked_example_of_the_documentation():
    pool = worked_example()
    likely, wide = widen(pool, Aim(2, 0.98)), widen(pool, Aim(2, 0.95))
    assert (likely.chosen.tolist(), wide.chosen.tolist()) == ([0, 1], [0, 2])
    assert (round(likely.gain, 2), round(wide.gain, 2)) == (0.2, 1.37)
    assert round(wide.relevance_kept, 3) == 0.964
    assert wide.bound == pytest.approx(wide.gain)


@given(intensities)
def test_relevance_goes_no_further_than_its_price(intensity):
    pool = worked_example()
    # The play brings 1.17 points more than the book, for .0019 of discounted probability.
    cheap, dear = (widen(pool, Aim(2, 0.9, 1.0, 0, rate)) for rate in (600.0, 640.0))
    assert (cheap.chosen.tolist(), dear.chosen.tolist()) == ([0, 2], [0, 1])
    # So does the whole pool, whatever the floor, and however often it is seen.
    assert widen(pool, Aim(2, 0.0, intensity, 0, 1e6)).chosen.tolist() == [0, 1]


def test_the_price_of_relevance_is_the_same_for_whomever_a_slate_is():
    common, odd = frozenset({("category", "LIVRE")}), frozenset({("category", "MUSEE")})
    few = [(0.02, common, 0, 0), (0.02, common, 0, 0), (0.015, odd, 0, 0)]
    many = [(0.4, common, 0, 0), (0.4, common, 0, 0), (0.015, odd, 0, 0)]
    aim = Aim(2, 0.0, points_a_booking=100.0)
    chosen = [widen(pool_of(rows, common), aim).chosen.tolist() for rows in (few, many)]
    assert chosen == [[0, 2], [0, 1]]
