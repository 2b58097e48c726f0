"""The private cluster, migrations, connections and table definitions."""
