"""A run of `reco evaluate` as one page that explains itself, and the same figures as data."""
