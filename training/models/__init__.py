"""One file a model: fit, nothing else."""
