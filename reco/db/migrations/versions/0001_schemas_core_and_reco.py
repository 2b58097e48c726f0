"""The schemas core and reco: tables, partitions, and the triggers that write core.change."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


_LOGGED = ("venue", "offer", "stock", "booking")

_ENSURE_MONTHS = """
create function core.ensure_months(first_day date, last_day date) returns integer
language plpgsql as $$
declare
  parent text;
  month date;
  piece text;
  lower_bound timestamptz;
  upper_bound timestamptz;
  made integer := 0;
begin
  -- Two callers at once must not make the same partition.
  perform pg_advisory_xact_lock(hashtext('core.ensure_months'));
  foreach parent in array array['core.interaction', 'reco.slate'] loop
    for month in
      select generate_series(date_trunc('month', first_day::timestamp),
                             date_trunc('month', last_day::timestamp), interval '1 month')::date
    loop
      piece := parent || to_char(month, '_YYYY_MM');
      continue when to_regclass(piece) is not null;
      lower_bound := month::timestamp at time zone 'UTC';
      upper_bound := (month + interval '1 month') at time zone 'UTC';
      execute format('create table %s (like %s including all)', piece, parent);
      -- A partition may be attached only once the default one holds none of its rows.
      execute format(
        'with moved as (delete from %s_default where at >= %L and at < %L returning *)'
        ' insert into %s select * from moved', parent, lower_bound, upper_bound, piece);
      execute format('alter table %s attach partition %s for values from (%L) to (%L)',
                     parent, piece, lower_bound, upper_bound);
      made := made + 1;
    end loop;
  end loop;
  return made;
end
$$
"""

# Statement triggers: one insert into the log a statement, however many rows it touched.
_LOG_FUNCTIONS = (
    """
create function core.log_insert() returns trigger language plpgsql as $$
begin
  insert into core.change (entity, entity_id, operation)
  select tg_table_name, id, 'insert' from new_rows;
  return null;
end
$$
""",
    """
create function core.log_update() returns trigger language plpgsql as $$
begin
  insert into core.change (entity, entity_id, operation, before)
  select tg_table_name, old_rows.id, 'update', to_jsonb(old_rows)
  from old_rows join new_rows using (id)
  where to_jsonb(old_rows) is distinct from to_jsonb(new_rows);
  return null;
end
$$
""",
    """
create function core.log_delete() returns trigger language plpgsql as $$
begin
  insert into core.change (entity, entity_id, operation, before)
  select tg_table_name, id, 'delete', to_jsonb(old_rows) from old_rows;
  return null;
end
$$
""",
)


def upgrade() -> None:
    """Apply this step."""
    _create_taxonomy()
    _create_venues_and_items()
    _create_offers()
    _create_people()
    _create_events()
    _create_service()
    for parent in ("core.interaction", "reco.slate"):
        op.execute(f"create table {parent}_default partition of {parent} default")
    op.execute(_ENSURE_MONTHS)
    for function in _LOG_FUNCTIONS:
        op.execute(function)
    for table in _LOGGED:
        _create_log_triggers(table)


def downgrade() -> None:
    """Take this step back."""
    op.drop_table("world", schema="reco")
    op.drop_table("api_key", schema="reco")
    op.drop_table("experiment", schema="reco")
    op.drop_table("model_version", schema="reco")
    op.drop_table("slate", schema="reco")
    op.drop_table("change", schema="core")
    op.drop_table("interaction", schema="core")
    op.drop_table("booking", schema="core")
    op.drop_table("deposit", schema="core")
    op.drop_table("beneficiary", schema="core")
    op.drop_table("stock", schema="core")
    op.drop_table("offer", schema="core")
    op.drop_table("item", schema="core")
    op.drop_table("venue", schema="core")
    op.drop_table("subcategory", schema="core")
    op.drop_table("category", schema="core")
    op.execute("drop function core.ensure_months(date, date)")
    for operation in ("insert", "update", "delete"):
        op.execute(f"drop function core.log_{operation}()")


def _create_log_triggers(table: str) -> None:
    for operation, transition in (
        ("insert", "new table as new_rows"),
        ("update", "old table as old_rows new table as new_rows"),
        ("delete", "old table as old_rows"),
    ):
        op.execute(
            f"create trigger {table}_{operation}_logged after {operation} on core.{table}"
            f" referencing {transition} for each statement execute function core.log_{operation}()"
        )


def _create_taxonomy() -> None:
    op.create_table(
        "category",
        sa.Column("id", sa.SmallInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("category_pkey")),
        sa.UniqueConstraint("name", name=op.f("category_name_key")),
        schema="core",
    )
    op.create_table(
        "subcategory",
        sa.Column("id", sa.SmallInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("category_id", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_event", sa.Boolean(), nullable=True),
        sa.Column("is_digital", sa.Boolean(), nullable=True),
        sa.Column("is_physical", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["category_id"], ["core.category.id"], name=op.f("subcategory_category_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("subcategory_pkey")),
        sa.UniqueConstraint("name", name=op.f("subcategory_name_key")),
        schema="core",
    )


def _create_venues_and_items() -> None:
    op.create_table(
        "venue",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("venue_type", sa.Text(), nullable=True),
        sa.Column(
            "location",
            Geography(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeogFromText",
                name="geography",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("opening", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("venue_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("venue_external_id_key")),
        schema="core",
    )
    op.create_index(
        "venue_location_idx",
        "venue",
        ["location"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_table(
        "item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("category_id", sa.SmallInteger(), nullable=False),
        sa.Column("subcategory_id", sa.SmallInteger(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("genres", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["category_id"], ["core.category.id"], name=op.f("item_category_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["subcategory_id"], ["core.subcategory.id"], name=op.f("item_subcategory_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("item_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("item_external_id_key")),
        schema="core",
    )


def _create_offers() -> None:
    op.create_table(
        "offer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("venue_id", sa.BigInteger(), nullable=True),
        sa.Column("is_duo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["core.item.id"], name=op.f("offer_item_id_fkey")),
        sa.ForeignKeyConstraint(["venue_id"], ["core.venue.id"], name=op.f("offer_venue_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("offer_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("offer_external_id_key")),
        schema="core",
    )
    op.create_table(
        "stock",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("booking_limit_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("price_cents >= 0", name=op.f("stock_price_cents_check")),
        sa.CheckConstraint("quantity >= 0", name=op.f("stock_quantity_check")),
        sa.ForeignKeyConstraint(["offer_id"], ["core.offer.id"], name=op.f("stock_offer_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("stock_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("stock_external_id_key")),
        schema="core",
    )
    op.create_index("stock_offer_id_idx", "stock", ["offer_id"], unique=False, schema="core")


def _create_people() -> None:
    op.create_table(
        "beneficiary",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column(
            "home",
            Geography(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeogFromText",
                name="geography",
            ),
            nullable=True,
        ),
        sa.Column("department", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("beneficiary_pkey")),
        sa.UniqueConstraint("external_id", name=op.f("beneficiary_external_id_key")),
        schema="core",
    )
    op.create_table(
        "deposit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("digital_cap_cents", sa.Integer(), nullable=True),
        sa.Column("physical_cap_cents", sa.Integer(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("deposit_amount_cents_check")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core.beneficiary.id"], name=op.f("deposit_user_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("deposit_pkey")),
        sa.UniqueConstraint("user_id", "granted_at", name=op.f("deposit_user_id_granted_at_key")),
        schema="core",
    )
    op.create_table(
        "booking",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("stock_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.SmallInteger(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("booking_amount_cents_check")),
        sa.CheckConstraint("quantity > 0", name=op.f("booking_quantity_check")),
        sa.ForeignKeyConstraint(
            ["stock_id"], ["core.stock.id"], name=op.f("booking_stock_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core.beneficiary.id"], name=op.f("booking_user_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("booking_pkey")),
        sa.UniqueConstraint(
            "user_id", "stock_id", "booked_at", name=op.f("booking_user_id_stock_id_booked_at_key")
        ),
        schema="core",
    )
    op.create_index("booking_stock_id_idx", "booking", ["stock_id"], unique=False, schema="core")


def _create_events() -> None:
    op.create_table(
        "interaction",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("value", sa.REAL(), nullable=True),
        sa.Column("slate_id", sa.Uuid(), nullable=True),
        sa.Column("split", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind in ('view', 'click', 'favourite', 'dismiss', 'booking')",
            name=op.f("interaction_kind_check"),
        ),
        sa.CheckConstraint(
            "split in ('train', 'valid', 'test')", name=op.f("interaction_split_check")
        ),
        schema="core",
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index(
        "interaction_user_id_at_offer_id_kind_key",
        "interaction",
        ["user_id", "at", "offer_id", "kind"],
        unique=True,
        schema="core",
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "transaction_id",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text)::bigint"),
            nullable=False,
        ),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "entity in ('venue', 'offer', 'stock', 'booking')", name=op.f("change_entity_check")
        ),
        sa.CheckConstraint(
            "operation in ('insert', 'update', 'delete')", name=op.f("change_operation_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("change_pkey")),
        schema="core",
    )


def _create_service() -> None:
    op.create_table(
        "slate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("catalogue_version", sa.Text(), nullable=False),
        sa.Column(
            "location",
            Geography(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeogFromText",
                name="geography",
            ),
            nullable=True,
        ),
        sa.Column("radius_m", sa.REAL(), nullable=True),
        sa.Column("query", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("relevance_kept", sa.REAL(), nullable=False),
        sa.Column("offers", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("probabilities", sa.ARRAY(sa.REAL()), nullable=False),
        sa.Column("propensities", sa.ARRAY(sa.REAL()), nullable=False),
        sa.Column("gains", sa.ARRAY(sa.REAL()), nullable=False),
        sa.PrimaryKeyConstraint("id", "at", name=op.f("slate_pkey")),
        schema="reco",
        postgresql_partition_by="RANGE (at)",
    )
    op.create_table(
        "model_version",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("cutoff", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("metrics", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state in ('published', 'champion', 'retired')", name=op.f("model_version_state_check")
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("model_version_pkey")),
        schema="reco",
    )
    op.create_index(
        "model_version_champion_key",
        "model_version",
        ["state"],
        unique=True,
        schema="reco",
        postgresql_where=sa.text("state = 'champion'"),
    )
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
    op.create_table(
        "api_key",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "scope in ('app', 'backoffice', 'admin')", name=op.f("api_key_scope_check")
        ),
        sa.PrimaryKeyConstraint("prefix", name=op.f("api_key_pkey")),
        schema="reco",
    )
    op.create_table(
        "world",
        sa.Column("single", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.CheckConstraint("single", name=op.f("world_single_check")),
        sa.PrimaryKeyConstraint("single", name=op.f("world_pkey")),
        schema="reco",
    )
