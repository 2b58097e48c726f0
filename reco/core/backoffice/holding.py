"""What a partner has of the rows that a batch is about, as it is kept and as it becomes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import psycopg

from reco.core.backoffice.rows import Fault, Kind, OfferRow, Row, StockRow, VenueRow, WorkRow
from reco.core.backoffice.taxonomy import UNTOLD, Nature, Taxonomy, read_taxonomy
from reco.core.partners import Partner
from reco.core.policies import read_policies

R = TypeVar("R", VenueRow, OfferRow)
Written = Literal["venue", "work", "offer", "stock"]

# Each row is looked up by itself: an upload outruns the statistics, and a planner that believes the
# partner to have a handful of rows would read them all.
_VENUES = """
select v.id, v.external_id, v.partner_ref, v.name, st_y(v.location::geometry),
  st_x(v.location::geometry), v.venue_type, v.timezone, v.opening
from unnest(%(own_ids)s::text[]) wanted (own_id)
cross join lateral (
  select * from core.venue where partner_id = %(partner)s and partner_ref = own_id limit 1
) v
"""
_OFFERS = """
select o.id, o.external_id, o.partner_ref, v.partner_ref, i.external_id, o.is_duo, o.url,
  o.published_at, o.withdrawn_at
from unnest(%(own_ids)s::text[]) wanted (own_id)
cross join lateral (
  select * from core.offer where partner_id = %(partner)s and partner_ref = own_id limit 1
) o
join core.item i on i.id = o.item_id
left join core.venue v on v.id = o.venue_id
"""
_WORKS = """
select i.id, i.external_id, i.partner_id, i.partner_ref, i.title, c.name, s.name, i.genres,
  i.description, i.image_url, s.is_event, s.is_digital, s.is_physical
from core.item i
join core.category c on c.id = i.category_id
left join core.subcategory s on s.id = i.subcategory_id
where i.external_id = any(%s)
"""
_STOCKS = """
select t.id, t.external_id, t.partner_ref, o.partner_ref, t.price_cents, t.starts_at, t.ends_at,
  t.quantity, t.booking_limit_at, t.cancelled_at
from unnest(%(own_ids)s::text[]) wanted (own_id)
cross join lateral (
  select * from core.stock where partner_id = %(partner)s and partner_ref = own_id limit 1
) t
join core.offer o on o.id = t.offer_id
"""
_LOCK_STOCKS = "select id from core.stock where id = any(%s) order by id for no key update"
_BOOKED = """
select stock_id, sum(quantity) from core.booking
where stock_id = any(%s) and cancelled_at is null group by stock_id
"""
_FOREIGN: Mapping[Kind, str] = {
    "venue": "select external_id from core.venue"
    " where external_id = any(%s) and partner_id is distinct from %s",
    "offer": "select external_id from core.offer"
    " where external_id = any(%s) and partner_id is distinct from %s",
    "stock": "select external_id from core.stock"
    " where external_id = any(%s) and partner_id is distinct from %s",
}
_STOCKS_OF = """
select t.id from core.stock t join core.offer o on o.id = t.offer_id
where o.id = any(%(offers)s) or o.item_id = any(%(works)s)
"""
_STANDING = """
select o.id, o.item_id, count(*)
from core.booking b
join core.stock t on t.id = b.stock_id
join core.offer o on o.id = t.offer_id
where b.cancelled_at is null and (o.id = any(%(offers)s) or o.item_id = any(%(works)s))
group by 1, 2
"""
_DATED = """
select o.id, o.item_id, t.starts_at is not null, count(*)
from core.stock t join core.offer o on o.id = t.offer_id
where t.id = any(%(unchanged)s) and t.cancelled_at is null
  and (t.starts_at is null or t.starts_at > %(now)s)
group by 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Held(Generic[R]):
    """A venue or an offer; an offer names its work by `item_id` alone."""

    id: int | None
    """In the database; None: made by this batch."""
    public_id: str
    row: R


@dataclass(frozen=True, slots=True)
class HeldWork:
    """A work; `row` is None where it is not the partner's own."""

    id: int | None
    row: WorkRow | None
    nature: Nature


@dataclass(frozen=True, slots=True)
class HeldStock:
    """A stock; `booked` places are told of those that a batch may change."""

    id: int | None
    public_id: str
    row: StockRow
    cancelled_at: datetime | None = None
    booked: int = 0


class StandingStocks(NamedTuple):
    """How many stocks of an offer have a date, or none."""

    offer: int
    work: int
    is_dated: bool
    stocks: int


@dataclass(frozen=True)
class Standing:
    """What stands where a batch would change what bookings count against."""

    offers: Mapping[int, int]
    """Bookings, by the offer's id in the database."""
    works: Mapping[int, int]
    """Bookings, by the work's id in the database."""
    stocks: Sequence[StandingStocks] = ()
    """Those that the batch does not change, but for what is over."""

    def of_time(self, offer: int | None, work: int | None, *, is_dated: bool) -> int:
        """Return how many stocks of an offer, or of any offer of a work, have a date, or none."""
        return sum(
            one.stocks
            for one in self.stocks
            if one.is_dated == is_dated and (one.offer == offer or one.work == work)
        )


@dataclass
class Holding:
    """A partner's rows by its own ids, works by public ids; deciding on a batch changes them."""

    partner: Partner
    taxonomy: Taxonomy
    limit_cents: int | None
    """The most that a booking may cost; None: no limit."""
    foreign: Mapping[Kind, frozenset[str]]
    """Public ids, among those that matter, of what is not the partner's."""
    venues: dict[str, Held[VenueRow]]
    offers: dict[str, Held[OfferRow]]
    stocks: dict[str, HeldStock]
    works: dict[str, HeldWork] = field(default_factory=dict)
    standing: Standing = field(default_factory=lambda: Standing({}, {}))
    written: dict[Written, dict[str, None]] = field(
        default_factory=lambda: {"venue": {}, "work": {}, "offer": {}, "stock": {}}
    )
    """What has to be written, in the order of the rows."""

    def missing(self, kind: Kind, own_id: str, name: str) -> Fault:
        """Return the fault of a row whose field `name` points to what the partner does not have."""
        return self.taken(kind, own_id, name) or Fault(
            name, f"{own_id!r} is unknown; send the {kind} before"
        )

    def taken(self, kind: Kind, own_id: str, name: str = "id") -> Fault | None:
        """Return the fault of an id that cannot be the partner's own, if it is one."""
        if public := self.public(own_id, name):
            return public
        foreign = self.foreign[kind]
        if own_id in foreign or self.partner.public_id(own_id) in foreign:
            return Fault(name, f"the {kind} {own_id!r} is not this partner's", is_foreign=True)
        return None

    def public(self, own_id: str, name: str) -> Fault | None:
        """Return the fault of an own id that is written as the public one."""
        prefix = self.partner.public_id("")
        if not own_id.startswith(prefix):
            return None
        return Fault(name, f"{own_id!r} is a public id; an own id goes without {prefix!r}")

    def nature_of(self, offer: OfferRow) -> Nature:
        """Return the nature of an offer's work."""
        work = self.works.get(offer.item_id or "")
        return work.nature if work else UNTOLD

    def work_id(self, offer: OfferRow) -> str | None:
        """Return the public id of an offer's work."""
        return self.partner.public_id(offer.work.id) if offer.work else offer.item_id


def read_holding(
    connection: psycopg.Connection[Any], partner: Partner, rows: Sequence[Row], now: datetime
) -> Holding:
    """Return what `partner` has of what `rows` are and point to."""
    wanted = _wanted(rows)
    with connection.pipeline():
        venues = connection.execute(_VENUES, _asked(partner, wanted["venue"]))
        offers = connection.execute(_OFFERS, _asked(partner, wanted["offer"]))
        stocks = connection.execute(_STOCKS, _asked(partner, wanted["stock"]))
        foreign = {
            kind: connection.execute(
                statement.encode(), (_both_ids(partner, wanted[kind]), partner.id)
            )
            for kind, statement in _FOREIGN.items()
        }
    limits = [p.offer_limit_cents for p in read_policies(connection) if p.holds(now)]
    known = [limit for limit in limits if limit is not None]
    holding = Holding(
        partner,
        read_taxonomy(connection),
        max(known) if known and len(known) == len(limits) else None,
        {kind: frozenset(id_ for (id_,) in cursor) for kind, cursor in foreign.items()},
        {ref: Held(id_, public, VenueRow(ref, *rest)) for id_, public, ref, *rest in venues},
        {ref: _offer(id_, public, ref, *rest) for id_, public, ref, *rest in offers},
        {ref: _stock(id_, public, ref, *rest) for id_, public, ref, *rest in stocks},
    )
    _read_works(connection, holding, rows)
    return holding


def lock_stocks(
    connection: psycopg.Connection[Any],
    holding: Holding,
    own_ids: list[str],
    offers: list[int],
    works: list[int],
    *,
    now: datetime,
) -> None:
    """Keep bookings away from stocks that may change, and from those of offers (and of works).

    All are locked by one statement: other partners, whose offers may be of these works, lock theirs
    in the order of ids, too. The stocks, what is booked of them and which bookings stand is read
    after.

    Parameters
    ----------
    own_ids
        Of stocks, as the partner has them.
    offers, works
        In the database's ids.
    """
    asked = {"offers": offers, "works": works}
    ids = [holding.stocks[own_id].id for own_id in own_ids]
    found = connection.execute(_STOCKS_OF, asked).fetchall() if offers or works else []
    beside = [id_ for (id_,) in found]
    with connection.pipeline():
        connection.execute(_LOCK_STOCKS, (ids + beside,))
        stocks = connection.execute(_STOCKS, _asked(holding.partner, own_ids))
        sums = connection.execute(_BOOKED, (ids,))
    booked = dict(sums.fetchall())
    for id_, public, ref, *rest in stocks:
        holding.stocks[ref] = _stock(id_, public, ref, *rest, booked=int(booked.get(id_, 0)))
    if beside:
        unchanged = list({*beside} - {*ids})
        holding.standing = _standing(connection, asked | {"unchanged": unchanged, "now": now})


def _standing(connection: psycopg.Connection[Any], asked: Mapping[str, Any]) -> Standing:
    with connection.pipeline():
        bookings = connection.execute(_STANDING, asked)
        stocks = connection.execute(_DATED, asked)
    of_offers: dict[int, int] = {}
    of_works: dict[int, int] = {}
    for offer, work, count in bookings:
        of_offers[offer] = count
        of_works[work] = of_works.get(work, 0) + count
    return Standing(of_offers, of_works, [StandingStocks(*row) for row in stocks])


def _wanted(rows: Iterable[Row]) -> dict[Kind, list[str]]:
    wanted: dict[Kind, dict[str, None]] = {"venue": {}, "offer": {}, "stock": {}}
    for row in rows:
        if isinstance(row, VenueRow):
            wanted["venue"][row.id] = None
        elif isinstance(row, OfferRow):
            wanted["offer"][row.id] = None
            if row.venue_id is not None:
                wanted["venue"][row.venue_id] = None
        else:
            wanted["stock"][row.id] = None
            wanted["offer"][row.offer_id] = None
    return {kind: list(ids) for kind, ids in wanted.items()}


def _asked(partner: Partner, own_ids: list[str]) -> dict[str, Any]:
    return {"partner": partner.id, "own_ids": own_ids}


def _both_ids(partner: Partner, own_ids: list[str]) -> list[str]:
    return own_ids + [partner.public_id(own_id) for own_id in own_ids]


def _read_works(connection: psycopg.Connection[Any], holding: Holding, rows: Sequence[Row]) -> None:
    wanted = {held.row.item_id for held in holding.offers.values()}
    wanted |= {holding.work_id(row) for row in rows if isinstance(row, OfferRow)}
    asked = ([public for public in wanted if public is not None],)
    for id_, public, owner, ref, title, category, subcategory, genres, *rest in connection.execute(
        _WORKS, asked
    ):
        *shown, is_event, is_digital, is_physical = rest
        work = WorkRow(ref, title, category, subcategory, tuple(genres), *shown)
        is_own = owner == holding.partner.id
        nature = Nature(is_event, is_digital, is_physical)
        holding.works[public] = HeldWork(id_, work if is_own else None, nature)


def _offer(
    id_: int, public: str, ref: str, venue: str | None, item: str, *rest: Any
) -> Held[OfferRow]:
    return Held(id_, public, OfferRow(ref, venue, item, None, *rest))


def _stock(id_: int, public: str, ref: str, *rest: Any, booked: int = 0) -> HeldStock:
    *shown, cancelled_at = rest
    return HeldStock(id_, public, StockRow(ref, *shown), cancelled_at, booked)
