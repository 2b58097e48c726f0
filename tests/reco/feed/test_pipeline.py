"""Feeds over a real database: what is shown, to whom, and what never is."""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console
from worlds import FAR, GRENOBLE, NOW, OFFERS, VENUES, book, small_world

from reco.catalogue.build import build_catalogue
from reco.errors import InvalidInput
from reco.feed import pipeline
from reco.feed.cursor import read_cursor
from reco.feed.generation import generation
from reco.feed.pipeline import feed
from reco.feed.query import feed_query
from reco.feed.shown import continued
from reco.feed.situation import read_situation
from reco.feed.surroundings import look_around
from reco.feed.table import agenda_table, chance_text
from reco.geo.points import Point

SECRET = "a secret of at least thirty-two bytes"


@pytest.fixture
def town(connection):
    small_world(connection)
    return connection


def ask(connection, user_id="reader", at=NOW, serving=None, **asked):
    as_of = None if at == NOW else at
    serving = serving or generation(build_catalogue(connection, at, as_of), None)
    query = feed_query(now=at, as_of=as_of, default_radius_m=50_000.0, user_id=user_id, **asked)
    return feed(connection, serving, query, SECRET).answer


def offers(answer):
    return {item.offer_id for item in answer.items}


def test_what_the_reader_can_book(town):
    answer = ask(town, radius_km=50.0)
    assert offers(answer) == {
        "manga-shop",
        "ebook-online",
        "film-tonight",
        "classic-soon",
        "play-friday",
    }
    assert answer.location_used.source == "home"
    assert answer.horizon.points == 65.0
    assert answer.horizon.categories == ("LIVRE",)
    probabilities = [item.probability for item in answer.items]
    assert probabilities == sorted(probabilities, reverse=True)
    assert answer.relevance_kept == 1.0


def test_an_offer_shows_its_first_sessions_and_the_cheapest_and_says_how_many_there_are(town):
    town.execute(
        "insert into core.stock (external_id, offer_id, price_cents, starts_at)"
        " select 'play ' || n, id, case n when 19 then 300 else 1500 end, %s + n * interval '1 day'"
        " from core.offer, generate_series(6, 25) n where external_id = 'play-friday'",
        (NOW,),
    )

    def play(**asked):
        answer = ask(town, categories=["SPECTACLE"], **asked)
        return next(item for item in answer.items if item.item_id == "play"), answer

    item, answer = play()
    first = ["play-friday", *(f"play {n}" for n in range(6, 12))]
    assert [session.stock_id for session in item.sessions] == [*first, "play 19"]
    assert item.sessions_total == 21
    console = Console(width=200)
    with console.capture() as printed:
        console.print(agenda_table(answer, "reader", ZoneInfo("UTC")))
    assert "+ 20 more" in printed.get()
    later, _ = play(starts_from=NOW + timedelta(days=20))
    assert len(later.sessions) == later.sessions_total == 6
    planned, _ = play(plan=True)
    assert len(planned.sessions) == planned.sessions_total == 1


def test_many_reasons_are_wrapped_in_a_file_too(town):
    answer = ask(town)
    reasons = replace(answer.items[0], explanation=answer.items[0].explanation[:1] * 9)
    console = Console(width=1_000)
    with console.capture() as printed:
        console.print(agenda_table(replace(answer, items=(reasons,)), "reader", ZoneInfo("UTC")))
    cells = [line.split("│")[-2] for line in printed.get().splitlines() if line.startswith("│")]
    assert len(cells) > 2
    assert max(len(cell.strip()) for cell in cells) <= 60


def test_a_small_chance_is_not_told_as_none():
    assert [chance_text(chance) for chance in (None, 0.00004, 0.0001, 0.0064)] == [
        "",
        "< 0.01%",
        "0.01%",
        "0.64%",
    ]


def test_a_first_category_is_said_and_gains(town):
    items = {item.offer_id: item for item in ask(town).items}
    assert "first_of_category" in items["play-friday"].reasons
    assert "first_of_category" not in items["manga-shop"].reasons
    assert items["play-friday"].gain > 0


def test_an_item_is_shown_once_at_its_nearest_offer(town):
    wide = ask(town, radius_km=200.0, lat=(GRENOBLE[1] + FAR[1]) / 2, lon=GRENOBLE[0])
    films = [item.offer_id for item in wide.items if item.item_id == "film"]
    assert len(films) == 1
    near_village = ask(town, lat=FAR[1], lon=FAR[0], radius_km=20.0)
    assert "film-village" in offers(near_village)


def test_nobody_pays_what_they_do_not_have(town):
    assert offers(ask(town, "broke")) == set()
    assert offers(ask(town, "broke", lat=FAR[1], lon=FAR[0])) == {"fair-village"}
    assert "no_credit_left_free_only" in ask(town, "broke").notes
    assert "no_credit_left_free_only" in ask(town, "late").notes
    assert "opera-dear" not in offers(ask(town, "reader", n=100))
    assert "opera-dear" in offers(ask(town, "free", n=100))


def test_the_digital_cap_counts_what_was_spent(town):
    assert "ebook-online" in offers(ask(town, "reader"))
    book(town, "reader", "ebook-online", NOW - timedelta(days=5), 5.0)
    town.execute(
        "insert into core.item (external_id, category_id, subcategory_id)"
        " select 'ebook2', category_id, subcategory_id from core.item"
        " where external_id = 'ebook'"
    )
    town.execute(
        "insert into core.offer (external_id, item_id)"
        " select 'ebook2-online', id from core.item where external_id = 'ebook2'"
    )
    town.execute(
        "insert into core.stock (external_id, offer_id, price_cents)"
        " select 'ebook2-online', id, 100 from core.offer"
        " where external_id = 'ebook2-online'"
    )
    assert "ebook2-online" not in offers(ask(town, "reader"))
    assert "ebook2-online" in offers(ask(town, "free"))


def test_booked_and_dismissed_do_not_come_back(town):
    town.execute(
        "insert into core.interaction (user_id, offer_id, kind, at)"
        " select u.id, o.id, 'dismiss', %s from core.beneficiary u, core.offer o"
        " where u.external_id = 'reader' and o.external_id = 'play-friday'",
        (NOW,),
    )
    shown = offers(ask(town))
    assert not shown & {"play-friday", "novel-shop"}


def test_what_was_kept_since_it_was_dismissed_comes_back_and_goes_when_dismissed_again(town):
    def tell(kind, at):
        town.execute(
            "insert into core.interaction (user_id, offer_id, kind, at)"
            " select u.id, o.id, %s, %s from core.beneficiary u, core.offer o"
            " where u.external_id = 'reader' and o.external_id = 'film-tonight'",
            (kind, at),
        )

    # Some were imported without a time.
    for kind, at in (("dismiss", None), ("favourite", None), ("dismiss", NOW - timedelta(days=3))):
        tell(kind, at)
        assert ("film-tonight" in offers(ask(town))) is False
    # Another offer of the same work.
    town.execute(
        "insert into core.interaction (user_id, offer_id, kind, at)"
        " select u.id, o.id, 'favourite', %s from core.beneficiary u, core.offer o"
        " where u.external_id = 'reader' and o.external_id = 'film-village'",
        (NOW - timedelta(days=2),),
    )
    assert "film-tonight" in offers(ask(town))
    tell("dismiss", NOW - timedelta(days=1))
    assert "film-tonight" not in offers(ask(town))


def test_what_a_clock_that_runs_ahead_has_recorded_counts_at_once(town):
    ahead = NOW + timedelta(minutes=3)
    for kind, offer in (("dismiss", "play-friday"), ("favourite", "manga-shop")):
        town.execute(
            "insert into core.interaction (user_id, offer_id, kind, at)"
            " select u.id, o.id, %s, %s from core.beneficiary u, core.offer o"
            " where u.external_id = 'reader' and o.external_id = %s",
            (kind, ahead, offer),
        )
    book(town, "reader", "classic-soon", ahead, 7.0)
    assert not offers(ask(town)) & {"play-friday", "classic-soon"}
    assert "play-friday" in offers(ask(town, at=NOW - timedelta(minutes=1)))


def test_a_dismissal_counts_however_much_was_looked_at_since(town):
    for kind, offer, count in (("dismiss", "play-friday", 1), ("view", "manga-shop", 1_200)):
        town.execute(
            "insert into core.interaction (user_id, offer_id, kind, at)"
            " select u.id, o.id, %s, %s::timestamptz - (%s - n) * interval '1 second'"
            " from core.beneficiary u, core.offer o, generate_series(1, %s) n"
            " where u.external_id = 'reader' and o.external_id = %s",
            (kind, NOW - timedelta(days=count == 1), count, count, offer),
        )
    assert "play-friday" not in offers(ask(town))


def test_what_was_dismissed_or_kept_again_and_again_is_read_once(town):
    kinds = ("dismiss", "favourite", "restore")
    days_ago = {"manga-shop": (3, None, 5), "play-friday": (9, 2, 4)}
    for offer, days in days_ago.items():
        for one in days:
            at = None if one is None else NOW - timedelta(days=one)
            town.execute(
                "insert into core.interaction (user_id, offer_id, kind, at)"
                " select u.id, o.id, k.kind, %s from core.beneficiary u, core.offer o,"
                " unnest(%s::text[]) k (kind)"
                " where u.external_id = 'reader' and o.external_id = %s",
                (at, list(kinds), offer),
            )
    serving = generation(build_catalogue(town, NOW), None)
    query = feed_query(now=NOW, default_radius_m=5e4, user_id="reader")
    found = read_situation(town, serving, query).state.interactions
    # What has no time never fades: it counts most. But it is not what was told last.
    last = {("manga", None), ("manga", NOW - timedelta(days=3)), ("play", NOW - timedelta(days=2))}
    assert len(found) == len(kinds) * len(last)
    assert {(one.kind, one.item, one.at) for one in found} == {
        (kind, *one) for kind in kinds for one in last
    }


def test_a_deposit_that_is_not_granted_yet_buys_nothing(town):
    town.execute(
        "update core.deposit set granted_at = %s where user_id ="
        " (select id from core.beneficiary where external_id = 'reader')",
        (NOW + timedelta(days=7),),
    )
    answer = ask(town)
    assert "no_credit_left_free_only" in answer.notes
    assert all(s.price_cents == 0 for item in answer.items for s in item.sessions)


def test_a_cancelled_booking_counts_for_nothing(town):
    town.execute("update core.booking set cancelled_at = %s", (NOW - timedelta(days=1),))
    answer = ask(town)
    assert "novel-shop" in offers(answer)
    assert answer.horizon.points == 0


def test_sold_out_since_the_catalogue_was_built_drops_out(town):
    serving = generation(build_catalogue(town, NOW), None)
    assert "film-tonight" in offers(ask(town, serving=serving))
    book(town, "free", "film-tonight", NOW, quantity=2)
    assert "film-tonight" not in offers(ask(town, serving=serving))


def test_what_costs_too_much_since_the_catalogue_was_built_drops_out(town):
    serving = generation(build_catalogue(town, NOW), None)
    assert {"ebook-online", "play-friday"} <= offers(ask(town, serving=serving))
    town.execute(
        "update core.stock set price_cents = case external_id when 'ebook-online' then 501"
        " else 30001 end where external_id in ('ebook-online', 'play-friday')"
    )
    assert not {"ebook-online", "play-friday"} & offers(ask(town, serving=serving))


def test_no_booking_may_cost_more_than_the_limit_of_an_offer(town):
    town.execute("update core.deposit set amount_cents = 50000, offer_limit_cents = 31999")
    assert "opera-dear" not in offers(ask(town, n=50))
    town.execute("update core.deposit set offer_limit_cents = 32000")
    assert "opera-dear" in offers(ask(town, n=50))


def test_events_count_against_no_cap_and_who_has_no_deposit_looks(town):
    town.execute("update core.deposit set digital_cap_cents = 0, physical_cap_cents = 0")
    shown = offers(ask(town))
    assert not shown & {"manga-shop", "ebook-online"}
    assert {"film-tonight", "play-friday"} <= shown
    assert "no_deposit" in ask(town, "free").notes
    assert "no_deposit" not in ask(town, "late").notes
    assert "no_deposit" not in ask(town, "who", lat=GRENOBLE[1], lon=GRENOBLE[0]).notes


def test_the_next_takes_the_place_of_what_is_gone(town):
    serving = generation(build_catalogue(town, NOW), None)
    first = ask(town, serving=serving, n=2)
    town.execute(
        "update core.offer set withdrawn_at = %s where external_id = %s",
        (NOW, first.items[0].offer_id),
    )
    again = ask(town, serving=serving, n=2)
    assert len(again.items) == 2
    assert first.items[0].offer_id not in offers(again)


def withdraw(town, *offer_ids):
    town.execute(
        "update core.offer set withdrawn_at = %s where external_id = any(%s)",
        (NOW, list(offer_ids)),
    )


def test_a_slate_of_which_too_much_is_gone_shows_what_is_left_and_tells_so(town, monkeypatch):
    monkeypatch.setattr(pipeline, "_MOST_LOSSES", 1)
    around = {"radius_km": 50.0, "n": 3}
    serving = generation(build_catalogue(town, NOW), None)
    first, second, third = (item.offer_id for item in ask(town, serving=serving, **around).items)
    withdraw(town, first, third)
    for exploration in (0.0, 1.0):
        query = feed_query(now=NOW, default_radius_m=5e4, user_id="reader", **around)
        made = feed(town, serving, replace(query, exploration=exploration), SECRET)
        assert made.answer.notes == ("no_model_popularity_only", "cut_short")
        assert [item.offer_id for item in made.answer.items] == [second]
        assert len(made.slate.propensities) == len(made.slate.offers) == 1
        assert made.answer.relevance_kept < 1.0
        # There is more, though the slate is short.
        assert read_cursor(made.answer.next_cursor, query, SECRET).keys() == {made.slate.offers[0]}
    plan = ask(town, serving=serving, plan=True, **around)
    assert "cut_short" in plan.notes
    assert offers(plan) == {second}


def test_a_plan_that_is_cut_has_nothing_at_the_same_time(town, monkeypatch):
    monkeypatch.setattr(pipeline, "_MOST_LOSSES", 1)
    evening = NOW + timedelta(days=1)
    town.execute("update core.stock set starts_at = %s where starts_at > %s", (evening, NOW))
    serving = generation(build_catalogue(town, NOW), None)
    withdraw(town, "ebook-online")
    plan = ask(town, serving=serving, n=5, plan=True)
    assert "cut_short" in plan.notes
    starts = [session.starts_at for item in plan.items for session in item.sessions]
    assert sorted(map(str, starts)) == sorted(map(str, [None, evening]))


def test_a_slate_is_not_chosen_for_ever_where_all_is_gone(town, monkeypatch):
    read = Mock(wraps=pipeline.read_offers)
    monkeypatch.setattr(pipeline, "read_offers", read)
    monkeypatch.setattr(pipeline, "_MOST_LOSSES", 3)
    serving = generation(build_catalogue(town, NOW), None)
    withdraw(town, *(offer.offer for offer in OFFERS))
    answer = ask(town, serving=serving, n=1)
    assert read.call_count == 3
    assert answer.items == ()
    assert answer.notes == ("no_model_popularity_only", "cut_short")
    # It would lead to this very page: nobody is to ask in a loop without a pause.
    assert answer.next_cursor is None
    assert ask(town, serving=serving, n=1, plan=True).next_cursor is None


def test_the_past_is_as_it_was(town):
    earlier = NOW - timedelta(days=2)
    book(town, "free", "film-tonight", NOW, quantity=2)
    then = ask(town, at=earlier)
    assert "classic-past" in {item.offer_id for item in then.items if item.item_id == "classic"}
    assert "film-tonight" in offers(then)
    assert "film-tonight" not in offers(ask(town))
    before_booking = ask(town, at=NOW - timedelta(days=11))
    assert "novel-shop" in offers(before_booking)


def test_what_is_not_published_yet_is_not_shown(town):
    assert "circus-secret" not in offers(ask(town, n=100))
    later = NOW + timedelta(days=3)
    assert "circus-secret" in offers(ask(town, at=later, n=100))


def test_who_is_unknown_gets_the_cold_agenda(town):
    answer = ask(town, "who", lat=GRENOBLE[1], lon=GRENOBLE[0])
    assert "unknown_user_cold_agenda" in answer.notes
    assert answer.items
    assert "guest" in ask(town, None).notes


def test_without_a_place_only_what_is_digital(town):
    answer = ask(town, "nowhere")
    assert "no_location_nationwide" in answer.notes
    assert offers(answer) == {"ebook-online"}
    assert answer.location_used.lat is None


def test_little_around_widens_the_radius_unless_it_was_asked(town):
    place = {"lat": FAR[1] - 0.9, "lon": FAR[0]}
    widened = ask(town, **place)
    assert widened.radius_m > 50_000.0
    assert "radius_widened" in widened.notes
    asked = ask(town, radius_km=20.0, **place)
    assert asked.radius_m == 20_000.0
    assert offers(asked) == {"ebook-online"}


def test_an_unknown_category_lists_the_known(town):
    with pytest.raises(InvalidInput) as caught:
        ask(town, categories=["THEATRE"])
    assert caught.value.accepted == ("CINEMA", "LIVRE", "SPECTACLE")


def test_the_window_keeps_undated_offers(town):
    answer = ask(town, starts_from=NOW + timedelta(days=4), starts_before=NOW + timedelta(days=4.5))
    assert offers(answer) == {"manga-shop", "ebook-online", "play-friday"}


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 50])
def test_pages_show_everything_once_and_end(town, n):
    serving = generation(build_catalogue(town, NOW), None)
    query = feed_query(now=NOW, default_radius_m=5e4, user_id="reader", n=n, radius_km=50.0)
    seen, cursor, pages = [], None, 0
    while True:
        shown = read_cursor(cursor, query, SECRET) if cursor else {}
        after = continued(town, serving.catalogue.cards, query, shown)
        page = feed(town, serving, after, SECRET).answer
        seen += [item.item_id for item in page.items]
        pages += 1
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.items) == n
    assert sorted(seen) == ["classic", "ebook", "film", "manga", "play"]
    assert pages <= 5 // n + 1


def test_the_small_world_lies_where_it_says(town):
    serving = generation(build_catalogue(town, NOW), None)
    near = look_around(town, serving, Point(*GRENOBLE), "request", 3_000.0)
    assert len(near.venue_rows) == len(VENUES) - 1


def test_a_place_that_is_known_takes_no_pipeline(town, monkeypatch):
    serving = generation(build_catalogue(town, NOW), None)
    here = {"lat": GRENOBLE[1], "lon": GRENOBLE[0], "serving": serving}
    pipelines, pipeline = [], town.pipeline
    monkeypatch.setattr(town, "pipeline", lambda: pipelines.append(1) or pipeline())
    first, again = ask(town, **here), ask(town, **here)
    assert len(pipelines) == 1
    assert offers(first) == offers(again) != set()


def test_credit_counts_what_was_booked_as_it_is_now(town):
    serving = generation(build_catalogue(town, NOW), None)
    assert "ebook-online" in offers(ask(town, serving=serving))
    # The novel that was booked is digital by now, and costs more than is allowed for that.
    town.execute(
        "update core.subcategory set is_digital = true, is_physical = false"
        " where name = 'LIVRE_PAPIER'"
    )
    assert "ebook-online" not in offers(ask(town, serving=serving))
