"""A town of 20,000 people, end to end: simulated, imported, trained on, served."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from reco.catalogue.build import build_catalogue
from reco.catalogue.folder import load_catalogue, save_catalogue
from reco.feed.generation import generation
from reco.feed.pipeline import feed
from reco.feed.query import feed_query
from reco.frames.importing import import_frames
from reco.frames.sources import FolderSource
from reco.model.loaded import load_model
from training.commands.train import train_world
from training.simulate.world import simulate_world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SECRET = "a secret of at least thirty-two bytes"
ANCHOR = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def town(new_world, tmp_path_factory):
    world = new_world()
    folder = tmp_path_factory.mktemp("town") / "frames"
    simulate_world("town", 7, ANCHOR.date(), folder, lambda *_: None)
    import_frames(world, FolderSource(folder), lambda *_: None)
    return world


def test_importing_it_again_changes_nothing(town, tmp_path):
    simulate_world("town", 7, ANCHOR.date(), tmp_path / "frames", lambda *_: None)
    with psycopg.connect(town.conninfo, autocommit=True) as connection:
        before = connection.execute("select max(id) from core.change").fetchone()
        import_frames(town, FolderSource(tmp_path / "frames"), lambda *_: None)
        assert connection.execute("select max(id) from core.change").fetchone() == before


def test_every_feed_can_be_booked(town):
    summary = train_world(town, "als", split="time", cutoff=None, now=ANCHOR + timedelta(hours=12))
    now = ANCHOR + timedelta(days=1, hours=12)
    with psycopg.connect(town.conninfo, autocommit=True) as connection:
        saved = save_catalogue(build_catalogue(connection, now), town.catalogue)
        serving = generation(load_catalogue(saved), load_model(summary.folder, summary.digest))
        people = connection.execute(
            "select external_id from core.beneficiary order by md5(external_id) limit 150"
        ).fetchall()
        shown = 0
        for (user,) in people:
            query = feed_query(now=now, default_radius_m=5e4, user_id=user)
            answer = feed(connection, serving, query, SECRET).answer
            shown += len(answer.items)
            items = [item.item_id for item in answer.items]
            assert len(set(items)) == len(items)
            credit, booked = truth(connection, user, now)
            assert not booked & set(items)
            for item in answer.items:
                assert item.sessions
                for session in item.sessions:
                    assert session.price_cents <= credit
                    assert session.starts_at is None or session.starts_at > now
                    assert session.left is None or session.left > 0
    assert shown > 100 * len(people) / 10


def truth(connection, user, now):
    """Return what is left of the credit, and the items that were booked, by plain SQL."""
    row = connection.execute(
        "select d.amount_cents, d.expires_at, d.granted_at <= %(now)s,"
        " coalesce(sum(b.amount_cents) filter (where b.cancelled_at is null), 0),"
        " array_agg(i.external_id) filter (where b.cancelled_at is null)"
        " from core.beneficiary u join core.deposit d on d.user_id = u.id"
        " left join core.booking b on b.user_id = u.id"
        " left join core.stock s on s.id = b.stock_id left join core.offer o on o.id = s.offer_id"
        " left join core.item i on i.id = o.item_id"
        " where u.external_id = %(user)s group by 1, 2, 3",
        {"user": user, "now": now},
    ).fetchone()
    amount, expires, is_granted, spent, items = row
    is_live = is_granted and expires > now
    return (amount - spent if is_live else 0), set(items or [])
