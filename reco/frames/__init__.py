"""The interchange format: its schema, its files, and its way into and out of the database."""
