"""A plan over a past: the people, and what all of its weeks share."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils.extmath import randomized_svd

from reco.db.arrays import micros, moment_of
from reco.errors import InvalidInput
from reco.geo.points import Point
from reco.geo.reach import within
from training.replay.futures import Acts, people_who_book
from training.replay.past import Past
from training.replay.plan import Plan
from training.replay.states import Biographer
from training.replay.values import Attributes

NEAR_M = 10_000.0
"""Venues within it tell how dense a place is."""
_HOMES = 5_000
_A_DAY_US = 86_400_000_000
_LATENT = 64
_LATENT_USERS = 50_000


@dataclass(frozen=True)
class Evaluation:
    """A plan over a past, ready to run."""

    past: Past
    plan: Plan
    pseudonym_key: bytes
    """Keys the hash of the user ids that is written."""

    @cached_property
    def acts(self) -> Acts:
        """All bookings."""
        return Acts.of(self.past)

    @cached_property
    def attributes(self) -> Attributes:
        """Values of offers."""
        return Attributes(self.past)

    @cached_property
    def users(self) -> NDArray[np.int64]:
        """Rows of the people whose feeds are replayed, ascending.

        Raises
        ------
        InvalidInput
            There is nobody.
        """
        first_us, last_us = micros(self.plan.start), micros(self.plan.end)
        self._check_known(last_us)
        people = people_who_book(self.acts, first_us, last_us)
        if self.plan.everybody:
            people = np.flatnonzero(self.past.people.are_there(self.plan.start))
        if not len(people):
            raise InvalidInput(
                "cutoff", f"nobody booked anything in the weeks from {self.plan.start}"
            )
        if self.plan.users is not None and self.plan.users < len(people):
            generator = np.random.default_rng(self.plan.seed)
            people = np.sort(generator.permutation(people)[: self.plan.users])
        return people.astype(np.int64)

    def _check_known(self, end_us: int) -> None:
        """Raise `InvalidInput` where the weeks go on after all that is on record."""
        known_us = max(
            int(column.max(initial=0)) for column in (self.acts.at_us, self.past.deeds.at_us)
        )
        if end_us > known_us + _A_DAY_US:
            known = moment_of(known_us)
            raise InvalidInput(
                "weeks",
                f"they end on {self.plan.end:%Y-%m-%d}, what is on record on {known:%Y-%m-%d}; "
                "begin earlier, or ask for fewer",
            )

    @cached_property
    def places(self) -> NDArray[np.float64]:
        """(U, 2) longitude and latitude of the people: home, else where they used to go before."""
        places = self.past.people.home[self.users].copy()
        biographer, at_us = Biographer(self.past), micros(self.plan.start)
        for place in np.flatnonzero(np.isnan(places[:, 0])).tolist():
            usual = biographer.usual_place(int(self.users[place]), at_us)
            if usual:
                places[place] = usual.lon, usual.lat
        return places

    @cached_property
    def venues_near(self) -> NDArray[np.int32]:
        """(U,) venues within `NEAR_M` of each person; −1: nobody knows where."""
        return self._near(self.places)

    def _near(self, places: NDArray[np.float64]) -> NDArray[np.int32]:
        venues = self.past.venues
        near = [
            -1
            if np.isnan(lon)
            else len(within(venues, venues.all_rows, Point(lon, lat), NEAR_M)[0])
            for lon, lat in places.tolist()
        ]
        return np.array(near, dtype=np.int32)

    @cached_property
    def borders(self) -> tuple[float, float]:
        """Venues near that a town has more of than the country, and a dense place than a town.

        Thirds of the homes of the whole world, whoever is drawn; of `_HOMES` of them.
        """
        home = self.past.people.home
        home = home[~np.isnan(home[:, 0])]
        step = max(1, len(home) // _HOMES)
        near = self._near(home[::step]) if len(home) else self.venues_near
        known = near[near >= 0]
        low, high = np.quantile(known, [1 / 3, 2 / 3]) if len(known) else (0.0, 0.0)
        return float(low), float(high)

    @cached_property
    def density(self) -> NDArray[np.str_]:
        """(U,) dense, town or rural, by `borders`; unknown: nobody knows where."""
        near, (low, high) = self.venues_near, self.borders
        kinds = np.where(near > high, "dense", np.where(near > low, "town", "rural"))
        return np.where(near >= 0, kinds, "unknown")

    @cached_property
    def latent(self) -> NDArray[np.float64]:
        """(I, F) right singular vectors of who had booked what before the first week, by value."""
        before = self.acts.take(self.acts.at_us <= micros(self.plan.start))
        some = before.take(before.user % max(1, len(self.past.people) // _LATENT_USERS) == 0)
        shape = (len(self.past.people), len(self.past.items))
        marks = csr_array((np.ones(len(some.user)), (some.user, some.item)), shape=shape)
        marks.data[:] = 1.0
        size = min(_LATENT, min(shape) - 1)
        if size < 1 or not marks.nnz:
            return np.zeros((shape[1], 1))
        _, singular, vectors = randomized_svd(marks, size, random_state=self.plan.seed)
        return np.asarray((vectors * singular[:, np.newaxis]).T, dtype=np.float64)

    def pseudonym(self, user: int) -> str:
        """Return what stands for a person in what is written."""
        name = self.past.people.names[user].encode()
        return hashlib.blake2b(name, key=self.pseudonym_key[:64], digest_size=8).hexdigest()
