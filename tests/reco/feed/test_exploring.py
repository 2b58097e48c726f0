"""Exploration: the propensities on record are the frequencies of what is shown."""

import itertools
import math
from collections import Counter, defaultdict
from datetime import timedelta

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import GRENOBLE, NOW, small_world

from features.horizon import POINTS, expected_gains, value_table
from reco.catalogue.build import build_catalogue
from reco.feed.exploring import UNKNOWN, Draw, Exploration, default_rate
from reco.feed.generation import generation
from reco.feed.pipeline import feed
from reco.feed.query import feed_query
from reco.feed.slate import Quota
from reco.feed.widening import Aim, Pool, ValueScratch, likeliest, values_of_rows, widen

SECRET = "a secret of at least thirty-two bytes"
NOBODY = np.empty(0, dtype=np.int64)
LIMIT = np.array([1, 2, 1, 3])
offers = st.frozensets(st.tuples(st.sampled_from(sorted(POINTS)), st.sampled_from("abc")))
candidates = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.002, 0.05, 0.3, 0.3, 0.9, 1.0]), offers, *[st.integers(0, 3)] * 2
    ),
    min_size=1,
    max_size=8,
)


def exploration(rows, n, floor, least_new, rate):
    rows = sorted(rows, key=lambda row: -row[0])
    table = value_table([values for _, values, *_ in rows])
    of_rows = np.arange(len(rows)), NOBODY, np.empty(0), ValueScratch.of(table)
    values = values_of_rows(table, *of_rows)
    quotas = [
        Quota(np.array([row[k] for row in rows]), LIMIT[[row[k] for row in rows]]) for k in (2, 3)
    ]
    pool, aim = (
        Pool(np.array([row[0] for row in rows]), values, quotas),
        Aim(n, floor, 3.0, least_new),
    )
    is_category = np.array([table.names[code][0] == "category" for code in values.code], dtype=bool)
    problem = pool, aim, is_category
    found, best = widen(*problem), likeliest(*problem)
    return rows, found, Exploration(*problem, found.chosen, best.chosen, rate)


explorations = st.builds(
    exploration,
    candidates,
    st.integers(1, 4),
    st.sampled_from([0.0, 0.5, 0.9, 0.98, 1.0]),
    st.integers(0, 1),
    st.sampled_from([0.02, 0.5, 1.0]),
)


def relevance(rows, slate):
    return sum(rows[at][0] / math.log2(place + 2) for place, at in enumerate(slate))


def categories(rows, slate):
    return len({value for at in slate for value in rows[at][1] if value[0] == "category"})


def may_take(chances, rows, position, candidate):
    """Say the same as `is_feasible`, by the definition."""
    before = chances.chosen.tolist()
    after = [*before[:position], candidate, *before[position + 1 :]]
    least = chances.aim.floor * relevance(rows, chances.likeliest.tolist())
    wanted = min(chances.aim.least_new_categories, categories(rows, before))
    return (
        candidate not in before
        and relevance(rows, after) >= least * (1 + 1e-12)
        and categories(rows, after) >= wanted
        and all(
            sum(rows[at][k] == rows[candidate][k] for at in after) <= LIMIT[rows[candidate][k]]
            for k in (2, 3)
        )
    )


def every_outcome(chances):
    """Yield each position and row that chance can draw, with the probability; None: no change."""
    n = len(chances.chosen)
    yield None, 1.0 - chances.rate
    for position in range(n):
        count = max(1, int(chances.is_feasible[position].sum()))
        for which in range(count):
            draw = Draw(0.0, (position + 0.5) / n, (which + 0.5) / count)
            yield chances.drawn(draw), chances.rate / n / count


@given(explorations)
def test_what_is_feasible_is_so_by_definition(made):
    rows, _, chances = made
    places = itertools.product(range(len(chances.chosen)), range(len(rows)))
    for position, row in places:
        assert chances.is_feasible[position, row] == may_take(chances, rows, position, row)


def test_where_no_new_category_is_to_be_had_none_is_kept():
    genre, play = frozenset({("genre", "a")}), frozenset({("category", "a")})
    alike = [(0.3, genre, 0, 3), (0.3, genre, 1, 3), (0.3, genre, 2, 2)]
    _, _, chances = exploration(alike, 2, 0.5, 1, 1.0)
    assert chances.is_feasible.sum(axis=1).tolist() == [1, 1]
    # One has it: that one stays.
    _, _, chances = exploration([(0.3, play, 0, 3), *alike[1:]], 2, 0.5, 1, 1.0)
    assert chances.is_feasible.sum(axis=1).tolist() == [0, 1]


@given(explorations)
def test_all_outcomes_together_have_the_propensities(made):
    _, _, chances = made
    shown = defaultdict(float)
    for drawn, probability in every_outcome(chances):
        slate = chances.chosen.tolist()
        if drawn:
            slate[drawn[0]] = drawn[1]
        for place in enumerate(slate):
            shown[place] += probability
    for (position, row), probability in shown.items():
        is_chosen = row == chances.chosen[position]
        told = chances.propensities[position] if is_chosen else chances.propensity_at(position)
        assert told == pytest.approx(probability)


@given(explorations)
def test_what_is_said_of_an_explored_slate_is_so(made):
    rows, found, chances = made
    for drawn, _ in every_outcome(chances):
        if drawn is None:
            continue
        shown = chances.with_drawn(found, *drawn)
        slate = shown.chosen.tolist()
        values, chance = [rows[at][1] for at in slate], [rows[at][0] for at in slate]
        assert shown.relevance_kept >= chances.aim.floor
        best = relevance(rows, chances.likeliest.tolist())
        if best:
            # Of several quotas the likeliest slate may miss the most.
            kept = min(1.0, relevance(rows, slate) / best)
            assert shown.relevance_kept == pytest.approx(kept)
        assert shown.gains.tolist() == pytest.approx(expected_gains(values, chance, set()))
        often = [1 - (1 - p) ** chances.aim.intensity for p in chance]
        assert shown.gain == pytest.approx(sum(expected_gains(values, often, set())))


def test_seeds_draw_evenly():
    draws = [Draw.of(seed) for seed in range(4_000)]
    for numbers in zip(*[(draw.whether, draw.position, draw.offer) for draw in draws], strict=True):
        counts = np.bincount((np.array(numbers) * 10).astype(int), minlength=10)
        assert ((counts - 400) ** 2 / 400).sum() < 27.9  # chi-square, 9 degrees, p = .001
    assert Draw.of(7) == Draw.of(7) != Draw.of(8)


@pytest.fixture(scope="module")
def town(new_world):
    """The small world with a free play in each of ten halls: there is something to draw."""
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        small_world(connection)
        for number in range(10):
            _add_hall(connection, f"hall{number}")
        yield connection


def _add_hall(connection, name):
    connection.execute(
        "insert into core.venue (external_id, venue_type, location)"
        " values (%s, 'hall', st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
        (name, *GRENOBLE),
    )
    connection.execute(
        "insert into core.item (external_id, category_id, subcategory_id)"
        " select %s, category_id, id from core.subcategory where name = 'LIVRE_PAPIER'",
        (name,),
    )
    connection.execute(
        "insert into core.offer (external_id, item_id, venue_id, published_at)"
        " select i.external_id, i.id, v.id, %s from core.item i join core.venue v"
        " using (external_id) where external_id = %s",
        (NOW - timedelta(days=30), name),
    )
    connection.execute(
        "insert into core.stock (external_id, offer_id, price_cents)"
        " select external_id, id, 0 from core.offer where external_id = %s",
        (name,),
    )


@pytest.fixture(scope="module")
def serving(town):
    return generation(build_catalogue(town, NOW, None), None)


def ask(town, serving, seed=0, rate=0.0, **asked):
    query = feed_query(
        now=NOW, default_radius_m=50_000.0, user_id="reader", exploration=rate, seed=seed,
        **({"n": 4, "floor": 0.9} | asked),
    )  # fmt: skip
    return feed(town, serving, query, SECRET)


def shown(made):
    return [item.offer_id for item in made.answer.items]


def is_told(item):
    return any(told.code == "to_learn" for told in item.explanation)


def test_served_frequencies_are_the_recorded_propensities(town, serving):
    rate, asked = 0.6, 500
    plain, counts, told = shown(ask(town, serving)), Counter(), {}
    for seed in range(asked):
        made = ask(town, serving, seed, rate)
        for place, offer, propensity in zip(
            itertools.count(), shown(made), made.slate.propensities, strict=False
        ):
            counts[place, offer] += 1
            assert told.setdefault((place, offer), propensity) == propensity
        assert made.answer.relevance_kept >= 0.9
        assert made.slate.seed == seed
        assert made.slate.query["exploration"] == rate
        other = [item for item, before in zip(made.answer.items, plain, strict=True)
                 if item.offer_id != before]  # fmt: skip
        assert [item for item in made.answer.items if is_told(item)] == other
        assert len(other) <= 1
    assert len(counts) > len(plain) + 8
    for place, propensity in told.items():
        spread = math.sqrt(propensity * (1 - propensity) / asked)
        assert abs(counts[place] / asked - propensity) < 4.5 * spread + 1e-9
    by_position = [sum(p for (at, _), p in told.items() if at == place) for place in range(4)]
    assert by_position == pytest.approx([1.0] * 4)


def test_a_seed_shows_the_same_again(town, serving):
    once, again = (ask(town, serving, 11, 1.0) for _ in range(2))
    assert shown(once) == shown(again)
    assert once.slate.propensities == again.slate.propensities


def test_without_exploration_nothing_changes(town, serving):
    plain = ask(town, serving)
    assert list(plain.slate.propensities) == [1.0] * 4
    assert shown(ask(town, serving, seed=99)) == shown(plain)
    assert not any(is_told(item) for item in plain.answer.items)


def test_an_agenda_to_keep_is_left_alone(town, serving):
    made = [ask(town, serving, seed, 1.0, plan=True) for seed in range(5)]
    assert all(set(slate.slate.propensities) == {1.0} for slate in made)
    assert all(shown(slate) == shown(made[0]) for slate in made)


def test_where_nothing_is_feasible_chance_changes_nothing(town, serving):
    made = ask(town, serving, 3, 1.0, n=100)
    assert set(made.slate.propensities) == {1.0}
    likeliest = ask(town, serving, 3, 1.0, floor=1.0)
    assert shown(likeliest) == shown(ask(town, serving, floor=1.0))


def test_what_is_told_is_of_what_is_shown(town, serving):
    made = next(
        made
        for made in (ask(town, serving, seed, 1.0, language="en") for seed in range(50))
        if any(is_told(item) for item in made.answer.items)
    )
    answer = made.answer
    assert answer.horizon.gain == pytest.approx(sum(item.gain for item in answer.items))
    expected = sum(new.points * new.chance for new in answer.horizon.additions)
    assert answer.horizon.gain_at_intensity == pytest.approx(expected)
    assert "one_to_learn" in [told.code for told in answer.explanation]
    probabilities = [item.probability for item in answer.items]
    best = [item.probability for item in ask(town, serving, floor=1.0).answer.items]
    discount = [1 / math.log2(place + 2) for place in range(4)]
    kept = np.dot(probabilities, discount) / np.dot(best, discount)
    assert answer.relevance_kept == pytest.approx(kept)


def test_a_drawn_offer_that_is_gone_changes_nothing_but_what_is_known(town, serving):
    # The floor leaves each position something else.
    plain = ask(town, serving, floor=0.8)
    ids = [item.offer_id for item in plain.answer.items]
    with town.transaction(force_rollback=True):
        town.execute(
            "update core.stock set cancelled_at = %s where external_id <> all(%s)", (NOW, ids)
        )
        made = [ask(town, serving, seed, 1.0, floor=0.8) for seed in range(12)]
    assert all(shown(slate) == ids for slate in made)
    each = 1.0 - 1.0 / len(ids)
    assert all(sorted(slate.slate.propensities) == [UNKNOWN] + [each] * 3 for slate in made)


def test_only_the_demo_explores_unless_it_is_set():
    assert default_rate("demo") == 0.02
    assert default_rate("france") == 0.0
