"""Kinds of people against their plain definitions: who is of one, and what is told of it."""

import hashlib
import math
from collections import Counter, defaultdict

import numpy as np
import pyarrow.parquet as pq
import pytest
from plain_world import apart_m

from training.replay.summary import LEAST_PEOPLE, SEGMENTS, summary_from


@pytest.fixture(scope="module")
def people(run):
    """The rows of each person by system, the first week's first."""
    found = defaultdict(lambda: defaultdict(list))
    for row in sorted(run.rows().to_pylist(), key=lambda row: row["at"]):
        found[row["user"]][row["system"]].append(row)
    return found


def test_who_has_booked_nothing_is_cold_and_who_three_times_is_warm(people):
    rows = [row for systems in people.values() for rows in systems.values() for row in rows]
    assert {0, 1, 2, 3, 4} <= {row["bookings"] for row in rows}
    for row in rows:
        kinds = {0: "cold", 1: "warming", 2: "warming"}
        assert row["seen"] == kinds.get(row["bookings"], "warm")


def test_a_place_is_dense_by_the_venues_within_10_km(frames, people, alone):
    homes, venues = (pq.read_table(frames / f"{name}.parquet").to_pylist()
                     for name in ("users", "venues"))  # fmt: skip
    near = {
        hashlib.blake2b(home["user_id"].encode(), key=b"key", digest_size=8).hexdigest(): sum(
            apart_m(home, venue) <= 10_000 for venue in venues
        )
        for home in homes
    }
    # A third of all homes has each count: the borders of the thirds lie between them.
    assert Counter(near.values()) == {2: 32, 4: 32, 6: 32}
    kinds = {2: "rural", 4: "town", 6: "dense"}
    told = [(user, row["density"]) for user, systems in people.items() for row in systems["near"]]
    assert {user for user, _ in told} == set(near)
    # Few people are of the kinds that the whole world's homes make them.
    told += zip(*(alone.rows()[name].to_pylist() for name in ("user", "density")), strict=True)
    assert all(density == kinds[near[user]] for user, density in told)


def test_segments_are_of_people_as_in_their_first_week(run, people):
    summary = summary_from(run.summary())
    systems = [one.system for one in summary.systems]
    assert any(len({row["seen"] for row in one["near"]}) > 1 for one in people.values())
    groups = defaultdict(list)
    for one in people.values():
        for kind in SEGMENTS:
            groups[kind, one["near"][0][kind] or "none"].append(one)
    enough = {group: some for group, some in groups.items() if len(some) >= LEAST_PEOPLE}
    assert len(groups) > len(enough) > 3
    assert {(one.kind, one.value): one.people for one in summary.segments} == {
        group: len(some) for group, some in enough.items()
    }
    few = 0
    for segment in summary.segments:
        some = enough[segment.kind, segment.value]
        for metric in segment.systems[0]:
            table = [[mean(one[system], metric) for system in systems] for one in some]
            known = [row for row in table if not any(map(math.isnan, row))]
            found = [metrics[metric].value for metrics in segment.systems]
            if len(known) >= LEAST_PEOPLE:
                assert found == pytest.approx(np.mean(known, axis=0).tolist())
            else:
                assert found == [None] * len(systems)
                few += len(known) > 0
    assert few


def mean(rows, metric):
    """Return the mean over the weeks in which a figure is defined."""
    known = [row[metric] for row in rows if not math.isnan(row[metric])]
    return sum(known) / len(known) if known else math.nan
