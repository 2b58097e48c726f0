"""Runs cohorts: seeds one after the other, the policies of each by several processes."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from reco.errors import InvalidInput
from reco.model.loaded import LoadedModel
from training.cohort.assumptions import Assumptions
from training.cohort.figures import Lived
from training.cohort.learning import first_model
from training.cohort.life import Life
from training.cohort.policies import Likeness, check_policy, policy_named
from training.cohort.world import CohortWorld, make_world
from training.replay.processes import shared_among

Progress = Callable[[str, float], None]
"""Called with what is under way and the share of the whole that is done."""

_PLAN = "assumptions.json"


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
        for at, seed in enumerate(self.seeds):
            missing = [p for p in self.policies if not self._file("bookings", p, seed).exists()]
            if missing:
                share = at / len(self.seeds)
                progress(f"seed {seed}: the world", share)
                self._live(seed, missing, workers, progress)
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

    def _live(self, seed: int, missing: list[str], workers: int, progress: Progress) -> None:
        world = make_world(self.assumptions, seed)
        begun = self.seeds.index(seed) / len(self.seeds)
        likeness = Likeness.of(world.past)
        policies = [policy_named(name, likeness) for name in missing]
        models = {
            weight: self._model(
                world, seed, weight, lambda what, _: progress(f"seed {seed}: {what}", begun)
            )
            for weight in sorted({policy.credit_weight for policy in policies})
        }
        self._keep(people_table(world), "people", "cohort", seed)

        def live(piece: int) -> None:
            policy = policies[piece]
            life = Life(world, self.assumptions, policy, seed, models[policy.credit_weight])
            for _ in life.weeks():
                pass
            # What says that a life is kept comes last.
            self._keep(life.worth(), "worth", policy.name, seed)
            self._keep(life.bookings(), "bookings", policy.name, seed)

        kept = len(self.policies) - len(missing)
        told = f"seed {seed}: {len(missing)} policies"
        progress(told, begun + kept / len(self.policies) / len(self.seeds))
        for done, _ in enumerate(shared_among(range(len(missing)), live, workers), start=kept + 1):
            progress(told, begun + done / len(self.policies) / len(self.seeds))

    def _model(
        self, world: CohortWorld, seed: int, credit_weight: float, progress: Progress
    ) -> LoadedModel:
        start = datetime.fromtimestamp(world.start_s, UTC)
        name = f"{self.assumptions.world_digest()}-{seed}-credit-{credit_weight:g}"
        return first_model(world, start, self.models / name, progress, credit_weight)

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
