"""Bookings with states, deposits by policy, partners, idempotent requests, the ledger, notices."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_OWNED = ("venue", "item", "offer", "stock")

# Which cap of a deposit a stock counts against: one definition, for the core and for who reads it.
_CAP_OF = """
create function core.cap_of(
  is_event boolean, is_digital boolean, is_physical boolean, is_dated boolean, has_venue boolean
) returns text language sql immutable parallel safe as $$
  select case
    when coalesce(is_event, is_dated) then 'none'
    when coalesce(is_digital, false) or not has_venue then 'digital'
    when coalesce(is_physical, false) then 'physical'
    else 'none'
  end
$$
"""

# Whoever serves the catalogue listens. Bookings do not notify by themselves: a notice serialises
# commits, so the core sends one only where a stock is sold out or has places again.
_LOG_FUNCTIONS = {
    "insert": """
  insert into core.change (entity, entity_id, operation)
  select tg_table_name, id, 'insert' from new_rows;
""",
    "update": """
  insert into core.change (entity, entity_id, operation, before)
  select tg_table_name, old_rows.id, 'update', to_jsonb(old_rows)
  from old_rows join new_rows using (id)
  where to_jsonb(old_rows) is distinct from to_jsonb(new_rows);
""",
    "delete": """
  insert into core.change (entity, entity_id, operation, before)
  select tg_table_name, id, 'delete', to_jsonb(old_rows) from old_rows;
""",
}
_NOTICE = """
  if tg_table_name <> 'booking' then
    perform pg_notify('core_change', '');
  end if;
"""

_ACTOR = "coalesce(nullif(current_setting('core.actor', true), ''), session_user)"
"""Who moved money: what the transaction says of itself, else the database's user."""

_LEDGER_FUNCTIONS = (
    """
create function core.log_booking_money() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into core.ledger (user_id, booking_id, kind, amount_cents)
    select user_id, id, 'booking', -amount_cents from new_rows;
    insert into core.ledger (user_id, booking_id, kind, amount_cents)
    select user_id, id, 'refund', amount_cents from new_rows
    where cancelled_at is not null;
  elsif tg_op = 'UPDATE' then
    insert into core.ledger (user_id, booking_id, kind, amount_cents)
    select n.user_id, n.id,
      case when n.cancelled_at is not null and o.cancelled_at is null
        and n.amount_cents = o.amount_cents then 'refund' else 'adjustment' end,
      case when o.cancelled_at is null then o.amount_cents else 0 end
        - case when n.cancelled_at is null then n.amount_cents else 0 end
    from old_rows o join new_rows n using (id)
    where (case when o.cancelled_at is null then o.amount_cents end)
      is distinct from (case when n.cancelled_at is null then n.amount_cents end);
  else
    insert into core.ledger (user_id, booking_id, kind, amount_cents)
    select user_id, id, 'adjustment', amount_cents from old_rows
    where cancelled_at is null;
  end if;
  return null;
end
$$
""",
    """
create function core.log_deposit_money() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into core.ledger (user_id, deposit_id, kind, amount_cents)
    select user_id, id, 'grant', amount_cents from new_rows;
  elsif tg_op = 'UPDATE' then
    insert into core.ledger (user_id, deposit_id, kind, amount_cents)
    select n.user_id, n.id, 'adjustment', n.amount_cents - o.amount_cents
    from old_rows o join new_rows n using (id) where n.amount_cents <> o.amount_cents;
  else
    insert into core.ledger (user_id, deposit_id, kind, amount_cents)
    select user_id, id, 'adjustment', -amount_cents from old_rows;
  end if;
  return null;
end
$$
""",
    """
create function core.refuse_rewriting() returns trigger language plpgsql as $$
begin
  raise exception '%.% is append-only', tg_table_schema, tg_table_name;
end
$$
""",
)


def upgrade() -> None:
    """Apply this step."""
    _create_partners()
    _create_deposit_policies()
    _add_states_of_bookings()
    _create_ledger()
    op.create_index("change_transaction_id_idx", "change", ["transaction_id"], schema="core")
    op.create_index(
        "interaction_offer_id_idx",
        "interaction",
        ["offer_id"],
        schema="core",
        postgresql_where=sa.text("kind = 'booking'"),
    )
    op.create_index("slate_user_id_idx", "slate", ["user_id"], schema="reco")
    op.execute(_CAP_OF)
    _replace_log_functions(_NOTICE)


def downgrade() -> None:
    """Take this step back."""
    _replace_log_functions("")
    op.execute("drop function core.cap_of(boolean, boolean, boolean, boolean, boolean)")
    op.drop_index("slate_user_id_idx", "slate", schema="reco")
    op.drop_index("interaction_offer_id_idx", "interaction", schema="core")
    op.drop_index("change_transaction_id_idx", "change", schema="core")
    for table in ("booking", "deposit"):
        for operation in ("insert", "update", "delete"):
            op.execute(f"drop trigger {table}_{operation}_money on core.{table}")
    op.drop_table("ledger", schema="core")
    for function in ("log_booking_money", "log_deposit_money", "refuse_rewriting"):
        op.execute(f"drop function core.{function}()")
    op.drop_table("idempotent_request", schema="core")
    op.drop_index("booking_collect_by_idx", "booking", schema="core")
    for check in ("booking_settled_check", "booking_cancel_reason_check"):
        op.drop_constraint(op.f(check), "booking", schema="core")
    for column in ("used_at", "cancel_reason", "collect_by", "slate_id"):
        op.drop_column("booking", column, schema="core")
    op.drop_table("collection_period", schema="core")
    op.drop_index("deposit_user_id_age_key", "deposit", schema="core")
    for column in ("age", "offer_limit_cents"):
        op.drop_column("deposit", column, schema="core")
    op.drop_table("deposit_policy", schema="core")
    for column in ("created_at", "erased_at"):
        op.drop_column("beneficiary", column, schema="core")
    op.drop_column("api_key", "partner_id", schema="reco")
    for table in _OWNED:
        for column in ("partner_id", "partner_ref"):
            op.drop_column(table, column, schema="core")
    op.drop_table("partner", schema="core")


def _create_partners() -> None:
    op.create_table(
        "partner",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("partner_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("partner_external_id_key")),
        schema="core",
    )
    for table in _OWNED:
        op.add_column(table, sa.Column("partner_id", sa.BigInteger()), schema="core")
        op.add_column(table, sa.Column("partner_ref", sa.Text()), schema="core")
        op.create_foreign_key(
            op.f(f"{table}_partner_id_fkey"),
            table,
            "partner",
            ["partner_id"],
            ["id"],
            source_schema="core",
            referent_schema="core",
        )
        op.create_unique_constraint(
            op.f(f"{table}_partner_id_partner_ref_key"),
            table,
            ["partner_id", "partner_ref"],
            schema="core",
        )
    # No foreign key: a programme's own core may give views for tables.
    op.add_column("api_key", sa.Column("partner_id", sa.BigInteger()), schema="reco")


def _create_deposit_policies() -> None:
    op.create_table(
        "deposit_policy",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("age", sa.SmallInteger(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("digital_cap_cents", sa.Integer()),
        sa.Column("physical_cap_cents", sa.Integer()),
        sa.Column("offer_limit_cents", sa.Integer()),
        sa.Column("months", sa.SmallInteger(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True)),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("deposit_policy_amount_cents_check")),
        sa.CheckConstraint("months > 0", name=op.f("deposit_policy_months_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("deposit_policy_pkey")),
        schema="core",
    )
    # At any moment at most one policy for an age.
    op.execute(
        "alter table core.deposit_policy add constraint deposit_policy_one_at_a_time exclude"
        " using gist (int4range(age, age + 1) with &&, tstzrange(valid_from, valid_until) with &&)"
    )
    op.execute(
        "insert into core.deposit_policy (age, amount_cents, digital_cap_cents,"
        " physical_cap_cents, offer_limit_cents, months, valid_from)"
        " values (18, 50000, 20000, 20000, 30000, 24, '-infinity')"
    )
    op.add_column("deposit", sa.Column("age", sa.SmallInteger()), schema="core")
    op.add_column("deposit", sa.Column("offer_limit_cents", sa.Integer()), schema="core")
    # Deposits that were here before came with the programme's limit.
    op.execute("update core.deposit set offer_limit_cents = 30000")
    op.create_index(
        "deposit_user_id_age_key",
        "deposit",
        ["user_id", "age"],
        unique=True,
        schema="core",
        postgresql_where=sa.text("age is not null"),
    )
    for column in ("created_at", "erased_at"):
        op.add_column("beneficiary", sa.Column(column, sa.DateTime(timezone=True)), schema="core")


def _add_states_of_bookings() -> None:
    op.create_table(
        "collection_period",
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("days > 0", name=op.f("collection_period_days_check")),
        sa.PrimaryKeyConstraint("category", name=op.f("collection_period_pkey")),
        schema="core",
    )
    op.execute("insert into core.collection_period (category, days) values ('LIVRE', 10)")
    for column in (
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("cancel_reason", sa.Text()),
        sa.Column("collect_by", sa.DateTime(timezone=True)),
        sa.Column("slate_id", sa.Uuid()),
    ):
        op.add_column("booking", column, schema="core")
    op.create_check_constraint(
        op.f("booking_cancel_reason_check"),
        "booking",
        "cancel_reason in ('user', 'venue', 'expired') and cancelled_at is not null"
        " or cancel_reason is null",
        schema="core",
    )
    op.create_check_constraint(
        op.f("booking_settled_check"),
        "booking",
        "used_at is null or cancelled_at is null",
        schema="core",
    )
    op.create_index(
        "booking_collect_by_idx",
        "booking",
        ["collect_by"],
        schema="core",
        postgresql_where=sa.text("used_at is null and cancelled_at is null"),
    )
    op.create_table(
        "idempotent_request",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core.beneficiary.id"], name=op.f("idempotent_request_user_id_fkey")
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("idempotent_request_pkey")),
        schema="core",
    )
    op.create_index("idempotent_request_at_idx", "idempotent_request", ["at"], schema="core")


def _create_ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("booking_id", sa.BigInteger()),
        sa.Column("deposit_id", sa.BigInteger()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), server_default=sa.text(_ACTOR), nullable=False),
        sa.CheckConstraint(
            "kind in ('grant', 'booking', 'refund', 'adjustment')", name=op.f("ledger_kind_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_pkey")),
        schema="core",
    )
    op.create_index("ledger_user_id_idx", "ledger", ["user_id"], schema="core")
    for function in _LEDGER_FUNCTIONS:
        op.execute(function)
    for table in ("booking", "deposit"):
        for operation, transition in (
            ("insert", "new table as new_rows"),
            ("update", "old table as old_rows new table as new_rows"),
            ("delete", "old table as old_rows"),
        ):
            op.execute(
                f"create trigger {table}_{operation}_money after {operation} on core.{table}"
                f" referencing {transition} for each statement"
                f" execute function core.log_{table}_money()"
            )
    op.execute(
        "create trigger ledger_append_only before update or delete or truncate on core.ledger"
        " for each statement execute function core.refuse_rewriting()"
    )


def _replace_log_functions(notice: str) -> None:
    for operation, body in _LOG_FUNCTIONS.items():
        op.execute(
            f"create or replace function core.log_{operation}() returns trigger"
            f" language plpgsql as $$\nbegin{body}{notice}  return null;\nend\n$$"
        )
