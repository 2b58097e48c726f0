"""A worker serves an experiment: by variant, on record, and no longer than it runs."""

import shutil
import threading
from dataclasses import replace
from datetime import timedelta

import fsspec
import psycopg
import pytest
from champions import fetch_from, train_champion
from fastapi.testclient import TestClient
from worlds import NOW, book, small_world

from reco.api.app import create_app
from reco.api.keys import create_key
from reco.errors import ArtifactRefused
from reco.experiments.exposure import Exposure
from reco.experiments.plan import Plan, Variant
from reco.experiments.records import create, running_experiment, stop
from reco.experiments.trial import check_models, trial_of
from reco.feed.dials import FLOOR, INTENSITY
from reco.feed.query import feed_query
from reco.model.registry import Act, force, publication, version_named
from reco.settings import Settings
from reco.worker import Worker
from training.commands.train import train_world

ACT = Act(NOW, "mia")
USERS = ("reader", "broke", "late", "free", "nowhere", "villager")
SECRET = "a secret of at least thirty-two bytes"


def asked(user, **more):
    return feed_query(now=NOW, default_radius_m=5e4, user_id=user, **more)


@pytest.fixture
def filled(world):
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
        for day, user in enumerate(("free", "late", "broke", "villager")):
            book(connection, user, "manga-shop", NOW - timedelta(days=2 + day))
            book(connection, user, "novel-shop", NOW - timedelta(days=3 + day))
    return world


@pytest.fixture
def versions(filled):
    """The champion and a candidate."""
    first = train_champion(filled, "popularity", now=NOW).version
    later = NOW + timedelta(hours=1)
    second = train_world(filled, "popularity", split="time", cutoff=None, now=later).version
    return first, second


@pytest.fixture
def worker(filled):
    with Worker(Settings(home=filled.folder), filled, SECRET, lambda: NOW) as worker:
        yield worker


def plan_of(model="champion", salt="salt-0"):
    return Plan(
        name="wider",
        salt=salt,
        variants=(Variant("control"), Variant("wide", model=model, floor=0.5, intensity=30.0)),
        metric="bookings",
        guards={},
        window=timedelta(days=7),
        planned_users=100,
    )


def recorded(world, slate_ids):
    with psycopg.connect(world.conninfo) as connection:
        return {
            str(slate): tuple(rest)
            for slate, *rest in connection.execute(
                "select id, experiment, variant, model_version, (query ->> 'floor')::float,"
                " (query ->> 'intensity')::float from reco.slate where id = any(%s)",
                (list(slate_ids),),
            )
        }


def test_people_get_their_variants_and_the_slates_say_so(filled, versions):
    plan = plan_of(versions[1])
    create(filled.conninfo, plan, ACT, NOW)
    with Worker(Settings(home=filled.folder), filled, SECRET, lambda: NOW) as worker:
        shown = {user: [worker.feed(asked(user)) for _ in range(2)] for user in USERS}
        guest = worker.feed(asked(None))
    treated = {
        "control": (versions[0], FLOOR, INTENSITY),
        "wide": (versions[1], 0.5, 30.0),
    }
    kept = recorded(filled, [answer.slate_id for pair in shown.values() for answer in pair])
    for user, answers in shown.items():
        label = plan.variant_of(user).label
        for answer in answers:
            assert answer.experiment == Exposure("wider", label)
            told = (answer.model_version, answer.floor, answer.horizon.intensity)
            assert told == treated[label]
            assert kept[answer.slate_id] == ("wider", label, *treated[label])
    assert {plan.variant_of(user).label for user in USERS} == {"control", "wide"}
    assert guest.experiment is None
    assert guest.model_version == versions[0]


def of_variant(plan, label):
    return next(user for user in USERS if plan.variant_of(user).label == label)


def test_what_the_request_says_wins_and_is_no_part_of_the_experiment(filled, worker):
    plan = plan_of()
    create(filled.conninfo, plan, ACT, NOW)
    worker.refresh()
    user = of_variant(plan, "wide")
    answer = worker.feed(asked(user, floor=0.97))
    assert (answer.floor, answer.horizon.intensity, answer.experiment) == (0.97, 30.0, None)
    assert worker.feed(asked(user, intensity=2.0)).experiment is None
    assert worker.feed(asked(user)).experiment == Exposure("wider", "wide")


def test_a_price_is_varied_and_what_the_request_says_of_floor_or_price_wins(filled, worker):
    plan = plan_of()
    priced = Variant("wide", floor=0.95, intensity=1.0, points_a_booking=180.0)
    plan = replace(plan, variants=(Variant("control"), priced))
    create(filled.conninfo, plan, ACT, NOW)
    worker.refresh()
    user = of_variant(plan, "wide")
    answer = worker.feed(asked(user))
    assert (answer.floor, answer.points_a_booking) == (0.95, 180.0)
    assert answer.experiment == Exposure("wider", "wide")
    for said, floor, price in (
        ({"floor": 0.97}, 0.97, None),
        ({"points_a_booking": 50.0}, 0.0, 50.0),
        ({"intensity": 2.0}, 0.95, 180.0),
    ):
        answer = worker.feed(asked(user, **said))
        assert (answer.floor, answer.points_a_booking, answer.experiment) == (floor, price, None)


def test_nobody_is_treated_before_the_start_or_without_an_experiment(filled, worker):
    user = of_variant(plan_of(), "wide")
    assert worker.feed(asked(user)).experiment is None
    create(filled.conninfo, plan_of(), ACT, NOW + timedelta(hours=1))
    worker.refresh()
    assert worker.feed(asked(user)).experiment is None
    later = replace(asked(user), now=NOW + timedelta(hours=1))
    assert worker.feed(later).experiment == Exposure("wider", "wide")


def test_a_stop_drops_no_request_and_pages_lead_on(filled, worker):
    plan = plan_of()
    create(filled.conninfo, plan, ACT, NOW)
    worker.refresh()
    user = of_variant(plan, "wide")
    query = asked(user, n=2, radius_km=50.0)
    seen, failed, stopped, over = [], [], threading.Event(), threading.Event()

    def ask():
        while not over.is_set():
            is_after = stopped.is_set()
            try:
                seen.append((is_after, worker.feed(query).experiment))
            except Exception as error:
                failed.append(error)

    def wait_for(count, *, is_after):
        while sum(later == is_after for later, _ in seen) < count and not failed:
            over.wait(0.01)

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    first = worker.feed(query)
    wait_for(1, is_after=False)
    stop(filled.conninfo, "wider", Act(NOW, "mia", "seen enough"))
    worker.refresh()
    stopped.set()
    wait_for(6, is_after=True)
    over.set()
    for thread in asking:
        thread.join()
    assert not failed
    # Whoever asked before the stop may be answered long after it.
    assert {shown for _, shown in seen} == {Exposure("wider", "wide"), None}
    assert {shown for is_after, shown in seen if is_after} == {None}
    second = worker.feed(query, first.next_cursor)
    assert (second.floor, second.experiment) == (FLOOR, None)
    pages = [item.offer_id for page in (first, second) for item in page.items]
    assert len(set(pages)) == len(pages) > 2


def test_a_model_that_is_lost_leaves_the_champion_and_no_exposure(
    filled, worker, versions, caplog, monkeypatch
):
    plan = plan_of(versions[1])
    create(filled.conninfo, plan, ACT, NOW)
    worker.refresh()
    user = of_variant(plan, "wide")
    assert worker.feed(asked(user)).model_version == versions[1]
    shutil.rmtree(version_named(filled.conninfo, versions[1]).address)
    worker.refresh()
    answer = worker.feed(asked(user))
    assert (answer.model_version, answer.floor, answer.experiment) == (versions[0], FLOOR, None)
    assert any(reason.startswith("experiment: ") for reason in worker.missing())
    assert "in the place of a variant" in caplog.text

    def opened_again(*_):
        raise AssertionError

    # It reads all of a model: not at each look.
    monkeypatch.setattr("reco.experiments.trial.local_folder", opened_again)
    worker.refresh()
    with pytest.raises(ArtifactRefused):
        check_models(plan, filled.conninfo, filled.models)


def test_a_new_champion_changes_the_variants_that_show_the_champion(filled, worker, versions):
    plan = plan_of(versions[0])
    create(filled.conninfo, plan, ACT, NOW)
    worker.refresh()
    control, wide = of_variant(plan, "control"), of_variant(plan, "wide")
    assert worker.feed(asked(control)).model_version == versions[0]
    with publication(filled.conninfo) as connection:
        force(connection, versions[1], Act(NOW, "mia", "it is better"))
    worker.refresh()
    assert worker.feed(asked(control)).model_version == versions[1]
    pinned = worker.feed(asked(wide))
    assert (pinned.model_version, pinned.experiment) == (versions[0], Exposure("wider", "wide"))


def test_a_variant_follows_the_catalogue(filled, worker, versions, connection):
    plan = plan_of(versions[1])
    create(filled.conninfo, plan, ACT, NOW)
    worker.refresh()
    user = of_variant(plan, "wide")
    query = asked(user, lat=45.1885, lon=5.7245, radius_km=50.0)
    assert "circus-secret" not in {item.offer_id for item in worker.feed(query).items}
    connection.execute(
        "update core.offer set published_at = %s where external_id = 'circus-secret'", (NOW,)
    )
    worker.refresh()
    answer = worker.feed(query)
    assert answer.model_version == versions[1]
    assert "circus-secret" in {item.offer_id for item in answer.items}


def test_the_api_tells_of_it(filled, versions, connection):
    plan = plan_of(versions[1])
    create(filled.conninfo, plan, ACT, NOW)
    key = {"X-API-Key": create_key(connection, "app", "tests", NOW)}
    worker = Worker(Settings(home=filled.folder), filled, SECRET, lambda: NOW)
    with TestClient(create_app(worker, clock=lambda: NOW, with_demo=False)) as client:

        def asked_of(label, **more):
            params = {"user_id": of_variant(plan, label), **more}
            return client.get("/v1/feed", params=params, headers=key).json()

        control, wide = (asked_of(label) for label in ("control", "wide"))
        explicit = asked_of("wide", floor=0.97)
        shutil.rmtree(version_named(filled.conninfo, versions[1]).address)
        worker.refresh()
        # The champion answers in its place: no balancer is to leave this worker.
        ready = client.get("/readyz")
        instead = asked_of("wide")
    assert ready.status_code == 200
    assert any(reason.startswith("experiment: ") for reason in ready.json()["missing"])
    assert instead["model_version"] == versions[0]
    assert control["experiment"] == {"name": "wider", "variant": "control"}
    assert wide["experiment"] == {"name": "wider", "variant": "wide"}
    assert [control["model_version"], wide["model_version"]] == list(versions)
    assert (control["floor"], wide["floor"], explicit["floor"]) == (FLOOR, 0.5, 0.97)
    assert explicit["experiment"] is None


@pytest.fixture
def lent(filled, versions):
    """The candidate, fetched from a store, whose copy here is harmed; and the store."""
    memory, url = fsspec.filesystem("memory"), "memory://of-a-trial"
    fetch_from(url, filled, filled.models / versions[1])
    (filled.models / versions[1] / "popularity.npy").write_bytes(b"")
    yield memory, f"{url}/{versions[1]}/popularity.npy"
    memory.rm(url, recursive=True)


@pytest.mark.parametrize("is_away", [True, False], ids=["away", "as harmed"])
def test_a_harmed_copy_is_fetched_anew_once_its_store_has_it(
    filled, lent, versions, monkeypatch, is_away
):
    (store, path), asked, get = lent, [], type(lent[0]).get
    whole = store.cat(path)
    store.pipe(path, b"" if not is_away else whole)
    plan = plan_of(versions[1])
    create(filled.conninfo, plan, ACT, NOW)

    def counted(*arguments, **options):
        asked.append(arguments)
        if is_away and len(asked) < 3:
            raise OSError
        get(*arguments, **options)

    monkeypatch.setattr(type(store), "get", counted)
    experiment, made = running_experiment(filled.conninfo), None
    for _ in range(3):
        made = trial_of(experiment, filled.conninfo, filled.models, made)
    # What its store has no better is not fetched at each try.
    assert len(asked) == (3 if is_away else 1)
    assert set(made.models) == ({versions[1]} if is_away else set())
