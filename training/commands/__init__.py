"""The commands of training: each a thin layer over one module."""
