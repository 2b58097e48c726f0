"""From what is known of everybody to what is known of one person, as evidence comes in.

Everybody arrives with nothing: then what is popular around, and what the person says to like, are
all there is. Each booking shows more of the person, and the model's word counts more.
"""

EVIDENCE_BOOKINGS = 2.0
"""Bookings' worth of interest at which the model and the prior count alike; docs/accuracy.md."""
LIKED_CATEGORY = 0.5
"""Log-odds that an item gains from a category that the person says to like: 1.6 times the odds."""
LIKED_GENRE = 1.0
"""The same of a genre: 2.7 times; several liked genres of one item count once."""


def model_share(evidence: float) -> float:
    """Return how much the model's log-odds count beside the prior's, from 0 to below 1.

    n / (n + k), the credibility of n observations beside a prior worth k of them (Buhlmann 1967).

    Parameters
    ----------
    evidence
        n, the interest that the person has shown, in bookings (`features.interactions`).

    >>> model_share(0.0), model_share(2.0)
    (0.0, 0.5)
    """
    return evidence / (evidence + EVIDENCE_BOOKINGS)
