"""Compiled kernels: the loops of a request, each over plain arrays, typed when the module loads."""
