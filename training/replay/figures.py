"""Every figure of METRICS, sections 2 and 3, of replayed slates: person by person."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.horizon import ValueTable
from reco.catalogue.rows import ragged_rows
from reco.catalogue.snapshot import Catalogue
from reco.db.arrays import micros
from training.beyond import (
    as_matrix,
    calibration_kl,
    horizon_recall,
    ild,
    median_distance_m,
    novel_recall,
    novelty,
    slate_points,
)
from training.latent import latent_figures
from training.metrics import hits, user_figures
from training.replay.futures import Window
from training.replay.slates import Lists

_KINDS = ("category", "subcategory", "genre", "venue_type")


@dataclass(frozen=True)
class Backdrop:
    """What the figures of one moment need beside the slates and what was done later."""

    share_of_users: NDArray[np.float64]
    """(I,) who had booked each item; half a person's worth where nobody had."""
    latent: NDArray[np.float64] | None
    """(I, F) vectors of the items, zeros of an item that nobody had met; None: those figures are
    left out."""
    most_points: NDArray[np.float64]
    """(U,) what n candidates of each person could earn at most (METRICS: U_k)."""
    is_affordable: NDArray[np.bool_]
    """(U, n) whether a session of the shown offer is within the credit and its caps."""


def figures_of(lists: Lists, window: Window, backdrop: Backdrop) -> dict[str, NDArray[np.float64]]:
    """Return `metric@k` of each person (U,); NaN where it is not defined."""
    n = lists.item.shape[1]
    has_targets = np.diff(window.targets.indptr) > 0
    relevance = _relevance(lists, window, has_targets)
    return relevance | {
        f"{name}@{n}": column for name, column in _beyond(lists, window, backdrop).items()
    }


def hit_marks(lists: Lists, window: Window) -> NDArray[np.bool_]:
    """Return which places of the slates (U, n) hold something that was booked later."""
    return hits(lists.item, window.targets)


def _relevance(
    lists: Lists, window: Window, has_targets: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    rows = np.flatnonzero(has_targets)
    cutoffs = tuple(sorted({min(10, lists.item.shape[1]), lists.item.shape[1]}))
    told = user_figures(lists.item[rows], window.targets[rows], cutoffs)
    figures = {}
    for name, column in told.items():
        figures[name] = np.full(len(has_targets), np.nan)
        figures[name][rows] = column
    return figures


def _beyond(lists: Lists, window: Window, backdrop: Backdrop) -> dict[str, NDArray[np.float64]]:
    attributes = window.attributes
    shown, place = np.unique(lists.offer[lists.offer >= 0], return_inverse=True)
    listed = np.full(lists.offer.shape, -1, dtype=np.int32)
    listed[lists.offer >= 0] = place
    values = attributes.table(shown)
    booked = attributes.table(window.later.offer)
    met = window.times_met
    earned = slate_points(listed, values, met)
    category = values.codes_of("category")
    figures = {
        "horizon_recall": horizon_recall(lists.item, window.found, booked, met),
        "novel_recall": novel_recall(lists.item, window.found, booked, met),
        "slate_points": earned,
        "slate_horizon": np.divide(
            earned, backdrop.most_points,
            out=np.full(len(earned), np.nan), where=backdrop.most_points > 0,
        ),
        "ild": ild(listed, _vectors(values)),
        "novelty": novelty(lists.item, backdrop.share_of_users),
        "calibration_kl": calibration_kl(listed, as_matrix(values)[:, category], met[:, category]),
        "distance_m": median_distance_m(listed, lists.distance_m.astype(np.float64)),
        "affordable": _share_of_shown(backdrop.is_affordable, lists.item >= 0),
        "relevance_kept": lists.relevance_kept.astype(np.float64),
        "expected_gain": np.nansum(lists.gain, axis=1).astype(np.float64),
        "gain_at_intensity": lists.gain_at_intensity.astype(np.float64),
    }  # fmt: skip
    if backdrop.latent is not None:
        figures |= latent_figures(lists.item, backdrop.latent)
    return figures


def _vectors(values: ValueTable) -> "csr_array[np.float64]":
    codes = np.concatenate([values.codes_of(kind) for kind in _KINDS])
    return csr_array(as_matrix(values)[:, codes])


def _share_of_shown(marks: NDArray[np.bool_], is_shown: NDArray[np.bool_]) -> NDArray[np.float64]:
    shown = is_shown.sum(axis=1)
    share = np.full(len(shown), np.nan)
    np.divide((marks & is_shown).sum(axis=1), shown, out=share, where=shown > 0)
    return share


def affordable_offers(
    catalogue: Catalogue, offers: NDArray[np.int32], limits_cents: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which shown offers (U, n) have an open stock within the person's means.

    Parameters
    ----------
    catalogue
        Of the moment, of which nothing has changed.
    limits_cents
        (U, 3) the most that a stock may cost, by its cap.
    """
    shelf, at_us = catalogue.base, micros(catalogue.at)
    user, at = np.nonzero(offers >= 0)
    stock, owner = ragged_rows(
        shelf.stock_start, shelf.offer_rows(offers[user, at].astype(np.int64) + 1)
    )
    within = shelf.stock_price_cents[stock] <= limits_cents[user[owner], shelf.stock_cap[stock]]
    within &= (shelf.stock_opens_us[stock] <= at_us) & (shelf.stock_closes_us[stock] > at_us)
    marks = np.zeros(offers.shape, dtype=bool)
    np.logical_or.at(marks, (user[owner], at[owner]), within)
    return marks
