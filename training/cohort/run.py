"""Runs cohorts: seeds one after the other, the policies of each by several processes.

While a seed is lived through, the model of the next is fitted: no process waits for it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq

from reco.errors import InvalidInput
from reco.model.loaded import LoadedModel
from training.cohort.assumptions import Assumptions
from training.cohort.figures import Lived
from training.cohort.learning import first_model
from training.cohort.life import Life
from training.cohort.policies import Likeness, Policy, check_policy, policy_named
from training.cohort.world import CohortWorld, make_world
from training.replay.processes import shared_among

Progress = Callable[[str, float], None]
"""Called with what is under way and the share of the whole that is done."""

_PLAN = "assumptions.json"
_FOLLOWING = -1
"""Among the policies of a seed: what stands for the model of the next."""


@dataclass(frozen=True)
class Cohorts:
    """What is to be lived through, and where it is kept: a folder of Parquet files."""

    assumptions: Assumptions
    policies: Sequence[str]
    seeds: Sequence[int]
    folder: Path
    models: Path
    """Where the models of the beginning are kept, of one world each."""
    revision: str | None
    """Of the code that lives them; None: not known."""

    def __post_init__(self) -> None:
        if not self.policies or not self.seeds:
            raise InvalidInput("policy", "at least one policy and one seed are needed")
        for policy in self.policies:
            check_policy(policy)

    def run(self, workers: int, progress: Progress) -> None:
        """Live through all that is not kept yet; a run that was stopped goes on.

        Raises
        ------
        InvalidInput
            The folder holds cohorts of other assumptions or of another revision of the code.
        """
        self._claim()
        seeds = [seed for seed in self.seeds if self._missing(seed)]
        for seed in seeds[:1]:
            progress(f"seed {seed}: its world and first model", self._share)
            for _ in shared_among([seed], self._train, workers):
                pass
        for seed, following in zip_longest(seeds, seeds[1:]):
            self._live(seed, following, workers, progress)
        progress("done", 1.0)

    def lived(self, policy: str) -> list[Lived]:
        """Return the lives of a policy that are kept, one a seed."""
        return [
            Lived(
                policy=policy,
                seed=seed,
                bookings=pq.read_table(self._file("bookings", policy, seed)),
                worth=pq.read_table(self._file("worth", policy, seed)),
                people=pq.read_table(self._file("people", "cohort", seed)),
                assumptions=self.assumptions,
            )
            for seed in self.seeds
            if self._file("bookings", policy, seed).exists()
        ]

    def _live(self, seed: int, following: int | None, workers: int, progress: Progress) -> None:
        """Live through what is missing of a seed while the model of the next is fitted."""
        progress(f"seed {seed}: the world", self._share)
        world = make_world(self.assumptions, seed)
        policies = self._policies(world, seed)
        models = {weight: self._model(world, seed, weight) for weight in _weights(policies)}
        self._keep(people_table(world), "people", "cohort", seed)

        def do(piece: int) -> None:
            if piece == _FOLLOWING:
                self._train(cast("int", following))
                return
            policy = policies[piece]
            life = Life(world, self.assumptions, policy, seed, models[policy.credit_weight])
            for _ in life.weeks():
                pass
            # What says that a life is kept comes last.
            self._keep(life.worth(), "worth", policy.name, seed)
            self._keep(life.bookings(), "bookings", policy.name, seed)

        pieces = [*([] if following is None else [_FOLLOWING]), *range(len(policies))]
        progress(f"seed {seed}: {len(policies)} policies", self._share)
        for _ in shared_among(pieces, do, workers):
            progress(f"seed {seed}: {len(policies)} policies", self._share)

    @property
    def _share(self) -> float:
        """Of all lives, those that are kept."""
        missing = sum(len(self._missing(seed)) for seed in self.seeds)
        return 1.0 - missing / len(self.seeds) / len(self.policies)

    def _missing(self, seed: int) -> list[str]:
        return [p for p in self.policies if not self._file("bookings", p, seed).exists()]

    def _policies(self, world: CohortWorld, seed: int) -> list[Policy]:
        likeness = Likeness.of(world.past)
        return [policy_named(name, likeness) for name in self._missing(seed)]

    def _train(self, seed: int) -> None:
        """Fit and save the models that a seed's lives begin with."""
        world = make_world(self.assumptions, seed)
        for weight in _weights(self._policies(world, seed)):
            self._model(world, seed, weight)

    def _model(self, world: CohortWorld, seed: int, credit_weight: float) -> LoadedModel:
        start = datetime.fromtimestamp(world.start_s, UTC)
        name = f"{self.assumptions.world_digest()}-{seed}-credit-{credit_weight:g}"
        return first_model(world, start, self.models / name, credit_weight)

    def _claim(self) -> None:
        """Write down whose folder it is, or see that it is of the same assumptions and code."""
        self.folder.mkdir(parents=True, exist_ok=True)
        plan = self.folder / _PLAN
        claim = {"digest": self.assumptions.digest(), "revision": self.revision}
        told = {**claim, **asdict(self.assumptions)}
        if plan.exists():
            known = json.loads(plan.read_text(encoding="utf-8"))
            for key, named in (("digest", "other assumptions"), ("revision", "other code")):
                if known.get(key) != claim[key]:
                    raise InvalidInput(
                        "out", f"{self.folder} holds cohorts of {named}; choose another"
                    )
        plan.write_text(json.dumps(told, default=str, indent=2), encoding="utf-8")

    def _file(self, what: str, whose: str, seed: int) -> Path:
        return self.folder / f"{what}-{whose}-{seed}.parquet"

    def _keep(self, table: pa.Table, what: str, whose: str, seed: int) -> None:
        file = self._file(what, whose, seed)
        unfinished = file.with_suffix(".unfinished")
        pq.write_table(table, unfinished, compression="zstd")
        unfinished.replace(file)


def people_table(world: CohortWorld) -> pa.Table:
    """Return what figures must know of the people, a row each."""
    return pa.table({"density": world.truth.density})


def _weights(policies: Sequence[Policy]) -> list[float]:
    """Return the weights of credit that their models are learned with."""
    return sorted({policy.credit_weight for policy in policies})
