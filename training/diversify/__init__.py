"""Ways to make a list diverse, under one interface: to compare with, not to serve."""
