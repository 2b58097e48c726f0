"""Runs cohorts: the lives of one seed after those of another, several at the same time.

While those of a seed are under way the world of the next is drawn and its model is fitted. Lives
that ask no model take least: of the first seed they are lived while its model is fitted, of the
others at last. So hardly a process waits for another. Of large worlds there is one at a time.
"""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from reco.errors import InvalidInput
from reco.model.loaded import LoadedModel
from training.cohort.assumptions import Assumptions
from training.cohort.crew import Crew
from training.cohort.figures import Lived
from training.cohort.learning import first_model
from training.cohort.life import Life
from training.cohort.policies import (
    Likeness,
    Policy,
    check_policy,
    credit_weight_of,
    needs_model,
    policy_named,
)
from training.cohort.world import CohortWorld, make_world

Progress = Callable[[str, float], None]
"""Called with what is under way and the share of the whole that is done."""

_PLAN = "assumptions.json"
_LIVES = "bookings-*.parquet"
_TOLD = 3
"""So many assumptions that differ are told."""
_MOST_BESIDE = 100_000
"""Ordinary people of a world up to which the next is made beside it: five times a town's."""


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
            The folder keeps lives of other assumptions or of another revision of the code, or
            there is not one worker.
        """
        crew = Crew(workers, lambda: progress("lives", self._share))
        self.claim()
        seeds = [seed for seed in self.seeds if self._missing(seed)]
        progress("the first world and its model", self._share)
        is_large = self.assumptions.scale.users > _MOST_BESIDE
        for together in [[seed] for seed in seeds] if is_large else [seeds]:
            self._live_through(crew, together)
            # Only now does no process have the world any more.
            crew.finish()
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

    def _live_through(self, crew: Crew, seeds: Sequence[int]) -> None:
        """Begin all lives of some seeds that are missing, each world made beside the one before."""
        worlds = (make_world(self.assumptions, seed) for seed in seeds)
        world = next(worlds, None)
        while world:
            asks, others = self._by_need(world.seed)
            if world.seed == seeds[0]:
                trained = self._train(crew, world)
                # Nothing else can be lived while the first model is trained.
                self._begin(crew, world, others)
                others = []
            # Made while others work, like the model that its lives will begin with.
            following = next(worlds, None)
            trained.result()
            self._begin(crew, world, asks[:1])
            if following:
                trained = self._train(crew, following)
            # What takes least comes last, when hardly anything is left to do beside it.
            self._begin(crew, world, asks[1:] + others)
            world = following

    def _train(self, crew: Crew, world: CohortWorld) -> "Future[None]":
        """Begin to fit and save what lives in a world begin with; the result says it is there."""
        self._keep(people_table(world), "people", "cohort", world.seed)
        asks, _ = self._by_need(world.seed)

        def train() -> None:
            self._models(world, asks)

        return crew.begin(train)

    def _begin(self, crew: Crew, world: CohortWorld, policies: Sequence[str]) -> None:
        """Begin to live through some policies in a world; their models are there."""
        for life in self._lives(world, policies):
            crew.begin(life)

    def _by_need(self, seed: int) -> tuple[list[str], list[str]]:
        """Return the missing policies that ask a model, and those that ask none."""
        missing = self._missing(seed)
        return [name for name in missing if needs_model(name)], [
            name for name in missing if not needs_model(name)
        ]

    def _lives(self, world: CohortWorld, policies: Sequence[str]) -> list[Callable[[], None]]:
        """Return what lives through each of some policies in a world."""
        likeness, models = Likeness.of(world.past), self._models(world, policies)
        return [
            partial(
                self._live,
                world,
                policy_named(name, likeness),
                models.get(credit_weight_of(name)),
            )
            for name in policies
        ]

    def _live(self, world: CohortWorld, policy: Policy, model: LoadedModel | None) -> None:
        life = Life(world, self.assumptions, policy, world.seed, model)
        for _ in life.weeks():
            pass
        self._require_ours()
        # What says that a life is kept comes last.
        self._keep(life.worth(), "worth", policy.name, world.seed)
        self._keep(life.bookings(), "bookings", policy.name, world.seed)

    @property
    def _share(self) -> float:
        """Of all lives, those that are kept."""
        missing = sum(len(self._missing(seed)) for seed in self.seeds)
        return 1.0 - missing / len(self.seeds) / len(set(self.policies))

    def _missing(self, seed: int) -> list[str]:
        """Return the policies without a life, once each."""
        named = dict.fromkeys(self.policies)
        return [name for name in named if not self._file("bookings", name, seed).exists()]

    def _models(self, world: CohortWorld, policies: Sequence[str]) -> dict[float, LoadedModel]:
        """Return the models of those policies that ask one, by the weight of credit."""
        weights = sorted({credit_weight_of(name) for name in policies if needs_model(name)})
        return {weight: self._model(world, weight) for weight in weights}

    def _model(self, world: CohortWorld, credit_weight: float) -> LoadedModel:
        start = datetime.fromtimestamp(world.start_s, UTC)
        told = (self.assumptions.world_digest(), world.seed, credit_weight, self.revision)
        name = "{}-{}-credit-{:g}-{}".format(*told)
        return first_model(world, start, self.models / name, credit_weight)

    def claim(self) -> None:
        """Write down whose folder it is, or see that it is of the same assumptions and code.

        A folder that keeps no life yet loses nothing, and is claimed anew.

        Raises
        ------
        InvalidInput
            It keeps lives of other assumptions or of another revision of the code.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        plan = self.folder / _PLAN
        told = json.dumps({**self._whose, **asdict(self.assumptions)}, default=str, indent=2)
        if plan.exists() and any(self.folder.glob(_LIVES)):
            known, ours = json.loads(plan.read_text(encoding="utf-8")), json.loads(told)
            if known.get("digest") != ours["digest"]:
                raise self._refusal("assumptions", _apart(known, ours), "give those to go on, ")
            if known.get("revision") != ours["revision"]:
                raise self._refusal("code", _apart(known, ours))
        plan.write_text(told, encoding="utf-8")

    @property
    def _whose(self) -> dict[str, str | None]:
        return {"digest": self.assumptions.digest(), "revision": self.revision}

    def _require_ours(self) -> None:
        """Raise `InvalidInput` where another run, of others, has claimed the folder meanwhile."""
        known = json.loads((self.folder / _PLAN).read_text(encoding="utf-8"))
        if {name: known.get(name) for name in self._whose} != self._whose:
            raise InvalidInput(
                "out",
                f"{self.folder} was claimed meanwhile by a run of other assumptions or code:"
                " choose another folder with --out",
            )

    def _refusal(self, others: str, apart: str, going_on: str = "") -> InvalidInput:
        return InvalidInput(
            "out",
            f"{self.folder} holds lives of other {others}{apart}: {going_on}choose another folder"
            f" with --out, or delete it (rm -r {shlex.quote(str(self.folder))})",
        )

    def _file(self, what: str, whose: str, seed: int) -> Path:
        return self.folder / f"{what}-{whose}-{seed}.parquet"

    def _keep(self, table: pa.Table, what: str, whose: str, seed: int) -> None:
        file = self._file(what, whose, seed)
        unfinished = file.with_suffix(".unfinished")
        pq.write_table(table, unfinished, compression="zstd")
        unfinished.replace(file)


def _apart(known: Mapping[str, object], ours: Mapping[str, object]) -> str:
    """Return in brackets what is told of a folder and is otherwise now, as far as it is known."""
    then, now = _flat(known), _flat(ours)
    names = [name for name in now if name != "digest" and then.get(name, now[name]) != now[name]]
    told = [f"{name} was {then[name]}, is {now[name]}" for name in names[:_TOLD]]
    return f" ({'; '.join(told)})" if told else ""


def _flat(told: Mapping[str, object], within: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in told.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{within}{name}.")
        else:
            found[f"{within}{name}"] = value
    return found


def people_table(world: CohortWorld) -> pa.Table:
    """Return what figures must know of the people, a row each."""
    return pa.table({"density": world.truth.density})
