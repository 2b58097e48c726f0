"""Which works and venues changed is found at once, also where it is their category that did."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_INDEX = "change_of_cards_idx"
_TAXONOMY = ("category", "subcategory")
_LOG = """
create function core.log_works_of_{table}() returns trigger language plpgsql as $$
begin
  insert into core.change (entity, entity_id, operation, before)
  select 'item', i.id, 'update', to_jsonb(i)
  from old_rows join new_rows using (id) join core.item i on i.{table}_id = old_rows.id
  where to_jsonb(old_rows) is distinct from to_jsonb(new_rows);
  perform pg_notify('core_change', '');
  return null;
end
$$;
create trigger {table}_update_logged after update on core.{table}
  referencing old table as old_rows new table as new_rows
  for each statement execute function core.log_works_of_{table}()
"""


def upgrade() -> None:
    """Apply this step."""
    op.create_index(
        _INDEX,
        "change",
        ["transaction_id"],
        schema="core",
        postgresql_where=sa.text("entity in ('item', 'venue')"),
    )
    for table in _TAXONOMY:
        op.execute(_LOG.format(table=table))


def downgrade() -> None:
    """Take this step back."""
    for table in _TAXONOMY:
        op.execute(f"drop trigger {table}_update_logged on core.{table}")
        op.execute(f"drop function core.log_works_of_{table}()")
    op.drop_index(_INDEX, "change", schema="core")
