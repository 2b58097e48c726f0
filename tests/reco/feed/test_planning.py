"""Agendas that can be kept: no two sessions at the same time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import NOW

from reco.feed.answer import Session
from reco.feed.planning import ASSUMED_DURATION, planned
from reco.feed.readback import LiveOffer

hours = st.integers(1, 40)
sessions = st.one_of(
    st.none(),
    st.tuples(hours, st.sampled_from([None, -2, 0, 1, 3])),
    st.tuples(hours, st.just(None)),
)


def session(number, asked):
    if asked is None:
        return Session(f"s{number}", None, 500, None)
    starts, lasts = asked
    begins = NOW + timedelta(hours=starts)
    ends = None if lasts is None else begins + timedelta(hours=lasts)
    return Session(f"s{number}", begins, 500, None, ends)


def offer(number, asked):
    return LiveOffer(
        number, f"o{number}", f"i{number}", None, None, [], False, None, "CINEMA", None, False,
        None, None, None, None, None, None,
        tuple(session(f"{number}.{place}", one) for place, one in enumerate(asked)),
    )  # fmt: skip


def span(one):
    lasts = one.ends_at is not None and one.ends_at > one.starts_at
    return one.starts_at, one.ends_at if lasts else one.starts_at + ASSUMED_DURATION


@given(st.lists(st.lists(sessions, min_size=1, max_size=4), max_size=8))
def test_what_is_kept_fits_and_what_is_not_collides_with_what_came_before(asked):
    offers = [offer(number, one) for number, one in enumerate(asked)]
    kept, colliding = planned(offers)
    assert sorted([one.id for one in kept] + list(colliding)) == [one.id for one in offers]
    taken = {one.id: one.sessions[0] for one in kept if one.sessions[0].starts_at is not None}
    assert all(len(one.sessions) == 1 for one in kept if one.id in taken)
    assert all(one.sessions_total == len(one.sessions) for one in kept)
    spans = sorted(span(one) for one in taken.values())
    assert all(ends <= begins for (_, ends), (begins, _) in pairwise(spans))
    for number in colliding:
        before = [span(taken[other]) for other in taken if other < number]
        assert all(
            any(begins < end and start < ends for start, end in before)
            for begins, ends in map(span, offers[number].sessions)
        )


@pytest.mark.parametrize(
    ("first", "second", "collide"),
    [
        # Hours from now, and how long: without an end, or with none after its start, two.
        ((2, None), (4, None), False),
        ((2, None), (3, None), True),
        ((2, 0), (3, None), True),
        ((2, 0), (4, None), False),
        ((2, -2), (3, None), True),
        ((2, 3), (4, None), True),
        ((2, 3), (5, None), False),
        ((2, 1), (3, None), False),
    ],
)
def test_one_may_begin_when_another_ends_and_no_sooner(first, second, collide):
    for earlier, later in (((1, [first]), (2, [second])), ((2, [second]), (1, [first]))):
        kept, colliding = planned([offer(*earlier), offer(*later)])
        assert [one.id for one in kept] == [earlier[0]] + [later[0]] * (not collide)
        assert colliding == ({later[0]} if collide else set())


def test_what_no_end_is_known_of_lasts_two_hours():
    begins = NOW + timedelta(hours=1)
    for minutes, number in ((119, 1), (120, 2)):
        other = Session("s2", begins + timedelta(minutes=minutes), 500, None)
        offers = [offer(1, [(1, None)]), replace(offer(2, []), sessions=(other,), sessions_total=1)]
        assert len(planned(offers)[0]) == number


def test_a_session_at_the_end_of_the_calendar_takes_what_is_left_of_it():
    begins = datetime(9999, 12, 31, 23, 30, tzinfo=UTC)
    first, second = (
        replace(
            offer(number, []),
            sessions=(Session(f"s{number}", begins, 500, None),),
            sessions_total=1,
        )
        for number in (1, 2)
    )
    assert planned([first, second]) == ([first], {2})
