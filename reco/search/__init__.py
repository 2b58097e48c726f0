"""Searching what can be booked: filters, facets, sorts. Nobody in particular asks."""
