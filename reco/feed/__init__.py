"""From a query to a slate, one short pipeline."""
