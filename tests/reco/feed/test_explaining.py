"""Every explanation against a computation of its own: nothing is said that is not so."""

import re
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import GRENOBLE, NOW, book, small_world

from features.credit import Budget
from features.horizon import POINTS, expected_gains, values_of
from features.interactions import encoded_ids
from reco.catalogue.build import build_catalogue
from reco.core.deposits import UNLIMITED, Credit
from reco.feed import pipeline
from reco.feed.answer import Session
from reco.feed.choosing import Choice
from reco.feed.explaining import explain_means, explain_offer, explain_slate
from reco.feed.generation import generation
from reco.feed.likeness import Likeness
from reco.feed.past import history_of
from reco.feed.picks import Pick
from reco.feed.pipeline import feed
from reco.feed.query import feed_query
from reco.feed.ranking import ranking_of
from reco.feed.readback import LiveOffer
from reco.feed.scoring import Scored
from reco.feed.situation import Situation, read_situation
from reco.feed.state import UserState
from reco.feed.widening import Pool, Widened
from reco.model.calibration import Calibration
from reco.model.factors import Factors
from reco.model.history import History
from reco.model.item_item import ItemItem
from reco.model.link import STRAIGHT
from reco.model.loaded import LoadedModel
from reco.model.ranker import RANKER_LAYOUT, AffinityFacts, Ranker, RankerFacts

SECRET = "a secret of at least thirty-two bytes"
CATEGORIES = ("MUSEE", "CONCERT", "ATELIER", "JEU")
MORE = 24
DRAWN = {"similar_to", "seen_before", "popular_near_you", "popular_online", "new"}
DRAWN |= {"popular_near_or_online", "not_booked_lately", "not_booked_online", "likely", "to_widen"}


@pytest.fixture(scope="module")
def connection(new_world):
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        small_world(connection)
        for number, category in enumerate(CATEGORIES):
            connection.execute("insert into core.category (name) values (%s)", (category,))
            connection.execute(
                "insert into core.venue (external_id, name, venue_type, location) values"
                " (%s, %s, %s, st_setsrid(st_makepoint(%s, %s), 4326)::geography)",
                (f"hall{number}", f"Hall {number}", f"kind{number % 3}", *GRENOBLE),
            )
        for number in range(MORE):
            _add(connection, number)
        book(connection, "reader", "more0", NOW - timedelta(days=3))
        book(connection, "broke", "more5", NOW - timedelta(days=3))
        for other in ("more7", "more9"):
            book(connection, "villager", other, NOW - timedelta(days=3))
        for kind, offer in (("view", "more1"), ("favourite", "more2"), ("click", "play-friday")):
            connection.execute(
                "insert into core.interaction (user_id, offer_id, kind, at)"
                " select u.id, o.id, %s, %s from core.beneficiary u, core.offer o"
                " where u.external_id = 'reader' and o.external_id = %s",
                (kind, NOW - timedelta(days=2), offer),
            )
        yield connection


def _add(connection, number):
    """Add a free, undated offer, published on a day of its own."""
    name = f"more{number}"
    connection.execute(
        "insert into core.item (external_id, title, category_id, genres)"
        " select %s, %s, id, array[%s] from core.category where name = %s",
        (name, f"Work {number}", f"genre {number % 5}", CATEGORIES[number % 4]),
    )
    connection.execute(
        "insert into core.offer (external_id, item_id, venue_id, published_at)"
        " select %s, i.id, v.id, %s from core.item i, core.venue v"
        " where i.external_id = %s and v.external_id = %s",
        (name, NOW - timedelta(days=4 * number), name, f"hall{number % 4}"),
    )
    connection.execute(
        "insert into core.stock (external_id, offer_id, price_cents)"
        " select %s, id, 0 from core.offer where external_id = %s",
        (name, name),
    )


def model_of(scorer, items):
    return LoadedModel(
        version="by hand", kind=scorer.kind, cutoff=None, created_at=NOW, digest="",
        half_life_days=None, metrics={}, items=items, users=encoded_ids(["nobody"]), scorer=scorer,
        calibration=Calibration(-4.0, 1.0, 0.1), history_start=np.zeros(2, dtype=np.int64),
        history_item=np.empty(0, dtype=np.int32), history_weight=np.empty(0, dtype=np.float32),
    )  # fmt: skip


def factors(seed, items):
    values = np.random.default_rng(seed).normal(size=(len(items), 5)).astype(np.float32)
    wide = values.astype(float)
    return Factors(values, wide.T @ wide, alpha=4.0, regularisation=1.0)


def neighbours(seed, items):
    generator, count = np.random.default_rng(seed), len(items)
    found = [np.flatnonzero(generator.random(count) < 0.3) for _ in range(count)]
    return ItemItem(
        np.append(0, np.cumsum([len(row) for row in found])),
        np.concatenate(found).astype(np.int32),
        generator.random(sum(map(len, found))).astype(np.float32),
    )


@pytest.fixture(scope="module")
def catalogue(connection):
    return build_catalogue(connection, NOW)


@pytest.fixture(scope="module")
def serving_of(catalogue):
    """Return what serves a random model, which knows most of the items and many others."""
    known = sorted(catalogue.items.item_external_id.tolist())[::-1][2:]
    items = np.array(sorted([*known, *(b"other%d" % n for n in range(60))]))
    made = {}

    def of(kind, seed):
        if (kind, seed) not in made:
            scorer = {"als": factors, "itemknn": neighbours}.get(kind)
            model = model_of(scorer(seed, items), items) if scorer else None
            made[kind, seed] = generation(catalogue, model)
        return made[kind, seed]

    return of


def query_of(user="reader", **asked):
    return feed_query(now=NOW, default_radius_m=50_000.0, user_id=user, **asked)


def said(item, code):
    return next((told for told in item.explanation if told.code == code), None)


asked_of = st.fixed_dictionaries(
    {
        "user": st.sampled_from(["reader", "broke", "villager"]),
        "n": st.integers(1, 20),
        "floor": st.sampled_from([0.0, 0.5, 0.9, 0.95, 1.0]),
        "intensity": st.sampled_from([1.0, 10.0, 100.0]),
        "points_a_booking": st.sampled_from([None, 1.0, 60.0]),
        "language": st.sampled_from(["fr", "en"]),
    }
)
models = st.tuples(st.sampled_from(["als", "itemknn", "none"]), st.integers(0, 5))


@given(asked=asked_of, model=models)
@settings(max_examples=40)
def test_each_offer_says_what_drew_it(connection, serving_of, asked, model):
    serving, query = serving_of(*model), query_of(**asked)
    answer = feed(connection, serving, query, SECRET).answer
    top = {item.offer_id for item in shown(connection, serving, asked, floor=1.0).items}
    state = read_situation(connection, serving, query).state
    for item in answer.items:
        (drawn,) = [told for told in item.explanation if told.code in DRAWN]
        assert drawn is item.explanation[0]
        assert "{" not in drawn.text
        row = serving.model.item_rows(encoded_ids([item.item_id]))[0] if serving.model else -1
        history = history_of(serving.model, state, NOW) if serving.model else None
        score = serving.model.scorer.scores(history, np.array([row]))[0] if history else np.nan
        if drawn.code in {"similar_to", "seen_before"}:
            check_likeness(serving.model, history, row, drawn)
            assert (drawn.code == "seen_before") == (drawn.parameters["item_id"] == item.item_id)
            assert "liked_by_people_like_you" in item.reasons
        elif drawn.code in {"likely", "to_widen"}:
            assert not np.isnan(score)
            assert (drawn.code == "likely") == (item.offer_id in top)
        else:
            assert np.isnan(score)
            check_bookings(connection, answer, item, drawn)


def check_likeness(model, history, row, drawn):
    """The score falls so far without the item that is named, and without no other one farther."""
    fall = {}
    for at, of in enumerate(history.rows):
        keep = np.arange(len(history)) != at
        rest = History(history.rows[keep], history.weights[keep])
        both = [model.scorer.scores(past, np.array([row]))[0] for past in (history, rest)]
        fall[model.items[of].decode()] = both[0] - np.nan_to_num(both[1])
    told = drawn.parameters["score_fall"]
    assert told == pytest.approx(fall[drawn.parameters["item_id"]], rel=1e-5, abs=1e-7)
    assert told == pytest.approx(max(fall.values()), rel=1e-5, abs=1e-7)
    assert told > 0.0
    if drawn.code == "similar_to":
        assert drawn.parameters["title"] in drawn.text


def check_bookings(connection, answer, item, drawn):
    booked, published_at = connection.execute(
        "select count(b.id), min(o.published_at) filter (where o.external_id = %s)"
        " from core.item i join core.offer o on o.item_id = i.id"
        " join core.stock s on s.offer_id = o.id left join core.booking b on b.stock_id = s.id"
        " where i.external_id = %s",
        (item.offer_id, item.item_id),
    ).fetchone()
    if booked:
        assert drawn.code == "popular_near_you"
        assert drawn.parameters["bookings_near"] == booked
        assert drawn.parameters["radius_km"] == answer.radius_m / 1000
        assert f" {answer.radius_m / 1000:g}\N{NO-BREAK SPACE}km" in drawn.text
        # Neither bookings elsewhere nor those on other dates are counted.
        assert " as offered " in drawn.text or " tel que proposé " in drawn.text
    elif NOW - published_at <= timedelta(days=28):
        assert drawn.code == "new"
    else:
        assert drawn.code == f"not_booked_{'lately' if item.venue else 'online'}"


def values_in_database(connection, offer_id):
    category, subcategory, venue, kind, genres = connection.execute(
        "select c.name, s.name, v.external_id, v.venue_type, i.genres from core.offer o"
        " join core.item i on i.id = o.item_id join core.category c on c.id = i.category_id"
        " left join core.subcategory s on s.id = i.subcategory_id"
        " left join core.venue v on v.id = o.venue_id where o.external_id = %s",
        (offer_id,),
    ).fetchone()
    return values_of(
        category=category, subcategory=subcategory, venue=venue, venue_type=kind, genres=genres
    )


def met_in_database(connection, user):
    booked = connection.execute(
        "select o.external_id from core.booking b join core.stock s on s.id = b.stock_id"
        " join core.offer o on o.id = s.offer_id join core.beneficiary u on u.id = b.user_id"
        " where u.external_id = %s",
        (user,),
    ).fetchall()
    return frozenset().union(*(values_in_database(connection, row[0]) for row in booked))


def shown(connection, serving, asked, **other):
    return feed(connection, serving, query_of(**{**asked, **other}), SECRET).answer


@given(asked=asked_of, model=models)
@settings(max_examples=30)
def test_each_offer_says_what_is_new_and_its_rank(connection, serving_of, asked, model):
    serving = serving_of(*model)
    met = met_in_database(connection, asked["user"])
    # So long a slate that no quota keeps anything out: all candidates by relevance alone.
    every = shown(connection, serving, asked, floor=1.0, n=100).items
    place = {item.offer_id: rank for rank, item in enumerate(every, start=1)}
    for item in shown(connection, serving, asked).items:
        new = values_in_database(connection, item.offer_id) - met
        told = [one for one in item.explanation if one.code.startswith("new_")]
        points = [one.parameters["points"] for one in told]
        assert points == sorted((POINTS[of] for of, _ in new), reverse=True)[:2]
        assert {(one.parameters["attribute"], one.parameters["value"]) for one in told} <= new
        for one in told:
            assert one.code == f"new_{one.parameters['attribute']}"
            assert one.text.endswith(f", +{one.parameters['points']:g}")
        assert said(item, "rank").parameters["rank"] == item.rank
        assert abs(item.probability - every[item.rank - 1].probability) < 1e-12
        assert place[item.offer_id] == item.rank


def test_what_is_farther_down_than_is_ranked_says_after_how_many(
    connection, serving_of, monkeypatch
):
    serving, asked = serving_of("als", 1), {"floor": 0.1, "user": "reader"}
    every = shown(connection, serving, asked | {"floor": 1.0}, n=100).items
    place = {item.offer_id: rank for rank, item in enumerate(every, start=1)}
    monkeypatch.setattr(
        pipeline, "ranking_of", lambda *given: replace(ranking_of(*given), most=3, first=1.0)
    )
    for language, text in (
        ("fr", "après le n° {} par pertinence"),
        ("en", "after no. {} by relevance"),
    ):
        items = shown(connection, serving, asked | {"language": language}, n=5).items
        known = [said(item, "rank").parameters["rank"] for item in items if item.rank]
        farther = [item for item in items if item.rank is None]
        assert len(known) + len(farther) == 5
        assert farther
        for item in farther:
            told = said(item, "rank_after")
            likelier = told.parameters["rank"]
            assert max(known, default=0) <= likelier < place[item.offer_id]
            assert 0 < likelier <= 3
            assert told.text == text.format(likelier)


def gain_of(connection, answer, met, intensity):
    chances = [1 - (1 - item.probability) ** intensity for item in answer.items]
    values = [values_in_database(connection, item.offer_id) for item in answer.items]
    return sum(expected_gains(values, chances, met))


@given(asked=asked_of, model=models)
@settings(max_examples=40)
def test_a_slate_says_what_the_floor_cost_and_brought(connection, serving_of, asked, model):
    serving = serving_of(*model)
    answer = shown(connection, serving, asked)
    likeliest = shown(connection, serving, asked, floor=1.0, points_a_booking=None)
    changed = {i.offer_id for i in answer.items} - {i.offer_id for i in likeliest.items}
    told = {one.code: one for one in answer.explanation}
    met, intensity = met_in_database(connection, asked["user"]), asked["intensity"]
    horizon = answer.horizon
    assert horizon.gain_at_intensity == pytest.approx(gain_of(connection, answer, met, intensity))
    assert sum(new.points * new.chance for new in horizon.additions) == pytest.approx(
        horizon.gain_at_intensity
    )
    assert {(of, value) for of, values in horizon.met.items() for value in values} == met
    assert not {(new.attribute, new.value) for new in horizon.additions} & met
    for_newcomer = gain_of(connection, answer, frozenset(), intensity)
    is_little = bool(met) and horizon.bound < 0.2 * for_newcomer
    assert ("little_left_to_meet" in answer.notes) == is_little
    if not changed:
        assert list(told) == ["likeliest_slate"]
        return
    gains = [
        [gain_of(connection, slate, met, m) for m in (intensity, 1.0)]
        for slate in (answer, likeliest)
    ]
    points, points_once = (
        of_slate - of_likeliest for of_slate, of_likeliest in zip(*gains, strict=True)
    )
    assert points >= -1e-9
    # What would read as none is not told.
    assert ("points_gained" in told) == (points >= 0.05)
    if "points_gained" in told:
        gained = told["points_gained"].parameters
        assert gained["points"] == pytest.approx(points, abs=1e-9)
        assert gained["points_once"] == pytest.approx(points_once, abs=1e-9)
    kept = told["relevance_kept"].parameters
    assert kept == {
        "relevance_kept": answer.relevance_kept,
        "floor": asked["floor"],
        "changed": len(changed),
    }
    price = told.get("points_a_booking")
    assert (price and price.parameters["points_a_booking"]) == asked["points_a_booking"]
    written = re.match(r"[\d,.]+", told["relevance_kept"].text)[0].replace(",", ".")
    assert answer.relevance_kept - 0.001 <= float(written) / 100 <= answer.relevance_kept + 1e-12


def choice_that_gains(points):
    """Return a choice of another slate than the likeliest."""
    likeliest = Widened(np.array([0, 1]), 1.0, np.array([0.5, 0.5]), 1.0, 2.0)
    widened = replace(likeliest, chosen=np.array([0, 2]), gain=1.0 + points)
    nothing = Scored(None, np.empty(0), np.empty(0), STRAIGHT)
    return Choice(nothing, widened, likeliest, 3, Pool(np.empty(0), None), np.arange(1, 4))


@pytest.mark.parametrize(("place", "is_told"), [(None, False), (0, True), (1, True)])
def test_a_slate_says_that_chance_has_a_place_in_it_whichever_that_is(place, is_told):
    choice = replace(choice_that_gains(1.0), explored=place)
    told = [one.code for one in explain_slate(choice, query_of())]
    assert ("one_to_learn" in told) == is_told


@pytest.mark.parametrize(("points", "is_told"), [(0.0499, False), (0.0501, True), (-0.2, False)])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_gain_that_would_read_as_none_is_not_told(language, points, is_told):
    choice = choice_that_gains(points)
    told = {one.code: one.text for one in explain_slate(choice, query_of(language=language))}
    assert ("points_gained" in told) == is_told
    assert not is_told or "+0,1," in told["points_gained"].replace(".", ",")


def live_offer(cap, *prices, published_at=None, is_digital=False):
    """Return an offer of item `i`, undated, of a cap, with a session at each price."""
    sessions = tuple(Session("s", None, cents, None) for cents in prices)
    return LiveOffer(
        0, "o", "i", None, None, [], False, published_at, "LIVRE", None, is_digital,
        None, None, None, None, None, None, sessions, len(prices), (cap, "none"),
    )  # fmt: skip


def means_told(left_cents, fair_cents, credit, *offers):
    """Return what is told of offers, each a cap of what is undated, and its sessions' prices."""
    picks = [SimpleNamespace(live=live_offer(*offer)) for offer in offers]
    told = explain_means(picks, Budget(left_cents, np.array(fair_cents)), credit, "en")
    return [of[0].parameters["fair_eur"] if of else None for of in told]


def test_means_are_told_of_who_has_less_than_fifty_euros():
    for left_cents, told in ((4_999, 20.0), (5_000, None)):
        credit = Credit(left_cents, None, None)
        assert means_told(left_cents, [2_000.0] * 3, credit, ("none", 700)) == [told]


def test_what_is_fair_is_told_by_the_cap_and_of_what_is_paid_for_alone():
    fair_cents, credit = [2_200.0, 1_000.0, 1_550.0], Credit(4_000, 2_000, None)
    offers = ("none", 2_200), ("digital", 1_000), ("digital", 1_001), ("physical", 1, 1_550)
    assert means_told(4_000, fair_cents, credit, *offers) == [22.0, 10.0, None, 15.5]
    # Every session, and nothing that is free: that is within anybody's means.
    others = ("none", 0), ("none", 0, 5), ("none", 5, 2_201)
    assert means_told(4_000, fair_cents, credit, *others) == [None, None, None]
    # No more than there is, and never rounded up.
    assert means_told(489, [500.0] * 3, Credit(489, None, None), ("none", 300)) == [4.8]


def drawn(**known):
    """Return the code of what draws an offer of item `i`, of which just so much is known."""
    unknown = {
        "live": live_offer("none", 0), "distance_m": 100.0, "probability": 0.1,
        "is_scored": False, "is_liked": False, "is_of_likeliest": True, "is_explored": False,
        "likeness": None, "preferred": None, "stated": None, "bookings_near": 0,
        "booked_online": 0, "is_booked_around": False, "rank": 1, "is_ranked": True,
    }  # fmt: skip
    around = SimpleNamespace(radius_m=5_000.0)
    here = Situation(query_of(), UserState(None, (), (), UNLIMITED), around)
    return explain_offer(Pick(**{**unknown, **known}), here)[0].code


def test_of_what_is_alike_is_told_what_has_a_title_or_was_seen():
    for item, title, code in (
        ("other", "Dune", "similar_to"),
        ("other", None, "likely"),
        ("i", None, "seen_before"),
    ):
        assert drawn(is_scored=True, likeness=Likeness(item, title, 0.5)) == code


def test_new_is_what_was_published_four_weeks_ago_at_most():
    for days, code in ((28, "new"), (28.001, "not_booked_lately"), (None, "not_booked_lately")):
        published_at = None if days is None else NOW - timedelta(days=days)
        assert drawn(live=live_offer("none", 0, published_at=published_at)) == code
        # What is booked speaks louder.
        assert drawn(
            live=live_offer("none", 0, published_at=published_at),
            bookings_near=1,
            is_booked_around=True,
        ) == "popular_near_you"  # fmt: skip


def test_what_nobody_booked_is_told_of_the_place_where_it_is():
    assert drawn(distance_m=None) == "not_booked_online"
    # As a game that is fetched in a shop.
    assert drawn(live=live_offer("digital", 0, is_digital=True)) == "not_booked_lately"


@pytest.mark.parametrize("user", ["free", "reader"])
def test_what_a_person_says_to_like_is_told_and_counts(connection, serving_of, user):
    serving, asked = serving_of("als", 0), {"user": user, "n": 100}
    before = {i.item_id: i.probability for i in shown(connection, serving, asked).items}
    liked = [("category", "CONCERT"), ("genre", "genre 2")]
    for kind, value in liked:
        connection.execute(
            "insert into core.taste (user_id, kind, value, at)"
            " select id, %s, %s, %s from core.beneficiary where external_id = %s",
            (kind, value, NOW - timedelta(days=1), user),
        )
    try:
        after = shown(connection, serving, asked).items
    finally:
        connection.execute("delete from core.taste")
    told = 0
    for item in after:
        stated = said(item, "stated_taste")
        is_liked = bool(values_in_database(connection, item.offer_id) & set(liked))
        assert (item.probability > before[item.item_id] * 1.001) == is_liked
        if stated:
            assert (stated.parameters["attribute"], stated.parameters["value"]) in liked
            assert is_liked
        elif is_liked:
            assert {"similar_to", "seen_before"} & {one.code for one in item.explanation}
        told += bool(stated)
    assert told >= 2


def test_bookings_are_told_of_where_they_were_made(new_world):
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        small_world(connection)
        for name, venue, price_cents in (("online", None, 2900), ("far", "village", 900)):
            connection.execute(
                "insert into core.offer (external_id, item_id, venue_id)"
                " select %s, id, (select id from core.venue where external_id = %s)"
                " from core.item where external_id = 'manga'",
                (f"manga-{name}", venue),
            )
            connection.execute(
                "insert into core.stock (external_id, offer_id, price_cents)"
                " select external_id, id, %s from core.offer where external_id = %s",
                (price_cents, f"manga-{name}"),
            )

        def drawn():
            serving = generation(build_catalogue(connection, NOW), None)
            guest = query_of(None, n=100, lat=GRENOBLE[1], lon=GRENOBLE[0])
            answer = feed(connection, serving, guest, SECRET).answer
            (item,) = [item for item in answer.items if item.item_id == "manga"]
            assert item.offer_id == "manga-shop"
            return item.explanation[0], "popular_near_you" in item.reasons

        for user in ("broke", "late"):
            book(connection, user, "manga-online", NOW - timedelta(days=1))
        told, is_popular_near = drawn()
        assert (told.code, told.parameters) == ("popular_online", {"bookings_near": 2})
        assert not is_popular_near
        # Around or online, that may be: this one is far away.
        book(connection, "villager", "manga-far", NOW - timedelta(days=1))
        told, is_popular_near = drawn()
        assert (told.code, told.parameters["bookings_near"]) == ("popular_near_or_online", 2)
        assert not is_popular_near
        book(connection, "free", "manga-shop", NOW - timedelta(days=1))
        told, is_popular_near = drawn()
        assert (told.code, told.parameters["bookings_near"]) == ("popular_near_or_online", 3)
        assert is_popular_near


def test_bookings_of_what_is_not_offered_any_more_are_not_told(new_world):
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        small_world(connection)
        connection.execute(
            "insert into core.offer (external_id, item_id, venue_id, withdrawn_at)"
            " select 'manga-gone', item_id, venue_id, %s from core.offer"
            " where external_id = 'manga-shop'",
            (NOW - timedelta(hours=1),),
        )
        connection.execute(
            "insert into core.stock (external_id, offer_id, price_cents)"
            " select external_id, id, 500 from core.offer where external_id = 'manga-gone'"
        )
        for user, offer in (("broke", "gone"), ("late", "gone"), ("free", "shop")):
            book(connection, user, f"manga-{offer}", NOW - timedelta(days=1))
        serving = generation(build_catalogue(connection, NOW), None)
        for language, told in (
            ("en", "booked once lately as offered here, within 200\xa0km"),
            ("fr", "réservé une fois récemment tel que proposé ici, à moins de 200\xa0km"),
        ):
            guest = query_of(None, n=100, lat=GRENOBLE[1], lon=GRENOBLE[0], language=language)
            answer = feed(connection, serving, guest, SECRET).answer
            (item,) = [item for item in answer.items if item.item_id == "manga"]
            assert item.explanation[0].parameters["bookings_near"] == 1
            assert item.explanation[0].text == told


def test_some_of_all_is_said(connection, serving_of):
    """The properties above are not of an empty set."""
    codes = set()
    for kind, seed in (("als", 0), ("als", 1), ("itemknn", 2), ("none", 0)):
        for floor, n in ((0.5, 8), (1.0, 8), (1.0, 100)):
            answer = feed(
                connection, serving_of(kind, seed), query_of(floor=floor, n=n), SECRET
            ).answer
            told = [*answer.explanation, *(one for i in answer.items for one in i.explanation)]
            codes |= {one.code for one in told}
    assert {"similar_to", "likely", "to_widen", "new", "popular_near_you", "rank"} <= codes
    assert {"not_booked_lately", "not_booked_online"} <= codes
    assert {"new_category", "likeliest_slate", "relevance_kept", "points_gained"} <= codes


def test_words_are_of_the_language_that_was_asked_for(connection, serving_of):
    play = {
        language: next(
            item
            for item in shown(connection, serving_of("none", 0), {"language": language}).items
            if item.offer_id == "play-friday"
        )
        for language in ("fr", "en")
    }
    assert (
        said(play["fr"], "new_category").text == "nouvel univers\N{NO-BREAK SPACE}: Spectacle, +25"
    )
    assert said(play["en"], "new_category").text == "new world: Stage, +25"
    assert (
        said(play["fr"], "new_venue_type").text
        == "nouveau type de lieu\N{NO-BREAK SPACE}: théâtre, +20"
    )
    assert said(play["fr"], "rank").text == f"n° {play['fr'].rank} par pertinence"
    assert said(play["en"], "new_venue_type").parameters["value"] == "theatre"


def ranked(serving, lift):
    """Return what serves the same model with a ranker that goes by one's own bookings."""
    rising = np.array([0.0, 1e-3])
    facts = RankerFacts(
        distance_knots_per_m=1e-4, price_knots_per_cent=1e-2, wait_knots_per_day=0.1,
        rarity_knots_per_log=1.0, online=0.0, crowding=0.0, popular_intercept=0.0,
        popular_slope=1.0, affinity=AffinityFacts(prior_bookings=0.5, lift=lift, met=0.0),
    )  # fmt: skip
    ranker = Ranker.of(facts, dict.fromkeys(RANKER_LAYOUT, rising))
    model = replace(serving.model, calibration=Calibration(-4.0, 1e-3, 0.1), ranker=ranker)
    return generation(serving.catalogue, model)


def test_what_a_person_books_more_of_is_told_where_it_counts(connection, serving_of):
    user = "broke"
    asked = {"user": user, "n": 100, "floor": 1.0}
    with_it, without = (
        shown(connection, ranked(serving_of("als", 0), lift), asked).items for lift in (9.0, 0.0)
    )
    met = met_in_database(connection, user)
    odds = {item.item_id: item.probability / (1 - item.probability) for item in without}
    found = 0
    for item in with_it:
        times = item.probability / (1 - item.probability) / odds[item.item_id]
        told = said(item, "booked_before")
        if told is None:
            assert times < 1.5 + 1e-9
            continue
        value = told.parameters["attribute"], told.parameters["value"]
        assert value in met & values_in_database(connection, item.offer_id)
        assert told.parameters["odds"] == pytest.approx(times)
        assert times >= 1.5 - 1e-9
        assert told.parameters["bookings"] >= 1
        found += 1
    assert found
    assert not any(said(item, "booked_before") for item in without)
