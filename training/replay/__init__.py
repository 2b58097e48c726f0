"""Feeds of the past as they would have been, through the code that serves."""
