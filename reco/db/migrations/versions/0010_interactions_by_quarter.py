"""Interactions lie in partitions of a quarter: a feed goes through all of them for a history."""

from collections.abc import Sequence

from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ENSURE_MONTHS = """
create or replace function core.ensure_months(first_day date, last_day date) returns integer
language plpgsql as $$
declare
  parent text;
  width text;
  step interval;
  first_of date;
  piece text;
  lower_bound timestamptz;
  upper_bound timestamptz;
  made integer := 0;
begin
  -- Two callers at once must not make the same partition.
  perform pg_advisory_xact_lock(hashtext('core.ensure_months'));
  foreach parent in array array['core.interaction', 'reco.slate'] loop
    width := case parent when 'core.interaction' then '{width}' else 'month' end;
    step := case width when 'quarter' then interval '3 months' else interval '1 month' end;
    for first_of in
      select generate_series(date_trunc(width, first_day::timestamp),
                             date_trunc(width, last_day::timestamp), step)::date
    loop
      piece := parent
        || to_char(first_of, case width when 'quarter' then '_YYYY_"q"Q' else '_YYYY_MM' end);
      continue when to_regclass(piece) is not null;
      lower_bound := first_of::timestamp at time zone 'UTC';
      upper_bound := (first_of + step) at time zone 'UTC';
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

# Rows are moved without indexes, which are then built at once.
_REGROUP = """
drop index core.interaction_user_id_at_offer_id_kind_key;
drop index core.interaction_offer_id_idx;
do $$
declare
  pieces regclass[] := array(
    select inhrelid::regclass from pg_inherits
    where inhparent = 'core.interaction'::regclass
      and inhrelid <> 'core.interaction_default'::regclass
  );
  piece regclass;
begin
  foreach piece in array pieces loop
    execute format('alter table core.interaction detach partition %s', piece);
  end loop;
  foreach piece in array pieces loop
    execute format('select core.ensure_months(min(at)::date, max(at)::date) from %s'
                   ' having max(at) is not null', piece);
    execute format('insert into core.interaction select * from %s', piece);
    execute format('drop table %s', piece);
  end loop;
end
$$;
create unique index interaction_user_id_at_offer_id_kind_key
  on core.interaction (user_id, at, offer_id, kind) nulls not distinct;
create index interaction_offer_id_idx on core.interaction (offer_id) where kind = 'booking'
"""


def upgrade() -> None:
    """Apply this step."""
    _group_by("quarter")


def downgrade() -> None:
    """Take this step back."""
    _group_by("month")


def _group_by(width: str) -> None:
    op.execute("set local timezone = 'UTC'")
    op.execute(_ENSURE_MONTHS.format(width=width))
    op.execute(_REGROUP)
