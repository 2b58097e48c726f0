"""Record what people did: all of a batch, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from reco.errors import InvalidInput, TooMany

_STAGE = """
create temporary table if not exists sent (
  place integer, user_id text, offer_id text, kind text, at timestamptz, slate_id uuid,
  value double precision
) on commit delete rows
"""
_UNKNOWN = """
select s.place, u.id is null
from sent s
left join core.beneficiary u on u.external_id = s.user_id and u.erased_at is null
left join core.offer o on o.external_id = s.offer_id
where u.id is null or o.id is null
order by s.place limit 1
"""
_INSERT = """
insert into core.interaction (user_id, offer_id, kind, at, value, slate_id)
select u.id, o.id, s.kind, s.at,
  -- The column is a real, which refuses what it cannot tell from 0.
  case when abs(s.value) < 1e-37 then 0 else s.value end, s.slate_id
from sent s
join core.beneficiary u on u.external_id = s.user_id and u.erased_at is null
join core.offer o on o.external_id = s.offer_id
on conflict do nothing
"""

_TOLD = """
select count(*) from (
  select from core.interaction
  where user_id = (select id from core.beneficiary where external_id = %(user_id)s)
    and at > %(since)s
  limit %(most)s + 1
) told
"""
_RETRY_AFTER_S = 3_600


@dataclass(frozen=True)
class Interaction:
    """What a person did with an offer, ids as on the wire; `at` with a zone."""

    user_id: str
    offer_id: str
    kind: str
    at: datetime
    value: float | None = None
    slate_id: UUID | None = None


def check_room(
    connection: psycopg.Connection[Any], user_id: str, since: datetime, *, most: int
) -> None:
    """Refuse what the caller's transaction recorded where a person has over `most` since a moment.

    Calls at the same time may each find room: the bound is on what goes on, not to the row.

    Raises
    ------
    TooMany
        There are.
    """
    asked = {"user_id": user_id, "since": since, "most": most}
    told = connection.execute(_TOLD, asked).fetchone()
    if told and told[0] > most:
        raise TooMany(
            f"{most} interactions of one person are kept since {since:%Y-%m-%d} at most.",
            _RETRY_AFTER_S,
        )


def record_interactions(connection: psycopg.Connection[Any], batch: Sequence[Interaction]) -> int:
    """Insert a batch in one transaction and return how many were new.

    What was sent before (same user, offer, kind and time) is kept once.

    Raises
    ------
    InvalidInput
        A user or an offer is unknown; the field names the first such entry, and nothing is kept.
    """
    try:
        return _recorded(connection, batch)
    except psycopg.errors.CheckViolation:
        # A month got its partition while the insert waited on its way to the default one.
        return _recorded(connection, batch)


def _recorded(connection: psycopg.Connection[Any], batch: Sequence[Interaction]) -> int:
    with connection.transaction():
        connection.execute(_STAGE)
        with connection.cursor().copy("copy sent from stdin") as copy:
            for place, sent in enumerate(batch):
                copy.write_row(
                    (
                        place,
                        sent.user_id,
                        sent.offer_id,
                        sent.kind,
                        sent.at,
                        sent.slate_id,
                        sent.value,
                    )
                )
        unknown = connection.execute(_UNKNOWN).fetchone()
        if unknown:
            place, is_user = unknown
            name = "user_id" if is_user else "offer_id"
            value = getattr(batch[place], name)
            raise InvalidInput(f"interactions[{place}].{name}", f"{value!r} is unknown")
        return connection.execute(_INSERT).rowcount
