"""Model artifacts: loading, verifying, scoring."""
