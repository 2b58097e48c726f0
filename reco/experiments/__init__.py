"""Experiments: who sees which variant, what answers for it, and what is on record of it."""
