"""That a dismissal was taken back is an interaction of a kind of its own."""

from collections.abc import Sequence

from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# All at once: of two statements, the first would let anything in.
_LET_IN = """
alter table core.interaction drop constraint interaction_kind_check,
  add constraint interaction_kind_check check (kind in ({kinds}))
"""
_BEFORE = "'view', 'click', 'favourite', 'dismiss', 'booking'"


def upgrade() -> None:
    """Apply this step: it reads all interactions, which are locked meanwhile."""
    op.execute(_LET_IN.format(kinds=f"{_BEFORE}, 'restore'"))


def downgrade() -> None:
    """Take this step back: works that were restored are dismissed again."""
    op.execute("delete from core.interaction where kind = 'restore'")
    op.execute(_LET_IN.format(kinds=_BEFORE))
