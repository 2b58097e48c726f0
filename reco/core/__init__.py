"""The lean offer and booking core; it knows nothing of recommendation."""
