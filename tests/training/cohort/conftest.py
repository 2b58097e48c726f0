"""A tiny world, and lives in it, made once: whoever changes one copies it first."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from reco.model.loaded import LoadedModel
from training.cohort.assumptions import Assumptions
from training.cohort.learning import first_model
from training.cohort.life import Life
from training.cohort.policies import Likeness, Policy, policy_named
from training.cohort.run import people_table
from training.cohort.world import CohortWorld, make_world
from training.ranker import Weights
from training.simulate.parameters import SCALES, Scale

SEED = 3
TINY = Assumptions(
    scale=Scale(users=250, venues=60, items=500, offers=2_000, extent=SCALES["demo"].extent),
    start=date(2026, 9, 7),
    people=50,
    months=2,
    weeks_between_fits=4,
)


@dataclass(frozen=True)
class Begun:
    """A world and the model that it starts with."""

    world: CohortWorld
    model: LoadedModel

    def life(self, policy: Policy | str, assumptions: Assumptions = TINY) -> Life:
        """Return a life that nobody has lived yet."""
        if isinstance(policy, str):
            policy = policy_named(policy, Likeness.of(self.world.past))
        return Life(self.world, assumptions, policy, SEED, self.model)

    def lived(self, policy: Policy | str, assumptions: Assumptions = TINY) -> Life:
        """Return a life that is over."""
        life = self.life(policy, assumptions)
        assert list(life.weeks()) == list(range(assumptions.weeks))
        return life

    @property
    def with_ranker(self) -> "Begun":
        """The same with costs that rise: of so few bookings no ranker is learned."""
        calibration, rises = self.model.calibration, np.full(16 + 12 + 8 + 8, 0.05)
        of_items = [calibration.intercept, calibration.slope, -6.0, 0.5, 0.1, 0.3, -0.2]
        week = np.linspace(0.0, 0.3, 24 + 7)
        columns = np.concatenate([of_items, rises, week, [0.1]])
        weights = Weights(columns, calibration.scale, credit=0.2)
        return replace(self, model=replace(self.model, ranker=weights.learned.ranker))

    def people(self):
        return people_table(self.world)


@pytest.fixture(scope="session")
def begun(tmp_path_factory) -> Begun:
    world = make_world(TINY, SEED)
    now = datetime.fromtimestamp(world.start_s, UTC)
    folder = tmp_path_factory.mktemp("models")
    return Begun(world, first_model(world, now, folder))


@pytest.fixture(scope="session")
def keen(begun) -> Assumptions:
    """People who look at nearly all, whatever it costs: credit, caps and seats run out."""
    careless = replace(
        TINY.parameters, impression_rate=0.9, price_sensitivity=(0.01, 0.1, 0.1), booking_bias=2.0
    )
    return replace(TINY, parameters=careless, position_bias=0.0, months=1)


@pytest.fixture(scope="session")
def keen_life(begun, keen) -> Life:
    truth = replace(begun.world.truth, parameters=keen.parameters)
    return replace(begun.with_ranker, world=replace(begun.world, truth=truth)).lived(
        "horizon@.9", keen
    )


@pytest.fixture(scope="session")
def ours(begun) -> Life:
    return begun.lived("horizon@.98")


def by_person(column: np.ndarray, person: np.ndarray) -> np.ndarray:
    return np.bincount(person, column, TINY.people)
