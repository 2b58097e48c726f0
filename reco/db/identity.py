"""Which database of which server: the same on a primary and on its replicas."""

THIS_DATABASE = """
select system_identifier::text || '/' || (select oid from pg_database
  where datname = current_database())
from pg_control_system()
"""
"""A query of one text."""
