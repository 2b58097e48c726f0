"""How Alembic runs here: on a connection that `reco.db.migrate` hands over, in one transaction."""

from alembic import context
from geoalchemy2 import alembic_helpers

from reco.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_schemas=True,
    version_table_schema="reco",
    include_object=context.config.attributes["include_object"],
    process_revision_directives=alembic_helpers.writer,
    render_item=alembic_helpers.render_item,
)
with context.begin_transaction():
    context.run_migrations()
