"""Factors of iALS: a user is solved for from the history alone, by the very equation of training.

The factors stand in the axes in which the unobserved part is diagonal, so that a short history
of n items costs n^2 F (Woodbury's identity) and not F^3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reco.kernel.solving import add_terms, solve_by_items
from reco.model.artifact import Layout
from reco.model.history import History
from reco.model.latent import NO_SOLUTION, Latent, solved
from reco.model.scorer import Parameters


@dataclass(frozen=True)
class WeightedFactors(Latent):
    """Item factors y of iALS (Rendle et al. 2022, "Revisiting the performance of iALS").

    The factor x of a user with history H of weights w minimises

        sum over i in H of w_i v_i (1 - x y_i)^2 + sum over all i of z_i (x y_i)^2 + r x^2

    where v_i is `observed_weight`, z_i the weight of the unobserved part (already in
    `unobserved_axes`), and `r = regularisation * (sum of w_i v_i + unobserved_mass) ** nu`.
    """

    kind: ClassVar[str] = "ials"
    layout: ClassVar[Layout] = {
        "item_factors": ("float32", ("items", "factors")),
        "observed_weight": ("float32", ("items",)),
        "unobserved_axes": ("float64", ("factors",)),
        "unobserved_mass": ("float64", ("one",)),
    }

    item_factors: NDArray[np.float32]
    """(I, F); zero where nobody met the item."""
    observed_weight: NDArray[np.float32]
    """(I,) v: 1 where nothing is balanced."""
    unobserved_axes: NDArray[np.float64]
    """(F,) the diagonal of `Y' diag(z) Y`; off it there is nothing."""
    unobserved_mass: NDArray[np.float64]
    """(1,) the sum of z."""
    regularisation: float
    nu: float

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], parameters: Parameters) -> Self:
        """Return the scorer whose `arrays()` these are."""
        return cls(
            **{name: arrays[name] for name in cls.layout},
            regularisation=float(parameters["regularisation"] or 0.0),
            nu=float(parameters["nu"] or 0.0),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that `from_arrays` needs, beside regularisation and nu."""
        return {name: getattr(self, name) for name in self.layout}

    def _solved(self, history: History) -> NDArray[np.float64]:
        """Return the (F,) factor of the user with this history."""
        if len(history) > len(self.unobserved_axes):
            left, right = history.once(self, self._equations)
            return np.asarray(solved(left, right[np.newaxis])[0])
        weights, diagonal = self._terms(history)
        user = np.empty(len(diagonal))
        if not solve_by_items(self.item_factors, history.rows, weights, diagonal, user):
            raise np.linalg.LinAlgError(NO_SOLUTION)
        return user

    def normal_equations(self, history: History) -> NDArray[np.float64]:
        """Return the left side, (F, F), of what the user's factor solves."""
        left, _ = history.once(self, self._equations)
        return left

    def _equations(self, history: History) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        weights, diagonal = self._terms(history)
        left, right = np.diag(diagonal), np.zeros(len(diagonal))
        add_terms(self.item_factors, history.rows, weights, weights, left, right)
        return left, right

    def _terms(self, history: History) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the weights of the history's items, and the part that is diagonal."""
        weights = history.weights.astype(np.float64) * self.observed_weight[history.rows]
        mass = float((weights.sum() + self.unobserved_mass[0]) ** self.nu)
        return weights, self.unobserved_axes + self.regularisation * mass
