"""Candidates, pruned models, and the history of every version: who changed it, when and why."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_CHECK = "model_version_state_check"
_BACKFILL = """
insert into reco.model_event (version, at, action, actor, reason)
select v.version, v.created_at, did.action, 'migration', 'before there was a history'
from reco.model_version v, (values (1, 'published'), (2, 'promoted')) did (n, action)
where did.n = 1 or v.state in ('champion', 'retired')
order by v.created_at, v.version, did.n
"""


def upgrade() -> None:
    """Apply this step."""
    op.drop_constraint(op.f(_CHECK), "model_version", schema="reco")
    op.execute("update reco.model_version set state = 'candidate' where state = 'published'")
    op.create_check_constraint(
        op.f(_CHECK),
        "model_version",
        "state in ('candidate', 'champion', 'retired', 'pruned')",
        schema="reco",
    )
    op.create_table(
        "model_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "action in ('published', 'promoted', 'forced', 'refused', 'rolled back', 'retired',"
            " 'pruned')",
            name=op.f("model_event_action_check"),
        ),
        sa.CheckConstraint(
            "action <> 'forced' or reason is not null", name=op.f("model_event_reason_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("model_event_pkey")),
        schema="reco",
    )
    op.execute(_BACKFILL)


def downgrade() -> None:
    """Take this step back: the history goes, pruned versions are taken for retired ones."""
    op.drop_table("model_event", schema="reco")
    op.drop_constraint(op.f(_CHECK), "model_version", schema="reco")
    op.execute("update reco.model_version set state = 'published' where state = 'candidate'")
    op.execute("update reco.model_version set state = 'retired' where state = 'pruned'")
    op.create_check_constraint(
        op.f(_CHECK),
        "model_version",
        "state in ('published', 'champion', 'retired')",
        schema="reco",
    )
