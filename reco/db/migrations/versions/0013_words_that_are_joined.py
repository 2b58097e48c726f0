"""Words that a stroke or a dot joins are found one by one, and in names the summer is no verb."""

from collections.abc import Sequence

from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What the writers of 0003 write is written once more here as it is from now on, that of then stays
# as it was.
#
# PostgreSQL's parser takes what these join for one file, host or number below zero. A dash after
# one of them would exclude a word of a question.
_APART = r"""
create function reco.apart(written text) returns text
language sql immutable parallel safe strict as $$
  select regexp_replace(written, '[/.@<>]+-*|(?<=[[:alnum:]_À-ÿ\u0300-\u036f-])-(?=\d)', ' ', 'g')
$$
"""
# Of French stop words that one is what a name is about; without its accents it is no stop word. To
# a database without a locale the letters with accents are none, so they are named.
_NAMED = r"""
create function reco.named(written text) returns text
language sql immutable parallel safe strict as $$
  select regexp_replace(
    reco.apart(written),
    '(^|[^[:alnum:]À-ÿ])[éÉ][tT][éÉ]([sS]?)(?![[:alnum:]À-ÿ])', '\1ete\2', 'g'
  )
$$
"""
_WORDS = """
create or replace function reco.words(written text) returns tsvector
language sql immutable parallel safe as $$
  -- A document holds a megabyte: what is longer is found by its beginning, and never refused.
  select to_tsvector('reco.french', {left})
$$
"""
_LEFT = "left(coalesce(written, ''), 50000)"

_ITEM = """
    select id, reco.folded(title),
      setweight(reco.words({title}), 'A')
      || setweight(reco.words({genres}), 'B')
      || setweight(reco.words(description), 'D')
    from {rows}"""
_VENUE = """
    select id, reco.folded(name), setweight(reco.words({name}), 'B')
    from {rows}"""
_CHANGED = {
    "item": """(
      select n.* from new_rows n join old_rows o using (id)
      where (n.title, n.genres, n.description) is distinct from (o.title, o.genres, o.description)
    ) changed""",
    "venue": """(
      select n.* from new_rows n join old_rows o using (id) where n.name is distinct from o.name
    ) changed""",
}
_WRITER = """
create or replace function reco.write_{table}_text() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into reco.{table}_text ({table}_id, folded, document) {new}
    on conflict ({table}_id) do update
    set folded = excluded.folded, document = excluded.document;
  elsif tg_op = 'UPDATE' then
    insert into reco.{table}_text ({table}_id, folded, document) {changed}
    on conflict ({table}_id) do update
    set folded = excluded.folded, document = excluded.document;
  else
    delete from reco.{table}_text where {table}_id in (select id from old_rows);
  end if;
  return null;
end
$$
"""
# Who writes meanwhile would write as before what is not seen here, and be written over. Venues come
# first where both are written.
_LOCK = "lock table core.venue, core.item in share row exclusive mode"
_ANEW = """
update reco.{table}_text t set document = made.document
from ({made}) made (id, folded, document)
where made.id = t.{table}_id and made.document <> t.document
"""


def upgrade() -> None:
    """Apply this step: works and venues are not written until it ends."""
    op.execute(_LOCK)
    op.execute(_APART)
    op.execute(_NAMED)
    op.execute(_WORDS.format(left=f"reco.apart({_LEFT})"))
    _write_documents("reco.named({})")


def downgrade() -> None:
    """Take this step back."""
    op.execute(_LOCK)
    op.execute(_WORDS.format(left=_LEFT))
    _write_documents("{}")
    op.execute("drop function reco.named(text)")
    op.execute("drop function reco.apart(text)")


def _write_documents(of_name: str) -> None:
    """Write all documents, those to come too, with names taken as `of_name` says."""
    documents = {
        "item": _ITEM.format(
            title=of_name.format("title"),
            genres=of_name.format("array_to_string(genres, ' ')"),
            rows="{rows}",
        ),
        "venue": _VENUE.format(name=of_name.format("name"), rows="{rows}"),
    }
    for table, document in documents.items():
        new = document.format(rows="new_rows")
        changed = document.format(rows=_CHANGED[table])
        op.execute(_WRITER.format(table=table, new=new, changed=changed))
        op.execute(_ANEW.format(table=table, made=document.format(rows=f"core.{table}")))
