"""Probabilities that are said to made-up people, of whose truth everything is known."""

import numpy as np

K, RATE, SPREAD = 20, 0.02, 0.8
TRUTHS = {
    "exact": lambda said: said,
    "too low": lambda said: said * 1.25,
    "too high": lambda said: said * 0.8,
    "wrong at the top": lambda said: np.where(said > 2.5 * RATE, said * 1.4, said),
    "too steep": lambda said: RATE * (said / RATE) ** 0.7,
}
"""What comes of what is said."""


def said(people, generator):
    """Return K probabilities for each, (people, K)."""
    size = (people, K)
    return np.minimum(RATE * np.exp(SPREAD * generator.standard_normal(size) - SPREAD**2 / 2), 0.9)


def drawn(people, truth, generator, chance=None):
    """Return what was said, what came true, and whose each is; some people book oftener."""
    chance = said(people, generator) if chance is None else chance
    keen = np.exp(0.5 * generator.standard_normal((people, 1)) - 0.125)
    came = generator.random(chance.shape) < np.minimum(TRUTHS[truth](chance) * keen, 1.0)
    return chance.ravel(), came.ravel(), np.repeat(np.arange(people), K)


def true_errors(truth):
    """Return the calibration error over 15 bins of all that may be said, and over the base rate."""
    chance = np.sort(said(50_000, np.random.default_rng(0)).ravel())
    right = TRUTHS[truth](chance)
    gaps = [part.sum() for part in np.array_split(chance - right, 15)]
    error = np.abs(gaps).sum() / len(chance)
    return error, error / right.mean()
