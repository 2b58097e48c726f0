"""Tables of the core from staged rows: what is said once of each, and the statement it makes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql

from reco.frames.staging import staged

_AGE = 18
"""For which the deposits of frames were granted; their caps are those of their day's policy."""
_CAPS = ("digital_cap_cents", "physical_cap_cents", "offer_limit_cents")

_POINT = "st_setsrid(st_makepoint({lon}, {lat}), 4326)::geography"

_SETTLED = "case when kept.{other} is null then coalesce(kept.{end}, excluded.{end}) end"
"""A booking ends once: frames that were made before it was collected, or given up, know less."""

_PARTNERS_END = """
    case when kept.partner_id is null then excluded.{end}
    else coalesce(kept.{end}, excluded.{end}) end"""
"""What its partner ended here stays so."""

_GRANTED_HERE = "case when kept.age is null then excluded.{cap} else kept.{cap} end"
"""What was granted here has the caps of its own policy; frames tell none."""


_KNOWN = """exists (
              select from core.deposit d
              where d.user_id = b.id and d.granted_at = u.credit_granted_at)"""
_RUNNING = f"""exists (
              select from core.deposit d where d.user_id = b.id
                and coalesce(d.age, {_AGE}) = {_AGE}
                and u.credit_granted_at < coalesce(d.expires_at, 'infinity')
                and d.granted_at < coalesce(u.credit_expires_at, 'infinity'))"""
"""Nobody has two deposits of an age at once: what is there stands, whatever frames say of its time.
"""


@dataclass(frozen=True)
class Upsert:
    """How a table of the core is made from staged rows."""

    table: str
    frame: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    """Column of the table to its value, in SQL; those of the key first."""
    rows: str
    """What follows `from`."""
    chosen: str = ""
    """Which rows of the frame say something of the table, all where nothing is said."""
    told_by: Mapping[str, str] = field(default_factory=dict)
    """Column of the table to the frame's that tells it, where their names differ."""
    stands: Mapping[str, str] = field(default_factory=dict)
    """Column to what becomes of it, where the database may know more than frames made before."""

    def statement(self, told: Collection[str], *, into_empty: bool = False) -> sql.Composed:
        """Return the statement; its one row: how many rows are given, are new, are changed.

        A row that is there as it should be is not touched, so that nothing is logged for it.

        Parameters
        ----------
        told
            Columns that the frame has; what others tell stays as it is.
        into_empty
            The table has no row, and maybe no index to find one by: nothing is looked for.
        """
        others = [] if into_empty else self._told_others(told)
        made = sql.SQL(" insert into core.{table} as kept ({columns})").format(
            table=sql.Identifier(self.table), columns=_listed(self.columns)
        )
        chosen = self._new_or_changed(others) if others else self._given()
        counted = sql.SQL(
            " select (select count(*) from {given} {chosen}),"
            " count(*) filter (where is_new), count(*) filter (where not is_new)"
            " from written"
        ).format(given=staged(self.frame), chosen=sql.SQL(self.chosen))
        found = sql.SQL("") if into_empty else self._or_changed(others)
        # A row that this statement made has no deleting transaction yet.
        seen = sql.SQL(" returning (xmax = 0) as is_new)")
        return sql.SQL("with written as (") + made + chosen + found + seen + counted

    def _told_others(self, told: Collection[str]) -> list[str]:
        """Return the columns beside the key that the frame tells."""
        return [
            name
            for name in self.columns
            if name not in self.key and self.told_by.get(name, name) in told
        ]

    def _given(self) -> sql.Composed:
        values = [sql.SQL(f"{value} as {name}") for name, value in self.columns.items()]
        return sql.SQL(" select {values} from {rows}").format(
            values=sql.SQL(", ").join(values), rows=sql.SQL(self.rows)
        )

    def _new_or_changed(self, others: Sequence[str]) -> sql.Composed:
        """Return the rows that are not there, or not as they should be.

        A row that meets its like is locked until the import ends, even where it is not touched.
        """
        return sql.SQL(
            " select {columns} from (select row_number() over () as place, given.*"
            " from ({given}) as given) as excluded"
            " left join core.{table} as kept on ({kept_key}) = ({key})"
            " where kept.{first_of_key} is null or {is_changed} order by place"
        ).format(
            columns=_listed(self.columns, "excluded"),
            given=self._given(),
            table=sql.Identifier(self.table),
            kept_key=_listed(self.key, "kept"),
            key=_listed(self.key, "excluded"),
            first_of_key=sql.Identifier(self.key[0]),
            is_changed=self._is_changed(others),
        )

    def _is_changed(self, others: Sequence[str]) -> sql.Composed:
        return sql.SQL("({present}) is distinct from ({proposed})").format(
            present=_listed(others, "kept"), proposed=self._proposed(others)
        )

    def _proposed(self, others: Sequence[str]) -> sql.Composed:
        return sql.SQL(", ").join(
            sql.SQL(self.stands.get(name, f"excluded.{name}")) for name in others
        )

    def _or_changed(self, others: Sequence[str]) -> sql.Composed:
        """Return what becomes of a row that is there."""
        if not others:
            return sql.SQL(" on conflict ({key}) do nothing").format(key=_listed(self.key))
        return sql.SQL(
            " on conflict ({key}) do update set ({others}) = row({proposed}) where {is_changed}"
        ).format(
            key=_listed(self.key),
            others=_listed(others),
            proposed=self._proposed(others),
            is_changed=self._is_changed(others),
        )


UPSERTS = (
    Upsert(
        table="beneficiary",
        frame="users",
        told_by={"home": "lon"},
        key=("external_id",),
        columns={
            "external_id": "user_id",
            "birth_date": "birth_date",
            "home": _POINT.format(lon="lon", lat="lat"),
        },
        rows="staged_users order by row",
    ),
    Upsert(
        table="venue",
        frame="venues",
        told_by={"location": "lon"},
        key=("external_id",),
        columns={
            "external_id": "venue_id",
            "name": "name",
            "venue_type": "venue_type",
            "location": _POINT.format(lon="lon", lat="lat"),
            "timezone": "timezone",
            "opening": "opening",
        },
        rows="staged_venues order by row",
    ),
    Upsert(
        table="item",
        frame="items",
        told_by={"category_id": "category", "subcategory_id": "subcategory", "genres": "genre"},
        key=("external_id",),
        columns={
            "external_id": "i.item_id",
            "category_id": "c.id",
            "subcategory_id": "s.id",
            "title": "i.title",
            "genres": "coalesce(string_to_array(i.genre, '|'), '{}')",
            "description": "i.description",
            "image_url": "i.image_url",
        },
        rows="""staged_items i
            join core.category c on c.name = i.category
            left join core.subcategory s on s.name = i.subcategory
            order by i.row""",
    ),
    Upsert(
        table="offer",
        frame="offers",
        stands={"withdrawn_at": _PARTNERS_END.format(end="withdrawn_at")},
        key=("external_id",),
        columns={
            "external_id": "o.offer_id",
            "item_id": "i.id",
            "venue_id": "v.id",
            "is_duo": "coalesce(o.is_duo, false)",
            "url": "o.url",
            "published_at": "o.published_at",
            "withdrawn_at": "o.withdrawn_at",
        },
        rows="""staged_offers o
            join core.item i on i.external_id = o.item_id
            left join core.venue v on v.external_id = o.venue_id
            order by o.row""",
    ),
    Upsert(
        table="stock",
        frame="stocks",
        told_by={"price_cents": "price_eur"},
        stands={"cancelled_at": _PARTNERS_END.format(end="cancelled_at")},
        key=("external_id",),
        columns={
            "external_id": "s.stock_id",
            "offer_id": "o.id",
            "price_cents": "s.price_cents",
            "starts_at": "s.starts_at",
            "ends_at": "s.ends_at",
            "quantity": "s.quantity",
            "booking_limit_at": "s.booking_limit_at",
            "created_at": "s.created_at",
            "cancelled_at": "s.cancelled_at",
        },
        rows="""staged_stocks s
            join core.offer o on o.external_id = s.offer_id
            order by s.row""",
    ),
    Upsert(
        table="deposit",
        frame="users",
        chosen="where credit_cents is not null",
        told_by={
            "amount_cents": "credit_eur",
            **dict.fromkeys(_CAPS, "credit_eur"),
            "expires_at": "credit_expires_at",
        },
        stands={cap: _GRANTED_HERE.format(cap=cap) for cap in _CAPS},
        key=("user_id", "granted_at"),
        columns={
            "user_id": "b.id",
            "granted_at": "u.credit_granted_at",
            "amount_cents": "u.credit_cents",
            **{cap: f"p.{cap}" for cap in _CAPS},
            "expires_at": "u.credit_expires_at",
        },
        rows=f"""staged_users u
            join core.beneficiary b on b.external_id = u.user_id
            left join core.deposit_policy p on p.age = {_AGE}
              and p.valid_from <= u.credit_granted_at
              and (p.valid_until is null or u.credit_granted_at < p.valid_until)
            where u.credit_cents is not null and ({_KNOWN} or not {_RUNNING})
            order by u.row""",
    ),
    Upsert(
        table="booking",
        frame="bookings",
        told_by={"amount_cents": "amount_eur"},
        stands={
            "cancelled_at": _SETTLED.format(end="cancelled_at", other="used_at"),
            "used_at": _SETTLED.format(end="used_at", other="cancelled_at"),
        },
        key=("user_id", "stock_id", "booked_at"),
        columns={
            "user_id": "u.id",
            "stock_id": "s.id",
            "booked_at": "b.booked_at",
            "quantity": "b.quantity",
            "amount_cents": "b.amount_cents",
            "cancelled_at": "b.cancelled_at",
            "used_at": "b.used_at",
        },
        rows="""staged_bookings b
            join core.beneficiary u on u.external_id = b.user_id
            join core.stock s on s.external_id = b.stock_id
            order by b.row""",
    ),
)
"""In an order in which references point backwards; users before stocks, as bookings lock them."""


def _listed(names: Iterable[str], table: str = "") -> sql.Composed:
    return sql.SQL(", ").join(
        sql.Identifier(table, name) if table else sql.Identifier(name) for name in names
    )
