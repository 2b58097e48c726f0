"""A seeded world: France's towns, venues, offers, and cohorts with hidden tastes."""
