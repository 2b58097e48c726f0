"""Readers of public data sets into the interchange format."""
