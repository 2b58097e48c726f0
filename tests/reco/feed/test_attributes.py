"""What candidates add to a horizon, told by the catalogue: what the database spells out."""

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import NOW

from features.horizon import POINTS, expected_gains, values_of
from reco.catalogue.build import build_catalogue
from reco.catalogue.changes import amended, read_changes
from reco.catalogue.shelf import ONLINE
from reco.catalogue.snapshot import MOST_GENRES
from reco.feed.attributes import (
    categories_among,
    new_families,
    values_of_candidates,
)
from reco.feed.candidates import Candidates
from reco.feed.widening import Aim, Pool, widen
from reco.feed.workspace import Scratch

TAXONOMY = {"A": ["A1", "A2"], "B": ["B1"], "C": ["C1", "C2"], "D": []}
VENUE_TYPES = ["shop", "stage", "screen", None]
GENRES = [f"genre {number}" for number in range(12)]


@pytest.fixture(scope="module")
def connection_to(new_world):
    """A random world: 20 venues, 60 items with 0 to 12 genres, 200 offers, one stock each."""
    chance = np.random.default_rng(11)
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        _fill(connection, chance)
        yield connection


def _fill(connection, chance):
    for category, subcategories in TAXONOMY.items():
        connection.execute("insert into core.category (name) values (%s)", (category,))
        for subcategory in subcategories:
            connection.execute(
                "insert into core.subcategory (category_id, name)"
                " select id, %s from core.category where name = %s",
                (subcategory, category),
            )
    for number in range(20):
        _add_venue(connection, f"v{number}", VENUE_TYPES[chance.integers(4)], chance)
    for number in range(60):
        category = list(TAXONOMY)[chance.integers(4)]
        subcategory = chance.choice([*TAXONOMY[category], ""])
        genres = chance.choice([*GENRES, ""], size=chance.integers(13)).tolist()
        _add_item(connection, f"i{number}", category, subcategory, genres)
    for number in range(200):
        venue = None if chance.random() < 0.2 else f"v{chance.integers(20)}"
        _add_offer(connection, f"o{number}", f"i{chance.integers(60)}", venue)


def _add_venue(connection, name, venue_type, chance):
    connection.execute(
        "insert into core.venue (external_id, venue_type, location)"
        " values (%s, %s, st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
        (name, venue_type, 5 + chance.random(), 45 + chance.random()),
    )


def _add_item(connection, name, category, subcategory, genres):
    connection.execute(
        "insert into core.item (external_id, category_id, subcategory_id, genres)"
        " select %s, c.id, s.id, %s from core.category c"
        " left join core.subcategory s on s.name = %s where c.name = %s",
        (name, genres, subcategory, category),
    )


def _add_offer(connection, name, item, venue):
    connection.execute(
        "with made as (insert into core.offer (external_id, item_id, venue_id)"
        " select %s, i.id, v.id from core.item i left join core.venue v on v.external_id = %s"
        " where i.external_id = %s returning id)"
        " insert into core.stock (external_id, offer_id, price_cents) select %s, id, 500 from made",
        (name, venue, item, name),
    )


def _change(connection, chance):
    """Change works and venues, and add some, with values that were not there before."""
    for number in (3, 17, 31):
        connection.execute(
            "update core.item set genres = %s where external_id = %s",
            (["new genre", GENRES[number % 12]], f"i{number}"),
        )
    connection.execute("update core.venue set venue_type = 'arena' where external_id = 'v4'")
    connection.execute("update core.venue set venue_type = null where external_id = 'v5'")
    connection.execute("insert into core.category (name) values ('E')")
    connection.execute(
        "insert into core.subcategory (category_id, name)"
        " select id, 'E1' from core.category where name = 'E'"
    )
    _add_venue(connection, "a venue with a longer name", "barge", chance)
    _add_item(connection, "later", "E", "E1", ["another new genre"])
    for number, item in enumerate(["later", "i3", "i40"]):
        _add_offer(connection, f"later {number}", item, "a venue with a longer name")
    _add_offer(connection, "later online", "later", None)


@pytest.fixture(scope="module", params=["base", "fresh"])
def known(request, connection_to):
    """A catalogue, all that it offers as candidates, and their values in the database."""
    catalogue = build_catalogue(connection_to, NOW)
    if request.param == "fresh":
        _change(connection_to, np.random.default_rng(5))
        catalogue = amended(catalogue, read_changes(connection_to, catalogue, NOW))
        assert len(catalogue.fresh.offer_id) > 4
    candidates = everything(catalogue)
    told = spelled_out(connection_to)
    return catalogue, candidates, [told[offer] for offer in candidates.offer_id.tolist()]


def room_of(catalogue):
    """Return the memory that a request's values are numbered in."""
    return Scratch.for_items(0).values(catalogue)


def everything(catalogue):
    """Return all that can be booked as candidates."""
    columns = {"item": [], "offer_id": [], "venue_id": []}
    for shelf, is_gone in (
        (catalogue.base, catalogue.replaced),
        (catalogue.fresh, np.zeros(len(catalogue.fresh.offer_id), dtype=bool)),
    ):
        groups = shelf.groups_of(np.arange(len(shelf.offer_id)))
        columns["item"].append(shelf.offer_item[~is_gone])
        columns["offer_id"].append(shelf.offer_id[~is_gone])
        columns["venue_id"].append(np.append(shelf.venue_id, ONLINE)[groups][~is_gone])
    told = {name: np.concatenate(parts) for name, parts in columns.items()}
    nothing = np.zeros(len(told["item"]))
    return Candidates(
        **told,
        distance_m=nothing,
        cost=nothing,
        bookings_near=nothing.astype(np.int32),
        venue_row=catalogue.venues.rows(told["venue_id"]),
    )


SPELLED_OUT = """
select o.id, c.name, s.name, v.external_id, v.venue_type, i.genres
from core.offer o join core.item i on i.id = o.item_id
join core.category c on c.id = i.category_id
left join core.subcategory s on s.id = i.subcategory_id
left join core.venue v on v.id = o.venue_id
"""


def spelled_out(connection):
    """Return the values of every offer by id; of many genres the first."""
    return {
        offer: values_of(
            category=category,
            subcategory=subcategory,
            venue=venue,
            venue_type=venue_type,
            genres=sorted(set(genres) - {""})[:MOST_GENRES],
        )
        for offer, category, subcategory, venue, venue_type, genres in connection.execute(
            SPELLED_OUT
        )
    }


def value_names(catalogue):
    """Return the value of each number of the catalogue."""
    external_ids = [name.decode() for name in catalogue.venues.venue_external_id.tolist()]
    venues = [("venue", name) for name in external_ids]
    numbers = catalogue.numbering.numbers(venues).tolist()
    named = {number: value for value, number in catalogue.numbering.number.items()}
    return named | dict(zip(numbers, venues, strict=True))


some = st.sets(st.integers(0, 10_000), max_size=40)
shares = st.dictionaries(
    st.integers(0, 10_000), st.sampled_from([0.0, 0.25, 0.9, 1.0]), max_size=40
)


def drawn(offers, picks):
    """Return the values, and some that no offer has, that `picks` names."""
    nobodys = [("venue", "nobody"), ("venue", "n" * 50), ("genre", "none"), ("category", "Z")]
    everyones = [*sorted(set().union(*offers)), *nobodys]
    return [everyones[pick % len(everyones)] for pick in picks]


@given(some, shares)
@settings(max_examples=60)
def test_values_and_their_worth_are_those_of_the_database(known, met_picks, unmet_picks):
    catalogue, candidates, offers = known
    met = frozenset(drawn(offers, met_picks))
    unmet = dict(zip(drawn(offers, unmet_picks), unmet_picks.values(), strict=True))
    values = values_of_candidates(catalogue, candidates, met, unmet, place=room_of(catalogue))
    names = [value_names(catalogue)[code] for code in values.code.tolist()]
    assert len(set(names)) == len(names) == len(values.worth)
    spent = {value for value, share in unmet.items() if share == 0.0} | met
    for at, offer in enumerate(offers):
        entries = values.value[values.start[at] : values.start[at + 1]].tolist()
        assert sorted(names[entry] for entry in entries) == sorted(offer - spent)
    expected = [POINTS[name[0]] * unmet.get(name, 1.0) for name in names]
    assert values.worth.tolist() == pytest.approx(expected)
    is_category = [name == "category" for name, _ in names]
    assert categories_among(catalogue, values).tolist() == is_category


@given(some, shares, st.integers(1, 12), st.sampled_from([0.0, 0.9, 1.0]))
@settings(max_examples=30)
def test_the_gain_of_a_slate_is_that_of_its_offers(known, met_picks, unmet_picks, n, floor):
    catalogue, candidates, offers = known
    met = frozenset(drawn(offers, met_picks))
    unmet = dict(zip(drawn(offers, unmet_picks), unmet_picks.values(), strict=True))
    values = values_of_candidates(catalogue, candidates, met, unmet, place=room_of(catalogue))
    probability = 0.3 * 0.98 ** np.arange(len(candidates))
    found = widen(
        Pool(probability, values), Aim(n, floor, 3.0, 1), categories_among(catalogue, values)
    )
    shown = [offers[at] for at in found.chosen]
    expected = expected_gains(shown, probability[found.chosen].tolist(), met, unmet)
    assert found.gains.tolist() == pytest.approx(expected)
    often = (1.0 - (1.0 - probability[found.chosen]) ** 3.0).tolist()
    assert found.gain == pytest.approx(sum(expected_gains(shown, often, met, unmet)))


@given(some)
@settings(max_examples=60)
def test_new_families_are_those_of_items_that_bring_something_new(known, picks):
    catalogue, candidates, offers = known
    met = frozenset(drawn(offers, picks))
    families, of_item = new_families(catalogue, met), catalogue.items.family
    for item, offer in zip(candidates.item.tolist(), offers, strict=True):
        brings = any(value not in met for value in offer if value[0] in ("category", "subcategory"))
        assert families[of_item[item]] == brings


def test_points_are_data(known):
    catalogue, candidates, _ = known
    values = values_of_candidates(
        catalogue,
        candidates,
        frozenset(),
        {},
        place=room_of(catalogue),
        points_by_attribute=dict.fromkeys(POINTS, 0.0) | {"genre": 7.0},
    )
    assert set(values.worth.tolist()) == {7.0}
    assert not categories_among(catalogue, values).any()


def test_no_candidates(known):
    catalogue, candidates, _ = known
    none = Candidates(**{name: column[:0] for name, column in vars(candidates).items()})
    values = values_of_candidates(
        catalogue, none, frozenset({("category", "A")}), {}, place=room_of(catalogue)
    )
    assert (values.start.tolist(), len(values.value), len(values.worth)) == ([0], 0, 0)
