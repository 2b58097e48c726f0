"""What a ranker could have learned and none by hand has."""

import numpy as np

from reco.model.ranker import WeekFacts

ODD_WEEK = WeekFacts(
    hours=tuple(np.linspace(0.0, 2.3, 24).tolist()), weekdays=(0.0, 0.3, 0.1, 0.7, 0.0, 1.1, 0.2)
)
"""No two hours of the week cost the same, but those of Monday and Friday."""
