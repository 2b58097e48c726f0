"""Experiments: fixed once they run, one at a time; and which slates were shown in one."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_KEEP_PLAN = """
create function reco.keep_plan() returns trigger language plpgsql as $$
begin
  if old.state <> 'running'
    or to_jsonb(new) - array['state', 'stopped_at', 'stopped_by', 'stop_reason']
      <> to_jsonb(old) - array['state', 'stopped_at', 'stopped_by', 'stop_reason']
  then
    raise exception 'The plan of the experiment % is fixed: it can only be stopped, once.', old.name
      using errcode = 'restrict_violation';
  end if;
  return new;
end
$$
"""
_TRIGGER = """
create trigger experiment_keeps_plan before update on reco.experiment
for each row execute function reco.keep_plan()
"""


def upgrade() -> None:
    """Apply this step; the table of before was never written."""
    op.drop_table("experiment", schema="reco")
    op.create_table(
        "experiment",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("variants", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("guards", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("window_s", sa.Integer(), nullable=False),
        sa.Column("horizon_s", sa.Integer(), nullable=True),
        sa.Column("planned_users", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_by", sa.Text(), nullable=True),
        sa.Column("stop_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state = 'running' and stopped_at is null or state = 'stopped'"
            " and stopped_at is not null and stopped_by is not null and stop_reason is not null",
            name=op.f("experiment_state_check"),
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("experiment_pkey")),
        schema="reco",
    )
    op.create_index(
        "experiment_running_key",
        "experiment",
        ["state"],
        unique=True,
        schema="reco",
        postgresql_where=sa.text("state = 'running'"),
    )
    op.execute(_KEEP_PLAN)
    op.execute(_TRIGGER)
    op.add_column("slate", sa.Column("experiment", sa.Text(), nullable=True), schema="reco")
    op.add_column("slate", sa.Column("variant", sa.Text(), nullable=True), schema="reco")
    op.create_index(
        "slate_experiment_idx",
        "slate",
        ["experiment"],
        schema="reco",
        postgresql_where=sa.text("experiment is not null"),
    )


def downgrade() -> None:
    """Take this step back: all experiments are lost, and which slates were shown in them."""
    op.drop_index("slate_experiment_idx", "slate", schema="reco")
    op.drop_column("slate", "variant", schema="reco")
    op.drop_column("slate", "experiment", schema="reco")
    op.drop_table("experiment", schema="reco")
    op.execute("drop function reco.keep_plan()")
    op.create_table(
        "experiment",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("arms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("experiment_pkey")),
        schema="reco",
    )
