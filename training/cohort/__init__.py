"""A simulated cohort: people with hidden tastes live through their credit against a policy."""
