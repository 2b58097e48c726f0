"""Works in the log of changes: a new category shows as soon as a new price."""

from collections.abc import Sequence

from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_CHECK = "change_entity_check"
_TRIGGERS = (
    ("insert", "new table as new_rows"),
    ("update", "old table as old_rows new table as new_rows"),
    ("delete", "old table as old_rows"),
)


def upgrade() -> None:
    """Apply this step."""
    op.drop_constraint(op.f(_CHECK), "change", schema="core")
    op.create_check_constraint(
        op.f(_CHECK),
        "change",
        "entity in ('venue', 'item', 'offer', 'stock', 'booking')",
        schema="core",
    )
    for operation, transition in _TRIGGERS:
        op.execute(
            f"create trigger item_{operation}_logged after {operation} on core.item"
            f" referencing {transition} for each statement execute function core.log_{operation}()"
        )
    op.create_index("offer_item_id_idx", "offer", ["item_id"], schema="core")


def downgrade() -> None:
    """Take this step back; what the log tells of works goes with it."""
    op.drop_index("offer_item_id_idx", "offer", schema="core")
    for operation, _ in _TRIGGERS:
        op.execute(f"drop trigger item_{operation}_logged on core.item")
    op.execute("delete from core.change where entity = 'item'")
    op.drop_constraint(op.f(_CHECK), "change", schema="core")
    op.create_check_constraint(
        op.f(_CHECK),
        "change",
        "entity in ('venue', 'offer', 'stock', 'booking')",
        schema="core",
    )
