"""What a ranker makes of the model's score and of a person's own bookings, on later visits.

`python -m tests.benchmarks.ranker FRAMES --seeds 2`, or `... yelp_poi --undated`, or
`... meetup_montana --format meetup --held-out .5`

Rankers are learned on the same visits: told neither, told the score, both, and in the end at which
hour of the week what is dated begins, too. Log-loss and
calibration are over all that could be booked, ndcg@20 over whole visits on which something was
booked, each by the order of probability alone.

Of frames people live where they say. Of other dated formats they live where what they booked before
the held-out part takes place (medoid), which the visits that teach are among.

Seeds draw visits anew; where there are fewer than are drawn they judge the same ones, and the line
of all seeds counts these again.

An undated set brings its own parts. They are a week apart here; a person is where their first part
takes place (medoid), and looks once, after the second. Half of the people teach, the others judge.
"""

import argparse
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.special import expit

from features.clock import UNDATED
from reco.console import console
from reco.frames.sources import FolderSource, MemorySource, read_frames
from reco.frames.tables import frame_table
from training.configuration import read_parameters
from training.datasets.readers import READERS
from training.evaluate import task_of
from training.extract import events_from_source
from training.fits import PARAMETERS
from training.intervals import mean_intervals
from training.market import market_of
from training.ranked import RADIUS_M, Parts, replayed_parts
from training.ranker import learn_ranker
from training.reliability import losses, reliability
from training.replays import replay, visits_from
from training.split import HELD_OUT_SHARE, aware, inner_cutoff, time_split
from training.tune import best_rehearsal, rehearse
from training.visit_figures import by_visit

K = 20
WHOLE, AT_ONCE = 600, 100
"""Visits that are ranked whole."""
MOST_PEOPLE = 3_000
"""Of an undated set, drawn at random."""
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Figures:
    """Of one ranker."""

    name: str
    learned: object
    loss: np.ndarray
    """(W,) by visit."""
    ece: float
    auc: float
    ndcg: np.ndarray
    """By whole visit."""


def told_nothing(pairs):
    return replace(told_the_score(pairs), said=np.full(len(pairs), np.nan))


def told_the_score(pairs):
    return replace(told_both(pairs), affinity=np.zeros_like(pairs.affinity))


def told_both(pairs):
    return replace(pairs, week_hour=np.full_like(pairs.week_hour, UNDATED))


def told_all(pairs):
    return pairs


TOLD = {
    "popularity near": told_nothing,
    "and the score": told_the_score,
    "and own bookings": told_both,
    "and the hour of the week": told_all,
}


def figures_of(parts, whole):
    """Learn each ranker on the earlier visits, judge it on the later ones and on whole ones."""
    learned = {name: learn_ranker(told(parts.earlier)) for name, told in TOLD.items()}
    orders = {name: [] for name in TOLD}
    for visits in whole:
        for name, told in TOLD.items():
            orders[name] += ndcg_by_visit(visits, learned[name].log_odds(told(visits)))
    return [
        judged(name, learned[name], told(parts.later), np.array(orders[name]))
        for name, told in TOLD.items()
    ]


def judged(name, learned, later, ndcg):
    chance = expit(learned.log_odds(later))
    found = reliability(chance, later.is_booked, 1.0 / later.drawn)
    loss = by_visit(later, losses(chance, later.is_booked))
    return Figures(name, learned, loss, found.ece_rel, found.auc, ndcg)


def ndcg_by_visit(whole, log_odds):
    """Return ndcg@K of each whole visit on which something that could be was booked."""
    worth, found = 1.0 / np.log2(np.arange(2, K + 2)), []
    bounds = np.searchsorted(whole.visit, np.arange(len(whole.left_cents) + 1))
    for first, last in pairwise(bounds.tolist()):
        booked = whole.is_booked[first:last]
        if booked.any():
            top = np.argsort(-log_odds[first:last], kind="stable")[:K]
            found.append(booked[top] @ worth[: len(top)] / worth[: min(K, booked.sum())].sum())
    return found


def dated(frames):
    """Return undated frames with their parts a week apart, and people where the first takes place.

    Check-ins become bookings, so that what was booked lately can be counted.
    """
    done = frames["interactions"].to_pandas()
    place = frames["venues"].to_pandas().set_index("venue_id")[["lon", "lat"]]
    first = done[done["split"] == "train"].join(place, on="offer_id")
    at = done["split"].map({part: BEGIN + timedelta(weeks=week) for week, part in enumerate(PARTS)})
    count, whose = len(done), {"user_id": done["user_id"], "stock_id": done["offer_id"]}
    bookings = {**whose, "booked_at": at, "quantity": [1] * count, "amount_eur": [0.0] * count}
    return frames | {
        "interactions": frames["interactions"].slice(0, 0),
        "users": at_home(frames["users"], first),
        "bookings": frame_table("bookings", bookings),
    }


def at_home(users, been):
    """Return people at the place of theirs that is nearest to the middle of all of theirs."""
    middle = been.groupby("user_id")[["lon", "lat"]].transform("median")
    away = np.hypot(been["lat"] - middle["lat"], 0.7 * (been["lon"] - middle["lon"]))
    home = been.assign(away=away).sort_values("away").drop_duplicates("user_id")
    told = users.to_pandas()[["user_id"]].merge(home[["user_id", "lon", "lat"]], how="left")
    return frame_table("users", told.to_dict("series"))


def housed(frames, until):
    """Return frames whose people are where what they had booked by a moment takes place."""
    stocks, offers, venues = (
        frames[name].to_pandas().set_index(key)
        for name, key in (("stocks", "stock_id"), ("offers", "offer_id"), ("venues", "venue_id"))
    )
    booked = frames["bookings"].to_pandas()
    booked = booked[booked["booked_at"] < until].join(stocks["offer_id"], on="stock_id")
    booked = booked.join(offers["venue_id"], on="offer_id")
    been = booked.join(venues[["lon", "lat"]], on="venue_id")
    return frames | {"users": at_home(frames["users"], been)}


def of_undated(market, parameters, generator):
    """Return half of the people's visits after the second part, and the others'."""
    cutoff = np.datetime64((BEGIN + timedelta(weeks=1)).replace(tzinfo=None), "us")
    rehearsal = rehearse(time_split(market.events, cutoff), parameters, lambda: None)
    visits = visits_from(market, int((BEGIN + timedelta(weeks=2)).timestamp()) * 1_000_000)
    visits = visits.sample(MOST_PEOPLE, generator)
    is_first = generator.random(len(visits)) < 0.5
    parts = [replayed(market, rehearsal, visits.take(half), generator) for half in
             (is_first, ~is_first)]  # fmt: skip
    return rehearsal, Parts(*parts, visits.take(~is_first))


def of_dated(market, parameters, generator, held_out):
    """Return what `reco train` learns from and judges by, if that is the last tenth."""
    part = time_split(market.events, inner_cutoff(market.events, held_out))
    rehearsal = best_rehearsal(part, task_of(part), parameters, lambda: None)
    return rehearsal, replayed_parts(market, rehearsal, generator)


def replayed(market, rehearsal, visits, generator, **drawn):
    return replay(
        market, visits, rehearsal.fitted.scorer,
        half_life_days=rehearsal.parameters.half_life_days, radius_m=RADIUS_M,
        generator=generator, **drawn,
    )  # fmt: skip


def whole_visits(market, rehearsal, visits, generator):
    """Return visits with bookings, as many at a time as memory holds, and all that was there."""
    booked = visits.take(visits.is_booked)
    some = booked.take(np.sort(generator.permutation(len(booked))[:WHOLE]))
    for first in range(0, len(some), AT_ONCE):
        rows = np.arange(first, min(first + AT_ONCE, len(some)))
        drawn = 2 * len(market.events.items)
        yield replayed(market, rehearsal, some.take(rows), generator, drawn=drawn)


def base(later):
    """Return the log-loss of each visit (W,) if the base rate is said to everybody."""
    rate = later.is_booked.sum() / (1.0 / later.drawn).sum()
    return by_visit(later, losses(np.full(len(later), rate), later.is_booked))


def show(found):
    """Print the figures of the rankers, each against the one before."""
    console.print(f"{len(found[0].loss)} visits judged, {len(found[0].ndcg)} of them whole")
    for at, one in enumerate(found):
        calibration, affinity = one.learned.calibration, one.learned.ranker.facts.affinity
        line = f"{one.name}: ECE {one.ece:.3f}, AUC {one.auc:.4f}, ndcg@{K} {one.ndcg.mean():.4f}; "
        line += f"score {calibration.slope:.3f}, lift {affinity.lift:.3f}, met {affinity.met:.3f}, "
        line += f"hours up to {one.learned.ranker.costs.week.max():.3f}"
        if at:
            before = found[at - 1]
            line += f"; log-loss {change(before.loss, one.loss)}"
            line += f", ndcg {change(before.ndcg, one.ndcg)}"
        console.print(line, soft_wrap=True)


def change(before, after):
    """Return the paired change in the mean, with its interval, as a share of what was before."""
    by = mean_intervals((after - before)[:, np.newaxis])[0]
    shares = (100.0 * part / before.mean() for part in (by.value, by.low, by.high))
    return "{:+.2f} % ({:+.2f} .. {:+.2f})".format(*shares)


def show_pooled(runs):
    """Print the change in ndcg over the whole visits of all seeds."""
    pooled = [np.concatenate([one.ndcg for one in of_each]) for of_each in zip(*runs, strict=True)]
    for name, before, after in zip(list(TOLD)[1:], pooled, pooled[1:], strict=False):
        console.print(f"all seeds, {len(after)} visits, {name}: ndcg {change(before, after)}")


def source_of(options):
    if options.undated:
        return MemorySource(dated(READERS["yelp-poi"](options.folder)))
    if options.format == "frames":
        return FolderSource(options.folder)
    source = MemorySource(READERS[options.format](options.folder))
    border = inner_cutoff(events_from_source(source), options.held_out)
    return MemorySource(housed(read_frames(source), aware(border)))


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path)
    asked.add_argument(
        "--format", default="frames", choices=("frames", *READERS), help="Of the folder."
    )
    asked.add_argument("--undated", action="store_true", help="The folder is of yelp-poi's format.")
    asked.add_argument(
        "--held-out",
        type=float,
        default=HELD_OUT_SHARE,
        help="Share of the bookings, the last ones.",
    )
    asked.add_argument("--config", type=Path, help="The model's settings; default: itemknn's.")
    asked.add_argument("--seeds", type=int, default=1)
    options = asked.parse_args()
    if options.undated and options.format != "frames":
        asked.error("--undated is of yelp-poi's format: leave --format out")
    parameters = read_parameters(options.config) if options.config else PARAMETERS["itemknn"]()
    source = source_of(options)
    market = market_of(read_frames(source), events_from_source(source))
    runs = []
    for seed in range(options.seeds):
        generator = np.random.default_rng(seed)
        if options.undated:
            rehearsal, parts = of_undated(market, parameters, generator)
        else:
            rehearsal, parts = of_dated(market, parameters, generator, options.held_out)
        if parts is None:
            raise SystemExit(f"Too little was booked: hold out more than {options.held_out}.")
        found = figures_of(parts, whole_visits(market, rehearsal, parts.later_visits, generator))
        console.print(f"seed {seed}, {rehearsal.parameters}", soft_wrap=True)
        show(found)
        console.print(
            f"log-loss against the base rate's {change(base(parts.later), found[-1].loss)}"
        )
        runs.append(found)
    show_pooled(runs)


if __name__ == "__main__":
    main()
