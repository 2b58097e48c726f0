"""The two schemas, `core` and `reco`, as SQLAlchemy tables; what migrations are compared with.

Statements on the request path are plain SQL; these definitions say what they may rely on. Every
index is there for a query that is named beside it.
"""

from geoalchemy2 import Geography
from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(), primary_key=True)


def _external_id() -> Column[str]:
    # The id on the wire and in the interchange format; the unique index serves its look-up.
    return Column("external_id", Text, nullable=False, unique=True)


def _time(name: str, *, required: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=not required)


def _point(name: str, *, required: bool) -> Column[object]:
    kind = Geography("POINT", srid=4326, spatial_index=False)
    return Column(name, kind, nullable=not required)


def _owned() -> tuple[Column[int], Column[str], UniqueConstraint]:
    """Whose it is, and what its owner calls it: the back office finds rows by both."""
    return (
        Column("partner_id", ForeignKey("core.partner.id")),
        Column("partner_ref", Text),
        UniqueConstraint("partner_id", "partner_ref"),
    )


partner = Table(
    "partner",
    metadata,
    # A cultural actor; its venues, offers and keys point to it.
    _id(),
    _external_id(),
    Column("name", Text, nullable=False),
    schema="core",
)

category = Table(
    "category",
    metadata,
    Column("id", SmallInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    schema="core",
)

subcategory = Table(
    "subcategory",
    metadata,
    Column("id", SmallInteger, Identity(), primary_key=True),
    Column("category_id", ForeignKey("core.category.id"), nullable=False),
    Column("name", Text, nullable=False, unique=True),
    # Null where a world brings no taxonomy: the offer then tells (dated, digital).
    Column("is_event", Boolean),
    Column("is_digital", Boolean),
    Column("is_physical", Boolean),
    schema="core",
)

venue = Table(
    "venue",
    metadata,
    _id(),
    _external_id(),
    Column("name", Text),
    Column("venue_type", Text),
    _point("location", required=True),
    Column("timezone", Text),
    Column("opening", Text),
    *_owned(),
    # Venues within a radius: ST_DWithin.
    Index("venue_location_idx", "location", postgresql_using="gist"),
    schema="core",
)

item = Table(
    "item",
    metadata,
    _id(),
    _external_id(),
    Column("category_id", ForeignKey("core.category.id"), nullable=False),
    Column("subcategory_id", ForeignKey("core.subcategory.id")),
    Column("title", Text),
    Column("genres", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("description", Text),
    Column("image_url", Text),
    *_owned(),
    schema="core",
)

offer = Table(
    "offer",
    metadata,
    _id(),
    _external_id(),
    Column("item_id", ForeignKey("core.item.id"), nullable=False),
    Column("venue_id", ForeignKey("core.venue.id")),
    Column("is_duo", Boolean, nullable=False, server_default=text("false")),
    Column("url", Text),
    _time("published_at"),
    _time("withdrawn_at"),
    *_owned(),
    # The offers of a work that changed.
    Index("offer_item_id_idx", "item_id"),
    # Those of a venue that is bound, withdrawn, or goes by another clock.
    Index("offer_venue_id_idx", "venue_id"),
    schema="core",
)

stock = Table(
    "stock",
    metadata,
    _id(),
    _external_id(),
    Column("offer_id", ForeignKey("core.offer.id"), nullable=False),
    Column("price_cents", Integer, nullable=False),
    _time("starts_at"),
    _time("ends_at"),
    Column("quantity", Integer),
    _time("booking_limit_at"),
    _time("created_at"),
    _time("cancelled_at"),
    *_owned(),
    CheckConstraint("price_cents >= 0", name="price_cents"),
    CheckConstraint("quantity >= 0", name="quantity"),
    # The sessions of a slate's offers, read back at each feed.
    Index("stock_offer_id_idx", "offer_id"),
    schema="core",
)

beneficiary = Table(
    "beneficiary",
    metadata,
    _id(),
    _external_id(),
    Column("birth_date", Date),
    _point("home", required=False),
    Column("department", Text),
    # Null: known from before the service made accounts. A model of before it knows somebody else.
    _time("created_at"),
    # The person is gone: what is left is an anonymous account.
    _time("erased_at"),
    schema="core",
)

deposit_policy = Table(
    "deposit_policy",
    metadata,
    # What a person of an age is granted; successors are rows. One an age at any moment: an
    # exclusion constraint, which SQLAlchemy's comparison does not see.
    _id(),
    Column("age", SmallInteger, nullable=False),
    Column("amount_cents", Integer, nullable=False),
    # Null: no cap of that kind, no limit.
    Column("digital_cap_cents", Integer),
    Column("physical_cap_cents", Integer),
    Column("offer_limit_cents", Integer),
    Column("months", SmallInteger, nullable=False),
    _time("valid_from", required=True),
    _time("valid_until"),
    CheckConstraint("amount_cents >= 0", name="amount_cents"),
    CheckConstraint("months > 0", name="months"),
    schema="core",
)

deposit = Table(
    "deposit",
    metadata,
    _id(),
    Column("user_id", ForeignKey("core.beneficiary.id"), nullable=False),
    Column("amount_cents", Integer, nullable=False),
    # Null: no cap of that kind.
    Column("digital_cap_cents", Integer),
    Column("physical_cap_cents", Integer),
    _time("granted_at", required=True),
    _time("expires_at"),
    # For which age it was granted; null: imported.
    Column("age", SmallInteger),
    Column("offer_limit_cents", Integer),
    CheckConstraint("amount_cents >= 0", name="amount_cents"),
    # A user's credit; and no deposit is granted twice.
    UniqueConstraint("user_id", "granted_at"),
    Index(
        "deposit_user_id_age_key",
        "user_id",
        "age",
        unique=True,
        postgresql_where=text("age is not null"),
    ),
    schema="core",
)

booking = Table(
    "booking",
    metadata,
    _id(),
    Column("user_id", ForeignKey("core.beneficiary.id"), nullable=False),
    Column("stock_id", ForeignKey("core.stock.id"), nullable=False),
    Column("quantity", SmallInteger, nullable=False),
    Column("amount_cents", Integer, nullable=False),
    _time("booked_at", required=True),
    _time("cancelled_at"),
    # A booking is cancelled or expired, else used, else booked: reco.core.booking_rules.state_of.
    _time("used_at"),
    Column("cancel_reason", Text),
    # What is not used by then expires; null: an event of a date, or made elsewhere.
    _time("collect_by"),
    # The feed that it came from.
    Column("slate_id", Uuid),
    # When it was to begin; null: no date, or not known.
    _time("booked_for"),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("amount_cents >= 0", name="amount_cents"),
    CheckConstraint(
        "cancel_reason in ('user', 'venue', 'expired') and cancelled_at is not null"
        " or cancel_reason is null",
        name="cancel_reason",
    ),
    CheckConstraint("used_at is null or cancelled_at is null", name="settled"),
    # What has to expire.
    Index(
        "booking_collect_by_idx",
        "collect_by",
        postgresql_where=text("used_at is null and cancelled_at is null"),
    ),
    # A user's history and spending, from the index alone: a feed must not look for each booking
    # somewhere else in the table. And an import that is run twice adds nothing.
    UniqueConstraint(
        "user_id", "stock_id", "booked_at", postgresql_include=["amount_cents", "cancelled_at"]
    ),
    # What is left of a stock, likewise.
    Index(
        "booking_stock_id_idx",
        "stock_id",
        postgresql_include=["quantity", "booked_at", "cancelled_at"],
    ),
    schema="core",
)

collection_period = Table(
    "collection_period",
    metadata,
    # Days to collect goods of a category, by its name; all others have 30.
    Column("category", Text, primary_key=True),
    Column("days", SmallInteger, nullable=False),
    CheckConstraint("days > 0", name="days"),
    schema="core",
)

idempotent_request = Table(
    "idempotent_request",
    metadata,
    # What was answered to a user's request of that key: a retry gets the same.
    Column("user_id", ForeignKey("core.beneficiary.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("answer", JSONB, nullable=False),
    _time("at", required=True),
    # Old answers are forgotten.
    Index("idempotent_request_at_idx", "at"),
    schema="core",
)

ledger = Table(
    "ledger",
    metadata,
    # Every change of money, written by triggers on deposit and booking; append-only.
    _id(),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("user_id", BigInteger, nullable=False),
    Column("booking_id", BigInteger),
    Column("deposit_id", BigInteger),
    Column("kind", Text, nullable=False),
    # Seen from the user's credit: grants and refunds are positive, bookings negative.
    Column("amount_cents", Integer, nullable=False),
    # Who moved it: what the transaction says of itself (`core.actor`), else the database's user.
    Column(
        "actor",
        Text,
        nullable=False,
        server_default=text(
            "coalesce(nullif(current_setting('core.actor', true), ''), session_user)"
        ),
    ),
    CheckConstraint("kind in ('grant', 'booking', 'refund', 'adjustment')", name="kind"),
    # The statement of one user.
    Index("ledger_user_id_idx", "user_id"),
    schema="core",
)

taste = Table(
    "taste",
    metadata,
    # What a person says to like; the key finds all that one said.
    Column("user_id", ForeignKey("core.beneficiary.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    # The name of a category or genre, or the id of an item on the wire.
    Column("value", Text, primary_key=True),
    _time("at", required=True),
    CheckConstraint("kind in ('category', 'genre', 'item')", name="kind"),
    schema="core",
)

interaction = Table(
    "interaction",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("offer_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    # Null where a data set has no times: such rows stay in the default partition.
    _time("at"),
    Column("value", REAL),
    Column("slate_id", Uuid),
    Column("split", Text),
    CheckConstraint(
        "kind in ('view', 'click', 'favourite', 'dismiss', 'booking', 'restore')", name="kind"
    ),
    CheckConstraint("split in ('train', 'valid', 'test')", name="split"),
    # A user's interactions since a moment; and what is sent twice is kept once.
    Index(
        "interaction_user_id_at_offer_id_kind_key",
        "user_id",
        "at",
        "offer_id",
        "kind",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
    # How often an offer was booked, where a data set tells bookings without a stock.
    Index("interaction_offer_id_idx", "offer_id", postgresql_where=text("kind = 'booking'")),
    schema="core",
    postgresql_partition_by="RANGE (at)",
)

change = Table(
    "change",
    metadata,
    _id(),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    # Ids are drawn before commit: a reader that tails the log waits for transactions by this.
    Column(
        "transaction_id",
        BigInteger,
        nullable=False,
        server_default=text("(pg_current_xact_id()::text)::bigint"),
    ),
    Column("entity", Text, nullable=False),
    Column("entity_id", BigInteger, nullable=False),
    Column("operation", Text, nullable=False),
    # The row as it was; null for an insert, so that walking back from today gives any past state.
    Column("before", JSONB),
    CheckConstraint("entity in ('venue', 'item', 'offer', 'stock', 'booking')", name="entity"),
    CheckConstraint("operation in ('insert', 'update', 'delete')", name="operation"),
    # What has become visible since a snapshot.
    Index("change_transaction_id_idx", "transaction_id"),
    # Works and venues that are no longer what a snapshot's cards say, asked with each feed.
    Index(
        "change_of_cards_idx",
        "transaction_id",
        postgresql_where=text("entity in ('item', 'venue')"),
    ),
    schema="core",
)

slate = Table(
    "slate",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    # Null: a guest, or a user that the core does not know.
    Column("user_id", BigInteger),
    Column("model_version", Text, nullable=False),
    Column("catalogue_version", Text, nullable=False),
    _point("location", required=False),
    Column("radius_m", REAL),
    Column("query", JSONB, nullable=False),
    Column("seed", BigInteger),
    Column("relevance_kept", REAL, nullable=False),
    Column("offers", ARRAY(BigInteger), nullable=False),
    Column("probabilities", ARRAY(REAL), nullable=False),
    Column("propensities", ARRAY(REAL), nullable=False),
    Column("gains", ARRAY(REAL), nullable=False),
    # In which experiment, and as which of its variants; null: in none.
    Column("experiment", Text),
    Column("variant", Text),
    # The slates of an experiment; the others cost it nothing.
    Index("slate_experiment_idx", "experiment", postgresql_where=text("experiment is not null")),
    # All that somebody was shown: their right to see it, and to have it erased.
    Index("slate_user_id_idx", "user_id"),
    schema="reco",
    postgresql_partition_by="RANGE (at)",
)

model_version = Table(
    "model_version",
    metadata,
    Column("version", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("digest", Text, nullable=False),
    _time("cutoff"),
    _time("created_at", required=True),
    Column("metrics", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    CheckConstraint("state in ('candidate', 'champion', 'retired', 'pruned')", name="state"),
    # At most one champion, and its look-up at start.
    Index(
        "model_version_champion_key",
        "state",
        unique=True,
        postgresql_where=text("state = 'champion'"),
    ),
    schema="reco",
)

model_event = Table(
    "model_event",
    metadata,
    # What became of each version, in order: few rows, read whole.
    _id(),
    Column("version", Text, nullable=False),
    _time("at", required=True),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    # The gate's verdict, where there was one.
    Column("evidence", JSONB),
    CheckConstraint(
        "action in ('published', 'promoted', 'forced', 'refused', 'rolled back', 'retired',"
        " 'pruned')",
        name="action",
    ),
    CheckConstraint("action <> 'forced' or reason is not null", name="reason"),
    schema="reco",
)

experiment = Table(
    "experiment",
    metadata,
    # Few rows, read whole. But for its end nothing changes: a trigger keeps the plan.
    Column("name", Text, primary_key=True),
    Column("salt", Text, nullable=False),
    Column("variants", JSONB, nullable=False),
    Column("metric", Text, nullable=False),
    Column("guards", JSONB, nullable=False),
    Column("window_s", Integer, nullable=False),
    # Null: always valid; else after so long it is looked at, once.
    Column("horizon_s", Integer),
    Column("planned_users", Integer, nullable=False),
    Column("state", Text, nullable=False),
    _time("created_at", required=True),
    Column("created_by", Text, nullable=False),
    _time("started_at", required=True),
    _time("stopped_at"),
    Column("stopped_by", Text),
    Column("stop_reason", Text),
    CheckConstraint(
        "state = 'running' and stopped_at is null or state = 'stopped'"
        " and stopped_at is not null and stopped_by is not null and stop_reason is not null",
        name="state",
    ),
    # At most one at a time, and its look-up by the workers.
    Index(
        "experiment_running_key",
        "state",
        unique=True,
        postgresql_where=text("state = 'running'"),
    ),
    schema="reco",
)

api_key = Table(
    "api_key",
    metadata,
    # The public part of a key; the secret part is kept as a digest alone.
    Column("prefix", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("label", Text, nullable=False),
    _time("created_at", required=True),
    _time("revoked_at"),
    # Whose venues a key of scope backoffice opens; the core's tables may be views: no foreign key.
    Column("partner_id", BigInteger),
    CheckConstraint("scope in ('app', 'backoffice', 'admin')", name="scope"),
    schema="reco",
)

item_text = Table(
    "item_text",
    metadata,
    # What is searched of an item, written by triggers on core.item.
    Column("item_id", BigInteger, primary_key=True, autoincrement=False),
    # The title in lower case, without accents.
    Column("folded", Text),
    Column("document", TSVECTOR, nullable=False),
    # Full text; and titles that are like what was typed, which has a mistake.
    Index("item_text_document_idx", "document", postgresql_using="gin"),
    Index(
        "item_text_folded_idx",
        "folded",
        postgresql_using="gin",
        postgresql_ops={"folded": "gin_trgm_ops"},
    ),
    schema="reco",
)

venue_text = Table(
    "venue_text",
    metadata,
    # The same of a venue: its name.
    Column("venue_id", BigInteger, primary_key=True, autoincrement=False),
    Column("folded", Text),
    Column("document", TSVECTOR, nullable=False),
    Index("venue_text_document_idx", "document", postgresql_using="gin"),
    schema="reco",
)

world = Table(
    "world",
    metadata,
    # One row: which world lives here, so that two never mix in one database.
    Column("single", Boolean, CheckConstraint("single", name="single"), primary_key=True),
    Column("name", Text, nullable=False),
    schema="reco",
)
