"""Training, evaluation and simulation; nothing in `reco` imports it, the command line aside."""
