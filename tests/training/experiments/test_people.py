"""Figures of the people of an experiment, held against what was laid down by hand."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from traces import id_of, record, slate_of
from worlds import ITEMS, NOW, OFFERS, VENUES, book, small_world

from features.horizon import points, values_of
from reco.experiments.exposure import Exposure
from reco.experiments.plan import Experiment, Plan, Variant
from training.experiments.people import Counts, read_people

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UNTIL = NOW + 30 * DAY
PLAN = Plan(
    name="wider",
    salt="s",
    variants=(Variant("control"), Variant("wide")),
    metric="horizon_points",
    guards={},
    window=7 * DAY,
    planned_users=100,
)
EXPERIMENT = Experiment(PLAN, "running", NOW, "mia", NOW)


@pytest.fixture
def filled(world, connection):
    small_world(connection)
    return world


@pytest.fixture
def offer_ids(filled, connection):
    return dict(connection.execute("select external_id, id from core.offer"))


@pytest.fixture
def show(filled, connection, offer_ids):
    """A function that puts a slate on record and returns its id."""

    def show(user, variant, at, *offers, experiment="wider", kept=1.0):
        shown = [offer_ids[offer] for offer in offers]
        slate = replace(
            slate_of(user and id_of(connection, user), uuid4(), at),
            exposure=Exposure(experiment, variant),
            relevance_kept=kept,
            offers=shown,
            probabilities=[0.1] * len(shown),
            propensities=[1.0] * len(shown),
            gains=[0.0] * len(shown),
        )
        record(filled, slate)
        return slate.id

    return show


def test_nobody_yet(filled):
    people = read_people(filled.conninfo, EXPERIMENT, UNTIL)
    assert people.counts == {}
    assert len(people.variant) == 0
    assert all(len(figure) == 0 for figure in people.figures.values())


def test_people_are_counted_from_their_first_slate_on_for_a_window(filled, connection, show):
    show("reader", "control", NOW + HOUR, "manga-shop", "play-friday", kept=0.75)
    show("reader", "control", NOW + 9 * DAY, "film-tonight", kept=0.25)
    book(connection, "reader", "manga-shop", NOW + DAY)
    book(connection, "reader", "film-tonight", NOW + 2 * DAY)
    book(connection, "reader", "play-friday", NOW + 8 * DAY)
    show("free", "wide", NOW + 2 * HOUR)
    named = show("free", "wide", NOW + DAY, "film-tonight")
    book(connection, "free", "film-tonight", NOW + 3 * DAY, cancelled_at=NOW + 4 * DAY)
    book(connection, "free", "play-friday", NOW + 3 * DAY, cancelled_at=NOW + 20 * DAY)
    book(connection, "free", "manga-shop", NOW + 5 * DAY)
    connection.execute(
        "update core.booking b set slate_id = %s from core.stock s"
        " where s.id = b.stock_id and s.external_id = 'manga-shop' and b.user_id = %s",
        (named, id_of(connection, "free")),
    )
    show("broke", "control", NOW + 3 * HOUR, "fair-village")
    connection.execute(
        "insert into core.interaction (user_id, offer_id, kind, at)"
        " select %s, id, 'booking', %s from core.offer where external_id = 'fair-village'",
        (id_of(connection, "broke"), NOW + 2 * HOUR),
    )
    show("late", "wide", NOW + 28 * DAY, "film-tonight")
    show(None, "wide", NOW + DAY, "film-tonight")
    show("villager", "wide", NOW + DAY, "film-village", experiment="another")

    people = read_people(filled.conninfo, EXPERIMENT, UNTIL)
    assert people.counts == {
        "control": Counts(2, 3, 4, ("als-77",)),
        "wide": Counts(2, 3, 2, ("als-77",)),
    }
    assert people.variant.tolist() == ["control", "wide", "control"]
    figures = {name: figure.tolist() for name, figure in people.figures.items()}
    assert figures == {
        # The reader knew the bookshop and its books: a genre, and all of the film. The play that
        # `free` cancelled after the window counts, tonight's film does not.
        "horizon_points": [5.0 + 65.0, 65.0 + 65.0, 0.0],
        "bookings": [1.0, 1.0, 0.0],
        "bookings_made": [2.0, 2.0, 0.0],
        "cancellations": [0.0, 1.0, 0.0],
        "empty_slates": [0.0, 0.5, 0.0],
        "relevance_kept": [0.75, 1.0, 1.0],
    }
    assert people.of("bookings_made", "control").tolist() == [2.0, 0.0]


def test_who_is_judged_never_changes_again(filled, connection, show):
    show("reader", "control", NOW + HOUR, "manga-shop")
    book(connection, "reader", "manga-shop", NOW + DAY)
    early = read_people(filled.conninfo, EXPERIMENT, NOW + HOUR + 7 * DAY)
    book(connection, "reader", "film-tonight", NOW + 10 * DAY)
    connection.execute("update core.booking set cancelled_at = %s", (NOW + 12 * DAY,))
    show("free", "wide", NOW + HOUR + 7 * DAY)
    again = read_people(filled.conninfo, EXPERIMENT, NOW + HOUR + 7 * DAY)
    assert again.counts == early.counts == {"control": Counts(1, 1, 1, ("als-77",))}
    late = read_people(filled.conninfo, EXPERIMENT, UNTIL)
    assert late.variant.tolist() == ["control", "wide"]
    for name, figure in early.figures.items():
        assert late.figures[name][: len(figure)].tolist() == figure.tolist()


def test_who_sees_another_variant_later_is_of_the_first(filled, show):
    show("reader", "wide", NOW + HOUR, "manga-shop")
    show("reader", "control", NOW + DAY, "manga-shop")
    assert read_people(filled.conninfo, EXPERIMENT, UNTIL).variant.tolist() == ["wide"]


def test_what_is_cancelled_in_the_window_had_been_met_before_it(filled, connection, show):
    show("free", "wide", NOW, "film-tonight")
    book(connection, "free", "classic-soon", NOW - DAY, cancelled_at=NOW + DAY)
    book(connection, "free", "play-friday", NOW - 2 * DAY, cancelled_at=NOW - DAY)
    book(connection, "free", "film-tonight", NOW + 2 * DAY)
    book(connection, "free", "play-friday", NOW + 2 * DAY)
    people = read_people(filled.conninfo, EXPERIMENT, UNTIL)
    # Of the cinema's second film the genre is new; of the play, cancelled long ago, everything.
    assert people.figures["horizon_points"].tolist() == [5.0 + 65.0]
    assert people.figures["cancellations"].tolist() == [0.0]


@pytest.mark.parametrize("reason", ["venue", "expired"])
def test_what_others_cancelled_is_nobodys_change_of_mind(filled, connection, show, reason):
    show("free", "wide", NOW, "film-tonight")
    book(connection, "free", "film-tonight", NOW + DAY, cancelled_at=NOW + 2 * DAY)
    connection.execute(
        "update core.booking set cancel_reason = %s where cancelled_at is not null", (reason,)
    )
    people = read_people(filled.conninfo, EXPERIMENT, UNTIL)
    assert people.figures["cancellations"].tolist() == [0.0]
    assert people.figures["bookings_made"].tolist() == [0.0]


def test_points_are_those_of_the_horizon(filled, connection, show):
    kinds = {name: kind for name, (_, _, kind) in VENUES.items()}
    values = {
        offer.offer: values_of(
            category=ITEMS[offer.item][0],
            subcategory=ITEMS[offer.item][1],
            venue=offer.venue,
            venue_type=kinds.get(offer.venue),
            genres=[f"genre of {offer.item}"],
        )
        for offer in OFFERS
    }
    generator = np.random.default_rng(2)
    users = ("free", "late", "broke", "villager", "nowhere")
    expected = []
    for place, user in enumerate(users):
        show(user, "wide", NOW + place * HOUR)
        before, after = (
            [OFFERS[at].offer for at in generator.choice(len(OFFERS), 3)] for _ in range(2)
        )
        for offers, first_at in ((before, NOW - 20 * DAY), (after, NOW + DAY)):
            for day, offer in enumerate(offers):
                book(connection, user, offer, first_at + day * DAY)
        met = frozenset().union(*(values[offer] for offer in before))
        expected.append(points([values[offer] for offer in after], met))
    people = read_people(filled.conninfo, EXPERIMENT, UNTIL)
    assert people.figures["horizon_points"].tolist() == expected
    assert len(set(expected)) > 2
