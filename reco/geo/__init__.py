"""PostGIS statements."""
