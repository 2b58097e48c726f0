"""The HTTP API, the only place that reads the clock."""
