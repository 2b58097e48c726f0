"""ndcg@10 of a simulated world's newcomers on held-out time, with and without what serves them.

`python -m tests.benchmarks.cold_start --world town --cutoff 2026-11-02 --truth frames_truth`

The world holds the frames; its champion, or `--model FOLDER`, was trained until the cutoff. For
everybody who books in the days after it, it is found what they would be shown at the cutoff, around
home and whatever their credit. What they say to like is drawn from their hidden tastes, and noise.
"""

import argparse
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg

from features.prior import LIKED_CATEGORY, LIKED_GENRE, model_share
from reco.catalogue.build import build_catalogue
from reco.console import console
from reco.core.deposits import UNLIMITED
from reco.db.ready import opened_world
from reco.feed.candidates import sweep_of
from reco.feed.generation import generation
from reco.feed.query import feed_query
from reco.feed.scoring import taste_of
from reco.feed.situation import read_situation
from reco.feed.workspace import Scratch
from reco.model.loaded import load_model
from reco.model.serving import usable_model
from reco.settings import Settings
from training.intervals import mean_intervals
from training.simulate.programme import read_programme
from training.simulate.truth import load_truth

K = 10
ERROR = 0.5
"""Scale of the Gumbel noise on the log of a taste, when somebody says what they like."""
DRAWS = 5
"""Statements a person, of which the mean counts."""

_BOOKED = """
select u.external_id, array_agg(distinct o.item_id), (
  select count(*) from core.booking p
  where p.user_id = u.id and p.booked_at < %(at)s and p.cancelled_at is null)
from core.booking b join core.beneficiary u on u.id = b.user_id
join core.stock s on s.id = b.stock_id join core.offer o on o.id = s.offer_id
where b.booked_at >= %(at)s and b.booked_at < %(until)s and b.cancelled_at is null
group by u.id, u.external_id order by u.external_id
"""


@dataclass(frozen=True)
class Seen:
    """What decides about the candidates of one person."""

    user: str
    booked: int
    evidence: float
    said: np.ndarray
    popular: np.ndarray
    cost: np.ndarray
    category: np.ndarray
    genres: np.ndarray
    is_hit: np.ndarray
    targets: int

    def ndcg(self, share, liked=0.0):
        """Return the figure where the model counts `share`."""
        both = (1.0 - share) * self.popular + share * self.said
        log_odds = np.where(np.isnan(self.said), self.popular, both) + liked - self.cost
        top = np.lexsort((np.arange(len(log_odds)), -log_odds))[:K]
        worth = 1.0 / np.log2(np.arange(2, K + 2))
        return float(self.is_hit[top] @ worth[: len(top)] / worth[: min(K, self.targets)].sum())


class Sayings:
    """What people say to like: two categories and three genres."""

    def __init__(self, truth, generator):
        programme, tastes = read_programme(), np.asarray(truth.tastes).sum(axis=2)
        self.categories = sorted({category for category, _ in programme.segments})
        of = [self.categories.index(category) for category, _ in programme.segments]
        shares = np.zeros((tastes.shape[1], len(self.categories)))
        demand = programme.demand / programme.demand.sum(axis=1, keepdims=True)
        np.add.at(shares.T, of, demand.T)
        self.by_category = np.log(tastes @ shares) - np.log((tastes @ shares).mean(axis=0))
        self.by_genre = np.log(tastes @ programme.genre_styles.T + 1e-5)
        self.genres = [genre.name for genre in programme.genres]
        self.generator = generator

    def of(self, user):
        """Return the names of categories, and of genres."""
        row = int(user.removeprefix("u"))
        return (
            self._best(self.by_category[row], self.categories, 2),
            self._best(self.by_genre[row], self.genres, 3),
        )

    def _best(self, log_taste, names, count):
        noisy = log_taste + ERROR * self.generator.gumbel(size=len(names))
        return {names[place] for place in np.argsort(-noisy)[:count]}


def look(connection, serving, scratch, at, booked):
    """Return what decides about the candidates of a person, None where there is nothing to find."""
    user, targets, count = booked
    query = feed_query(now=at, as_of=at, default_radius_m=50_000.0, user_id=user)
    here = read_situation(connection, serving, query)
    here = replace(here, state=replace(here.state, credit=UNLIMITED, liked=frozenset()))
    fresh = [item for item in targets if item not in here.state.settled_items]
    if not fresh:
        return None
    sweep = sweep_of(serving.catalogue, here, scratch, serving.costs)
    taste, items = taste_of(serving, sweep, here), serving.catalogue.items
    found = sweep.everything().everything()
    near = found.bookings_near
    return Seen(
        user=user,
        booked=count,
        evidence=taste.history.evidence,
        said=taste.calibration.log_odds(taste.said(found.item)),
        popular=np.where(
            found.is_online, taste.popular_online(near), taste.popular_at_venues(near)
        ),
        # Nothing was said: what a ranker adds is all that there is.
        cost=found.cost - (serving.frequent[found.item] if serving.ranker else 0.0),
        category=items.item_category[found.item],
        genres=items.item_genres[found.item],
        is_hit=np.isin(items.item_id[found.item], fresh),
        targets=len(fresh),
    )


def figures(seen, catalogue, sayings):
    """Return the figures of one person, in the order of `NAMES`."""
    share = model_share(seen.evidence)
    names = np.array(
        [catalogue.categories.get(k, "") for k in range(max(catalogue.categories) + 1)]
    )
    genres, said = np.array(["", *catalogue.genres]), []
    alone = float(seen.evidence > 0)
    for _ in range(DRAWS):
        liked, liked_genres = sayings.of(seen.user)
        of_category = LIKED_CATEGORY * np.isin(names, list(liked))[seen.category]
        of_genre = LIKED_GENRE * np.isin(genres, list(liked_genres))[seen.genres].any(axis=1)
        ways = (of_category, of_genre, of_category + of_genre)
        said.append([seen.ndcg(share, (1.0 - share) * way) for way in ways])
        said[-1].append(seen.ndcg(alone, (1.0 - share) * ways[-1]))
    return [seen.ndcg(0.0), seen.ndcg(alone), seen.ndcg(share), *np.mean(said, axis=0)]


NAMES = ("prior", "model alone", "blend", "+ categories", "+ genres", "+ both", "model + both")
"""What is served: blend and both, where a ranker was learned the model and both."""


def told(group, rows):
    """Print a group's figures, and what each adds to the model alone and to the blend."""
    table = np.array(rows)
    columns = np.column_stack([table, table - table[:, [1]], table - table[:, [2]]])
    estimates = mean_intervals(columns)
    console.print(f"{group}: {len(rows)} people")
    for place, name in enumerate(NAMES):
        shown = (estimates[place + len(NAMES) * part] for part in range(3))
        cells = (f"{e.value:+.4f} ({e.low:+.4f} .. {e.high:+.4f})" for e in shown)
        console.print(f"  {name:13} " + "   ".join(cells), highlight=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="town")
    parser.add_argument("--cutoff", type=datetime.fromisoformat, required=True)
    parser.add_argument("--days", type=int, default=21)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--most", type=int, default=1_500, help="People a group, drawn.")
    chosen = parser.parse_args()
    world, at = opened_world(Settings(world=chosen.world)), chosen.cutoff.replace(tzinfo=UTC)
    model = (
        load_model(chosen.model) if chosen.model else usable_model(world.conninfo, world.models)[0]
    )
    generator = np.random.default_rng(0)
    sayings = Sayings(load_truth(chosen.truth), generator)
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        serving = generation(build_catalogue(connection, at, at), model)
        scratch = Scratch.for_items(len(serving.catalogue.items))
        until = at + timedelta(days=chosen.days)
        everybody = connection.execute(_BOOKED, {"at": at, "until": until}).fetchall()
        for group, least, most in (("0 bookings", 0, 0), ("1-2", 1, 2), ("3 or more", 3, 10**6)):
            people = [row for row in everybody if least <= row[2] <= most]
            drawn = generator.permutation(len(people))[: chosen.most]
            looks = (look(connection, serving, scratch, at, people[row]) for row in drawn)
            told(group, [figures(one, serving.catalogue, sayings) for one in looks if one])


if __name__ == "__main__":
    main()
