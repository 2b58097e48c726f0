"""What people say that they like, before they did anything."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "taste",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('category', 'genre', 'item')", name=op.f("taste_kind_check")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core.beneficiary.id"], name=op.f("taste_user_id_fkey")
        ),
        sa.PrimaryKeyConstraint("user_id", "kind", "value", name=op.f("taste_pkey")),
        schema="core",
    )


def downgrade() -> None:
    """Take this step back: what people said is lost."""
    op.drop_table("taste", schema="core")
