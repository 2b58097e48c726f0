"""What each figure of a report is called and means: METRICS, in a line each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Unit(StrEnum):
    """How the values of a figure are written."""

    SHARE = "share"
    POINTS = "points"
    METRES = "metres"
    PLAIN = "plain"
    FINE = "fine"
    """Of which small parts matter."""


@dataclass(frozen=True)
class Definition:
    """One figure."""

    title: str
    told: str
    unit: Unit = Unit.PLAIN
    wanted: int = 0
    """1: more is better; 0: neither more nor less by itself."""


HEADLINE = ("ndcg", "horizon_recall", "novel_recall", "slate_points")
"""What a decision is taken by."""

DEFINITIONS: Mapping[str, Definition] = MappingProxyType(
    {
        "ndcg": Definition(
            "Relevance",
            "what was booked later stands high on the slate: gains of 1 discounted by the logarithm"
            " of the position, over the best order",
            wanted=1,
        ),
        "horizon_recall": Definition(
            "Horizon found",
            "of the points that later bookings really added to a person's horizon, the share that"
            " came from what the slate had shown",
            Unit.SHARE,
            1,
        ),
        "novel_recall": Definition(
            "New categories found",
            "of what was later booked in a category new to the person, the share that was on the"
            " slate",
            Unit.SHARE,
            1,
        ),
        "slate_points": Definition(
            "Points on the slate",
            "horizon points that a person would earn by booking all of the slate",
            Unit.POINTS,
            1,
        ),
        "slate_horizon": Definition(
            "Share of the points in reach",
            "points on the slate over the most that so many offers around could earn",
            Unit.SHARE,
            1,
        ),
        "expected_gain": Definition(
            "Expected points",
            "points that a person earns in expectation, by the probabilities shown, of a slate that"
            " is seen once",
            wanted=1,
        ),
        "gain_at_intensity": Definition(
            "Expected points at the intensity",
            "the same of as many slates like it as the system's intensity says; systems of"
            " different intensities cannot be told apart by it",
        ),
        "relevance_kept": Definition(
            "Relevance kept",
            "expected relevance of the slate over that of the likeliest slate",
            Unit.SHARE,
        ),
        "recall": Definition(
            "Recall",
            "booked later and on the slate, over booked later (at most the slate's length)",
            Unit.SHARE,
            1,
        ),
        "recall_full": Definition(
            "Full recall", "booked later and on the slate, over all booked later", Unit.SHARE, 1
        ),
        "mrr": Definition(
            "Reciprocal rank", "one over the position of the first hit", wanted=1
        ),
        "map": Definition("Average precision", "precision averaged over the hits", wanted=1),
        "hit": Definition(
            "People with a hit", "whether anything booked later was on the slate", Unit.SHARE, 1
        ),
        "ild": Definition(
            "Difference within a slate", "mean of one minus cosine over pairs, by attributes"
        ),
        "ild_latent": Definition(
            "Latent difference within a slate", "the same by vectors of who booked what"
        ),
        "volume": Definition(
            "Volume", "square root of the determinant of the slate's Gram matrix of item vectors"
        ),
        "novelty": Definition(
            "Surprise", "mean of minus the binary logarithm of the share of people who know an item"
        ),
        "calibration_kl": Definition(
            "Distance to past categories",
            "divergence of the slate's categories from those of the person's history",
        ),
        "distance_m": Definition(
            "Distance", "median distance from home to what is shown", Unit.METRES
        ),
        "affordable": Definition(
            "Affordable", "share of the slate within the credit left and its caps", Unit.SHARE, 1
        ),
        "coverage": Definition(
            "Coverage", "share of the bookable catalogue that is shown to anyone", Unit.SHARE
        ),
        "gini": Definition(
            "Inequality of items", "Gini coefficient of how often each item is shown"
        ),
        "venue_gini": Definition(
            "Inequality of venues",
            "Gini coefficient of the exposure of venues, discounted by position",
        ),
        "exposure": Definition(
            "Share of exposure", "of the places on slates, what some venues have", Unit.SHARE
        ),
        "ece": Definition(
            "Calibration error",
            "mean distance of the probabilities said from how often it was booked within the week,"
            " shown or not, which is not quite what they are of; over bins of equal size; the"
            " interval is of what is left of it without chance",
            Unit.FINE,
        ),
        "ece_rel": Definition(
            "Calibration error over the base rate",
            "the same over how often what is shown was booked",
            Unit.SHARE,
        ),
        "log_loss": Definition(
            "Log loss",
            "mean of minus the logarithm of what was said of what came; less where less is booked",
            Unit.FINE,
        ),
        "log_loss_base": Definition(
            "Log loss of the base rate",
            "the same, were the base rate said of everything",
            Unit.FINE,
        ),
        "log_loss_less_base": Definition(
            "Log loss less that of the base rate",
            "below nought where the probabilities tell more of what was booked within the week than"
            " the base rate would",
            Unit.FINE,
        ),
        "brier": Definition(
            "Brier score",
            "mean square of what was said less what came; less where less is booked",
            Unit.FINE,
        ),
        "auc": Definition(
            "Area under the curve",
            "how often of two offers shown, one booked and one not, the booked one had the higher"
            " probability",
            wanted=1,
        ),
        "distinct": Definition(
            "Distinct probabilities",
            "share of distinct values among the likeliest candidates of a person",
            Unit.SHARE,
        ),
    }
)  # fmt: skip


def definition(metric: str) -> Definition:
    """Return what `metric` is, its cutoff aside; of one without words, its name."""
    name = metric.split("@", maxsplit=1)[0]
    return DEFINITIONS.get(name, Definition(name, ""))
