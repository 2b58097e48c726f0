"""What data sets say of offers, and what is to be found in them."""

from dataclasses import replace

import numpy as np
import pytest
from tastes import START, events_of

from features.horizon import value_table, values_of
from features.interactions import BOOKING, VIEW
from reco.errors import InvalidInput
from reco.frames.tables import frame_table
from training.slate_data import SlateData, ranked_kinds, read_slate_data, stated_attributes
from training.slate_lists import of_large_venues
from training.slate_tasks import slate_tasks


def items(**columns):
    count = len(next(iter(columns.values())))
    ids = [f"i{at}" for at in range(count)]
    return frame_table("items", {"item_id": ids, "category": ["FILM"] * count, **columns})


def test_genres_stand_for_categories_where_all_items_have_one():
    films = items(genre=["drama|comedy", None])
    assert stated_attributes(films) == [
        {("category", "drama"), ("category", "comedy")},
        frozenset(),
    ]
    several = items(category=["FILM", "LIVRE"], genre=["drama", "drama"])
    assert stated_attributes(several)[1] == values_of(category="LIVRE", genres=["drama"])


def test_a_place_is_of_its_most_frequent_kind_that_tells_something():
    places = items(genre=["food|cafe|jazz", "food|cafe", "food", "cafe", None, "food"])
    found = ranked_kinds(places)
    # Food is the most frequent of all, so that the second tells more, where there is one.
    assert found[0] == values_of(category="cafe", subcategory="jazz")
    assert found[2] == values_of(category="food", subcategory="food")
    assert found[4] == frozenset()


def test_kinds_beyond_the_most_frequent_are_one_category():
    common = [f"k{at:02}" for at in range(40) for _ in range(2)]
    found = ranked_kinds(items(genre=[*common, "rare", "odd"]))
    assert found[-1] == values_of(category="other", subcategory="odd")
    assert found[-2] == values_of(category="other", subcategory="rare")
    assert found[0] == values_of(category="k00", subcategory="k00")


def test_an_unknown_format_is_told(tmp_path):
    with pytest.raises(InvalidInput, match="Accepted: frames, yelp-poi, movielens, meetup"):
        read_slate_data(tmp_path, "csv")


def data_of(offer, day, offer_item, values, cancelled=None):
    offer = np.asarray(offer, dtype=np.int32)
    offer_item = np.asarray(offer_item, dtype=np.int32)
    events = events_of(
        np.zeros(len(offer), int),
        offer_item[offer],
        day,
        items=offer_item.max() + 1,
        cancelled=cancelled,
    )
    venue = np.arange(len(offer_item))
    place = np.full((len(offer_item), 2), np.nan)
    return SlateData(events, offer, offer_item, value_table(values), venue, place)


def test_a_hit_counts_by_its_item_and_earns_by_its_offer():
    halls = [values_of(venue=name) for name in "abc"]
    # Item 0 at two venues, item 1 at a third; seven of ten events train, one chooses, two test.
    data = data_of([2] * 8 + [0, 1], range(10), [0, 0, 1], halls)
    _, test = slate_tasks(data, "time")
    assert test.part.cutoff == START + np.timedelta64(8, "D")
    assert test.found.item.tolist() == [0, 0]
    assert test.found.offer.tolist() == [0, 1]
    met = test.times_met.toarray()[0]
    assert met.tolist() == [0, 0, 8]


def test_what_was_cancelled_later_had_been_met():
    days, cancelled = [*range(10), 0, 1, 9], [None] * 10 + [9, 2, 9]
    data = data_of(
        [0] * 10 + [1] * 3, days, [0, 1], [values_of(venue=name) for name in "ab"], cancelled
    )
    choosing, test = slate_tasks(data, "time")
    assert [len(task.part.past) for task in (choosing, test)] == [8, 9]
    assert [len(task.part.future) for task in (choosing, test)] == [1, 2]
    assert test.times_met.toarray()[0].tolist() == [8, 1]


def test_an_item_is_shown_at_the_offer_that_was_booked_most():
    halls = [values_of(venue=name) for name in "ab"]
    data = data_of([0, 1, 1, 1, 0, 1, 0, 0, 0, 0], range(10), [0, 0], halls)
    choosing, test = slate_tasks(data, "time")
    assert choosing.venue.tolist() == [1]
    assert test.venue.tolist() == [0]


def test_large_venues_are_the_fewest_that_had_half_of_the_past():
    halls = [values_of(venue=name) for name in "abc"]
    data = data_of([0] * 3 + [1] * 2 + [2] * 2 + [1] * 3, range(10), [0, 1, 2], halls)
    choosing, _ = slate_tasks(data, "time")
    # Three and two of seven events: the first alone has less than half of them.
    assert of_large_venues(choosing).tolist() == [True, True, False]
    # Three who looked at it are no bookings of the first.
    looked = replace(data, events=replace(data.events, kind=np.array([VIEW] * 3 + [BOOKING] * 7)))
    assert of_large_venues(slate_tasks(looked, "time")[0]).tolist() == [False, True, False]


def test_a_part_of_the_users_keeps_what_is_theirs():
    halls = [values_of(venue=name) for name in "abcd"]
    data = data_of([0] * 8 + [1, 2], range(10), [0, 1, 2, 3], halls)
    _, test = slate_tasks(data, "time")
    nobody = test.take(np.empty(0, dtype=np.int64))
    assert (len(nobody.task.users), len(nobody.found.user)) == (0, 0)
    assert test.take(np.array([0])).found.item.tolist() == [1, 2]


def test_a_split_that_the_data_lack_is_told():
    data = data_of([0, 0], [0, 1], [0], [values_of(venue="a")])
    with pytest.raises(InvalidInput, match="--split time"):
        slate_tasks(data, "given")
    with pytest.raises(InvalidInput, match="Accepted: given, time"):
        slate_tasks(data, "random")
