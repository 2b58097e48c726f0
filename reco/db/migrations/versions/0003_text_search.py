"""What is searched as text: items and venues in French, without accents, and titles by trigrams."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Tables of the service beside the core's, filled by triggers: the core knows nothing of searching,
# and its log of changes does not carry what can be made anew.
_DOCUMENTS = {
    "item": """
    select id, reco.folded(title),
      setweight(reco.words(title), 'A') || setweight(reco.words(array_to_string(genres, ' ')), 'B')
      || setweight(reco.words(description), 'D')
    from {rows}""",
    "venue": """
    select id, reco.folded(name), setweight(reco.words(name), 'B')
    from {rows}""",
}
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
create function reco.write_{table}_text() returns trigger language plpgsql as $$
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

_FOLDED = """
create function reco.folded(words text) returns text
language sql immutable parallel safe strict as $$
  -- unaccent is only stable since its rules may be edited; with its dictionary named it is as good
  -- as immutable.
  select lower({schema}.unaccent('{schema}.unaccent'::regdictionary, words))
$$
"""

_WORDS = """
create function reco.words(written text) returns tsvector
language sql immutable parallel safe as $$
  -- A document holds a megabyte: what is longer is found by its beginning, and never refused.
  select to_tsvector('reco.french', left(coalesce(written, ''), 50000))
$$
"""

# A function, since the operator that the index serves takes its threshold from a setting.
_SIMILAR = """
create function reco.items_like(words text, most integer)
returns table (item_id bigint, similarity real)
language sql stable parallel safe set pg_trgm.word_similarity_threshold = 0.5 as $$
  select t.item_id, {schema}.word_similarity(reco.folded(words), t.folded)
  from reco.item_text t
  where reco.folded(words) operator({schema}.<%) t.folded
  order by 2 desc, 1 limit most
$$
"""


def upgrade() -> None:
    """Apply this step."""
    for extension in ("unaccent", "pg_trgm"):
        op.execute(f"create extension if not exists {extension}")
    unaccent, trigrams = _schema_of("unaccent"), _schema_of("pg_trgm")
    op.execute("create text search configuration reco.french (copy = pg_catalog.french)")
    # Stop words have accents, so they go first.
    op.execute(
        "create text search dictionary reco.french_stop"
        " (template = pg_catalog.simple, stopwords = french, accept = false)"
    )
    op.execute(
        "alter text search configuration reco.french alter mapping for"
        f" hword, hword_part, word with reco.french_stop, {unaccent}.unaccent, french_stem"
    )
    op.execute(_FOLDED.format(schema=unaccent))
    op.execute(_WORDS)
    for table in _DOCUMENTS:
        _create_documents(table, trigrams)
    op.execute(_SIMILAR.format(schema=trigrams))


def downgrade() -> None:
    """Take this step back; the extensions stay, others may use them."""
    op.execute("drop function reco.items_like(text, integer)")
    for table in _DOCUMENTS:
        for operation in ("insert", "update", "delete"):
            op.execute(f"drop trigger {table}_{operation}_text on core.{table}")
        op.execute(f"drop function reco.write_{table}_text()")
        op.drop_table(f"{table}_text", schema="reco")
    op.execute("drop function reco.folded(text)")
    op.execute("drop function reco.words(text)")
    op.execute("drop text search configuration reco.french")
    op.execute("drop text search dictionary reco.french_stop")


def _schema_of(extension: str) -> str:
    """Return where `extension` lives, which may have been there before."""
    found = op.get_bind().scalar(
        sa.text(
            "select quote_ident(nspname) from pg_extension e"
            " join pg_namespace n on n.oid = e.extnamespace where extname = :name"
        ),
        {"name": extension},
    )
    return str(found)


def _create_documents(table: str, trigrams: str) -> None:
    op.create_table(
        f"{table}_text",
        sa.Column(f"{table}_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("folded", sa.Text()),
        sa.Column("document", postgresql.TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint(f"{table}_id", name=op.f(f"{table}_text_pkey")),
        schema="reco",
    )
    op.execute(_writer(table))
    for operation, transition in (
        ("insert", "new table as new_rows"),
        ("update", "old table as old_rows new table as new_rows"),
        ("delete", "old table as old_rows"),
    ):
        op.execute(
            f"create trigger {table}_{operation}_text after {operation} on core.{table}"
            f" referencing {transition} for each statement execute function"
            f" reco.write_{table}_text()"
        )
    op.execute(
        f"insert into reco.{table}_text ({table}_id, folded, document)"
        + _DOCUMENTS[table].format(rows=f"core.{table}")
    )
    op.create_index(
        f"{table}_text_document_idx",
        f"{table}_text",
        ["document"],
        schema="reco",
        postgresql_using="gin",
    )
    if table == "item":
        op.execute(
            "create index item_text_folded_idx on reco.item_text"
            f" using gin (folded {trigrams}.gin_trgm_ops)"
        )


def _writer(table: str) -> str:
    return _WRITER.format(
        table=table,
        new=_DOCUMENTS[table].format(rows="new_rows"),
        changed=_DOCUMENTS[table].format(rows=_CHANGED[table]),
    )
