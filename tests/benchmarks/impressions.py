"""A ranker learned from replayed visits alone, and one that was corrected by impressions.

    reco --world shown simulate world --size demo --seed 1 --anchor 2026-11-23 --out /tmp/shown
    reco --world shown import frames /tmp/shown
    reco --world shown train --model itemknn
    python -m tests.benchmarks.impressions serve --world shown --truth /tmp/shown_truth
    python -m tests.benchmarks.impressions judge --world shown --truth /tmp/shown_truth

Served: some people are shown slates on some days by the service, and answer them by their hidden
tastes and by where an offer stands (`tests/answering.py`). Judged: all rankers are learned on what
is on record at one moment, beside the same model; what is shown after it judges them.
"""

import argparse
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.special import expit

from reco.console import console
from reco.db.arrays import moment_of
from reco.db.ready import opened_world
from reco.settings import Settings
from tests.answering import RADIUS_M, Crowd, N, attention, row_of
from training.cohort.settling import prices_cents
from training.evaluate import task_of
from training.extract import events_from_database
from training.fits import PARAMETERS
from training.impressions import read_impressions, scoring
from training.intervals import mean_intervals
from training.markets import market_of_world
from training.ranked import replayed_parts
from training.ranker import learn_weights
from training.reliability import losses, reliability
from training.replay.recorded import past_from_database
from training.replay.slates import Moment, System, replay
from training.replays import joined
from training.shown_ranker import PULL, Corrected, Examination, corrected
from training.simulate.truth import load_truth
from training.split import inner_cutoff, naive_utc, time_split
from training.tune import best_rehearsal

BEGIN = datetime(2026, 11, 23, 12, tzinfo=UTC)
TAUGHT_DAYS, JUDGED_DAYS, CUTOFF_DAY = range(1, 13, 2), (20, 22, 24), 19.5
BIAS = 1.0
ALL_IN, NONE = 1e-2, 1e6
"""Pulls that leave next to nothing of what visits taught, and all of it."""
CHOSEN_FOR = 300
SHARES = (1 / 8, 1 / 4, 1 / 2, 1)


@dataclass(frozen=True)
class Judged:
    """What one ranker says of what was shown later."""

    name: str
    found: Corrected
    loss: np.ndarray
    """(U,) by person."""
    ece: float
    auc: float
    ndcg: np.ndarray
    """Of each booking, as of a slate that had no other, by its place in this ranker's order."""
    true_ndcg: np.ndarray
    """Of the true probabilities, by slate."""


def serve(world, truth, people, days, seed):
    """Show slates to people on days."""
    generator = np.random.default_rng(seed)
    everybody = len(truth.openness)
    users = [f"u{row:07d}" for row in np.sort(generator.permutation(everybody)[:people]).tolist()]
    crowd = Crowd(world, truth, BIAS)
    for day in days:
        crowd.live(BEGIN + timedelta(days=day), users, generator)
        console.print(f"day {day}: {people} slates")


@dataclass(frozen=True)
class Known:
    """What is on record at the cutoff, and what was shown after it."""

    past: object
    rehearsal: object
    visits: object
    """Weights that replayed visits taught."""
    shown: object
    later: object
    true: np.ndarray
    """(P,) probability of each offer shown later, by the hidden tastes, at a mean place."""


def known_at_cutoff(world, truth):
    """Read a world, and learn from visits what is known at the cutoff."""
    until = BEGIN + timedelta(days=CUTOFF_DAY)
    events = events_from_database(world.conninfo)
    market = market_of_world(world.conninfo, events).until(naive_utc(until))
    part = time_split(market.events, inner_cutoff(market.events))
    rehearsal = best_rehearsal(part, task_of(part), PARAMETERS["itemknn"](), lambda: None)
    read = partial(read_impressions, world.conninfo, rehearsal, least_booked=1)
    shown = read(moment_of(int(part.cutoff.astype("datetime64[us]").view("i8"))), until)
    later = read(until, until + timedelta(days=60))
    parts = replayed_parts(market, rehearsal, np.random.default_rng(0))
    past = past_from_database(world.conninfo)
    user = np.array([row_of(past.people.names[row]) for row in later.user.tolist()])
    first = later.pairs.start[:-1]
    true = chances(
        past, truth, user[later.pairs.visit], later.offer,
        later.pairs.price_cents[first], later.pairs.distance_m[first],
    )  # fmt: skip
    return Known(past, rehearsal, learn_weights(joined(*parts.both)), shown, later, true)


def chances(past, truth, user, offer, price_cents, distance_m):
    """Return the true probabilities of offers, by their ids in the past, at a mean place."""
    item = past.items.item_external_id[past.offers.item[offer - 1]]
    rows = np.array([row_of(name.decode()) for name in item.tolist()])
    return truth.impression_probability(user, rows, price_cents / 100, np.nan_to_num(distance_m))


def rankers(known, shown):
    """Return each way to learn, from some of what was shown."""
    taught = known.visits
    return {
        "visits alone": Corrected(taught, Examination(0.0, 0.0)),
        "visits, scaled to impressions": corrected(taught, shown, NONE),
        "visits and impressions": corrected(taught, shown, PULL),
        "impressions, hardly drawn to visits": corrected(taught, shown, ALL_IN),
    }


def judged(known, name, found):
    """Return what a ranker says of what was shown after the cutoff."""
    later, pairs = known.later, known.later.pairs
    chance = expit(found.log_odds(later))
    told = reliability(chance, pairs.is_booked, 1.0 / pairs.drawn)
    order = found.weights.learned.log_odds(pairs)
    return Judged(
        name=name,
        found=found,
        loss=by_person(later, losses(chance, pairs.is_booked)),
        ece=told.ece_rel,
        auc=told.auc,
        ndcg=1.0 / np.log2(places(pairs.visit, order)[pairs.is_booked] + 2.0),
        true_ndcg=ndcg(pairs.visit, order, known.true),
    )


def by_person(shown, figure):
    """Return the sums of a figure of what was shown (P,) over each person (U,)."""
    person = np.unique(shown.user, return_inverse=True)[1][shown.pairs.visit]
    return np.bincount(person, figure / shown.pairs.drawn)


def places(slate, order):
    """Return the place of each offer on its slate, from 0 on, in an order of log-odds."""
    in_order = np.lexsort((-order, slate))
    found = np.empty(len(order), dtype=np.int64)
    found[in_order] = np.arange(len(order)) - np.searchsorted(slate, slate[in_order])
    return found


def ndcg(slate, order, worth):
    """Return the ndcg of each slate that holds anything of worth, in an order."""
    found, bounds = [], np.flatnonzero(np.diff(slate, prepend=-1, append=slate[-1] + 1))
    for first, last in pairwise(bounds.tolist()):
        own = worth[first:last]
        if own.any():
            discount = 1.0 / np.log2(np.arange(len(own)) + 2.0)
            at = np.argsort(-order[first:last], kind="stable")
            found.append(own[at] @ discount / (np.sort(own)[::-1] @ discount))
    return np.array(found)


def show(known, found):
    """Print the figures of rankers, each against the first.

    A booking counts the more the less its place was looked at (Joachims et al. 2017), so that an
    order gains nothing by being the one that was shown.
    """
    booked, later = known.later.pairs.is_booked, known.later
    weights = 1.0 / attention(1.0, BIAS, int(later.place.max()) + 1)[later.place[booked]]
    rate = np.average(booked, weights=1.0 / later.pairs.drawn)
    base, first = by_person(later, losses(np.full(len(booked), rate), booked)), found[0]
    for one in found:
        line = f"{one.name}: ECE {one.ece:.3f}, AUC {one.auc:.4f}, "
        line += f"log-loss against the base rate's {change(base, one.loss)}, "
        line += f"ndcg {np.average(one.ndcg, weights=weights):.4f}, "
        line += f"true {one.true_ndcg.mean():.4f}, "
        line += f"places to the power {one.found.examination.power:.2f}"
        if one is not first:
            line += f"; against {first.name}: log-loss {change(first.loss, one.loss)}, "
            line += f"ndcg {change(first.ndcg * weights, one.ndcg * weights)}, "
            line += f"true {change(first.true_ndcg, one.true_ndcg)}"
        console.print(line, soft_wrap=True, highlight=False)


def change(before, after):
    """Return the paired change in the mean, with its interval, as a share of what was before."""
    by = mean_intervals((after - before)[:, np.newaxis])[0]
    shares = (100.0 * part / before.mean() for part in (by.value, by.low, by.high))
    return "{:+.2f} % ({:+.2f} .. {:+.2f})".format(*shares)


def show_chosen(known, truth, ways):
    """Print how many bookings the likeliest slates of each ranker are worth, by the truth."""
    at = BEGIN + timedelta(days=CUTOFF_DAY)
    moment = Moment(known.past, at, RADIUS_M, N)
    users = np.unique(known.later.user)[:CHOSEN_FOR].tolist()
    worth, looked_at = {}, attention(truth.parameters.impression_rate, BIAS)
    for name, found in ways.items():
        learned = found.weights.learned
        model = replace(scoring(known.rehearsal), ranker=learned.ranker, version=name,
                        calibration=learned.calibration)  # fmt: skip
        serving = moment.serving(model)
        worth[name] = np.array(
            [
                expected(known.past, truth, user, slate) @ looked_at / looked_at.mean()
                for user in users
                for slate in replay(
                    moment, serving, moment.situation(user), [System(name, model, floor=1.0)]
                )
            ]
        )
    first = next(iter(worth.values()))
    for name, bookings in worth.items():
        console.print(
            f"likeliest {N}, {name}: {bookings.mean():.4f} bookings, {change(first, bookings)}"
        )


def expected(past, truth, user, made):
    """Return the true probability at each place of a slate (N,), 0 where it is shorter."""
    shown = made.choice.pool.take(made.choice.widened.chosen).candidates
    found = np.zeros(N)
    found[: len(shown)] = chances(
        past, truth, np.full(len(shown), row_of(past.people.names[user])), shown.offer_id,
        prices_cents(past)[shown.offer_id - 1], shown.distance_m,
    )  # fmt: skip
    return found


def show_by_number(known):
    """Print what less of what was shown is worth."""
    slates, generator = len(known.shown.at_us), np.random.default_rng(0)
    first = judged(known, "visits alone", rankers(known, known.shown)["visits alone"])
    for share in SHARES:
        some = known.shown.of_slates(generator.random(slates) < share)
        booked = int(some.pairs.is_booked.sum())
        for name, found in list(rankers(known, some).items())[1:]:
            one = judged(known, name, found)
            console.print(
                f"{booked} bookings, {name}: ECE {one.ece:.3f}, log-loss "
                f"{change(first.loss, one.loss)}, true {change(first.true_ndcg, one.true_ndcg)}",
                soft_wrap=True, highlight=False,
            )  # fmt: skip


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("stage", choices=("serve", "judge"))
    asked.add_argument("--world", required=True)
    asked.add_argument("--truth", type=Path, required=True)
    asked.add_argument("--people", type=int, default=1_000)
    options = asked.parse_args()
    world = opened_world(Settings(world=options.world))
    truth = load_truth(options.truth)
    if options.stage == "serve":
        serve(world, truth, options.people, (*TAUGHT_DAYS, *JUDGED_DAYS), seed=0)
        return
    known = known_at_cutoff(world, truth)
    for name, shown in (("taught", known.shown), ("judged", known.later)):
        console.print(
            f"{name} by {len(shown)} offers on {len(shown.at_us)} slates, {shown.by_chance.sum()} "
            f"by chance, {shown.pairs.is_booked.sum()} booked, {shown.lost} lost",
            soft_wrap=True, highlight=False,
        )  # fmt: skip
    ways = rankers(known, known.shown)
    show(known, [judged(known, name, found) for name, found in ways.items()])
    show_by_number(known)
    show_chosen(known, truth, ways)


if __name__ == "__main__":
    main()
