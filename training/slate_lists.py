"""The lists of every setting, and their figures user by user."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from reco.feed.widening import ValueScratch, values_of_rows
from training.beyond import (
    as_matrix,
    calibration_kl,
    horizon_recall,
    ild,
    largest_half,
    novel_recall,
    novelty,
    share_of_users,
    slate_horizon,
    slate_points,
)
from training.diversify.candidates import Candidates
from training.diversify.methods import Setting
from training.latent import latent_figures
from training.metrics import user_figures
from training.slate_pools import Pools
from training.slate_tasks import SlateTask

_KINDS = ("category", "subcategory", "genre", "venue_type")


@dataclass(frozen=True)
class Lists:
    """What makes the candidates of one user after the other."""

    slates: SlateTask
    pools: Pools
    probability: NDArray[np.float64]
    """(E,) of the pools."""
    latent: NDArray[np.float64]
    """(I, F) what the model knows of items."""

    def made(self, settings: Sequence[Setting], k: int) -> list[NDArray[np.int32]]:
        """Return the lists (n, k) of each setting, -1 where there are no more."""
        users = len(self.pools.start) - 1
        ranked = [np.full((users, k), -1, dtype=np.int32) for _ in settings]
        shared = _Shared.of(self.slates, self.latent)
        for user in range(users):
            rows = slice(self.pools.start[user], self.pools.start[user + 1])
            item, chance = self.pools.item[rows], self.probability[rows]
            order = np.lexsort((item, -chance))
            item, chance = item[order], chance[order]
            found = shared.candidates(user, item, chance)
            for setting, listed in zip(settings, ranked, strict=True):
                chosen = setting.choose(found, k)
                listed[user, : len(chosen)] = item[chosen]
        return ranked


@dataclass(frozen=True)
class _Shared:
    """What all users' candidates are cut from."""

    slates: SlateTask
    scratch: ValueScratch
    latent: NDArray[np.float64]
    attributes: "csr_array[np.float64]"
    categories: NDArray[np.float64]
    tastes: NDArray[np.float64]
    met: "csr_array[np.float64]"
    is_large: NDArray[np.bool_]

    @classmethod
    def of(cls, slates: SlateTask, latent: NDArray[np.float64]) -> "_Shared":
        category = slates.items.codes_of("category")
        met = slates.times_met[slates.task.users]
        return cls(
            slates=slates,
            scratch=ValueScratch.of(slates.items),
            latent=_unit(latent),
            attributes=unit_attributes(slates),
            categories=_share(as_matrix(slates.items)[:, category].toarray()),
            tastes=_share(met[:, category].toarray()),
            met=met,
            is_large=of_large_venues(slates),
        )

    def candidates(
        self, user: int, item: NDArray[np.int64], chance: NDArray[np.float64]
    ) -> Candidates:
        met = self.met.indices[self.met.indptr[user] : self.met.indptr[user + 1]].astype(np.int64)
        nothing_left = np.zeros(len(met))
        return Candidates(
            probability=chance,
            values=values_of_rows(self.slates.items, item, met, nothing_left, self.scratch),
            latent=self.latent[item],
            attributes=self.attributes[item],
            categories=self.categories[item],
            tastes=self.tastes[user],
            is_large=self.is_large[item],
            seed=user,
        )


def of_large_venues(slates: SlateTask) -> NDArray[np.bool_]:
    """Return which items (I,) are at the fewest venues that had half of the past's bookings."""
    has_venue = slates.venue >= 0
    if not has_venue.any():
        return has_venue
    bookings = np.bincount(slates.booked.item, minlength=len(slates.venue))
    size = np.bincount(slates.venue[has_venue], bookings[has_venue])
    return has_venue & largest_half(size)[slates.venue]


def unit_attributes(slates: SlateTask) -> "csr_array[np.float64]":
    """Return the attribute vectors of the items that `ild` compares, of length 1 or 0."""
    codes = np.concatenate([slates.items.codes_of(kind) for kind in _KINDS])
    vectors = as_matrix(slates.items)[:, codes]
    length = np.sqrt(np.asarray(vectors.sum(axis=1)))
    return csr_array(diags_array(1.0 / np.maximum(length, 1.0)) @ vectors)


def headline_of(ranked: NDArray[np.int32], slates: SlateTask) -> dict[str, NDArray[np.float64]]:
    """Return the figures that settings are chosen by, `metric@k` of each user (n,)."""
    k = ranked.shape[1]
    met = slates.times_met[slates.task.users]
    ndcg = f"ndcg@{k}"
    return {
        ndcg: user_figures(ranked, slates.task.targets, (k,))[ndcg],
        f"horizon_recall@{k}": horizon_recall(ranked, slates.found, slates.offers, met),
        f"novel_recall@{k}": novel_recall(ranked, slates.found, slates.offers, met),
        f"slate_points@{k}": slate_points(ranked, slates.items, met),
    }


def figures_of(
    ranked: NDArray[np.int32], slates: SlateTask, latent: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return `metric@k` of each user (n,); NaN where it is not defined."""
    k = ranked.shape[1]
    met = slates.times_met[slates.task.users]
    is_open = ~slates.task.closed
    category = slates.items.codes_of("category")
    booked, people = slates.booked, len(np.unique(slates.part.past.user))
    known = share_of_users(booked.user, booked.item, items=len(is_open), users=people)
    accuracy = user_figures(ranked, slates.task.targets, (k,))
    beyond = {
        "slate_horizon": slate_horizon(ranked, slates.items, met, is_open),
        "ild": ild(ranked, unit_attributes(slates)),
        **latent_figures(ranked, latent),
        "novelty": novelty(ranked, known),
        "calibration_kl": calibration_kl(
            ranked, as_matrix(slates.items)[:, category], met[:, category]
        ),
    }
    return {
        **accuracy,
        **headline_of(ranked, slates),
        **{f"{name}@{k}": values for name, values in beyond.items()},
    }


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0))


def _share(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    total = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(counts, total, out=np.zeros_like(counts), where=total > 0))
