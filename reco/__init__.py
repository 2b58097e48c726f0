"""The service: what is bookable around a young person, ranked."""
