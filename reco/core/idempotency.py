"""Requests that may be sent again: the same key gives the same answer, and is acted on once.

The caller holds the user's row lock, so that two requests of one key come one after the other. What
was decided is kept in the same transaction as what was done, refusals by a rule included; a request
that was not understood (an unknown stock, a bad value) is not: nothing was decided.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import psycopg
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from reco.errors import InvalidInput, RuleBroken, TooMany

KEPT = timedelta(days=30)
"""How long an answer is remembered."""
LONGEST_KEY = 200
MOST_AN_HOUR, MOST_KEPT = 200, 5_000
"""Answers of one person; beyond either no refusal is remembered, nor given."""
_RETRY_AFTER_S = 3_600

RECALL = """
select fingerprint, answer from core.idempotent_request
where key = %(key)s
  and user_id = (select id from core.beneficiary where external_id = %(user_id)s)
"""
_REMEMBER = """
insert into core.idempotent_request (user_id, key, fingerprint, answer, at)
values (%(user)s, %(key)s, %(fingerprint)s, %(answer)s, %(now)s)
"""
_KEPT_OF = """
select count(*), count(*) filter (where at > %(since)s) from (
  select at from core.idempotent_request where user_id = %(user)s limit %(most)s
) kept
"""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Attempt(Generic[Answer]):
    """One request and its key."""

    key: str
    request: tuple[object, ...]
    """What is asked; a key that comes back with something else is a mistake of the caller."""
    kind: TypeAdapter[Answer]
    """How an answer is kept."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.key) <= LONGEST_KEY:
            raise InvalidInput("Idempotency-Key", f"it has 1 to {LONGEST_KEY} characters")

    @property
    def fingerprint(self) -> str:
        """Tells this request from others of the same key."""
        return hashlib.sha256(repr(self.request).encode()).hexdigest()

    def answered(self, found: tuple[str, dict[str, Any]] | None) -> Answer | None:
        """Return the answer in `found` (a row of `RECALL`), None where this is the first attempt.

        Raises
        ------
        RuleBroken
            It was refused by that rule.
        InvalidInput
            The key was used for another request.
        """
        if found is None:
            return None
        fingerprint, answer = found
        if fingerprint != self.fingerprint:
            raise InvalidInput("Idempotency-Key", "it was used for another request; make a new one")
        if "refused" in answer:
            refused = answer["refused"]
            raise RuleBroken(refused["rule"], refused["message"], **refused["by"])
        return self.kind.validate_python(answer["done"])

    def remember(
        self,
        connection: psycopg.Connection[Any],
        user: int,
        outcome: Answer | RuleBroken,
        now: datetime,
    ) -> None:
        """Keep what was decided.

        Raises
        ------
        TooMany
            It is a refusal, and so much is remembered of that person that it is not kept. What was
            done is always kept, at no look at the others.
        """
        if isinstance(outcome, RuleBroken):
            _check_room(connection, user, now)
        kept = {
            "user": user,
            "key": self.key,
            "fingerprint": self.fingerprint,
            "answer": Jsonb(self._written(outcome)),
            "now": now,
        }
        connection.execute(_REMEMBER, kept)

    def _written(self, outcome: Answer | RuleBroken) -> dict[str, Any]:
        if isinstance(outcome, RuleBroken):
            told = {"rule": outcome.rule, "message": str(outcome), "by": outcome.by}
            return {"refused": told}
        return {"done": self.kind.dump_python(outcome, mode="json")}


def _check_room(connection: psycopg.Connection[Any], user: int, now: datetime) -> None:
    asked = {"user": user, "since": now - timedelta(hours=1), "most": MOST_KEPT}
    kept, in_an_hour = connection.execute(_KEPT_OF, asked).fetchall()[0]
    if kept >= MOST_KEPT or in_an_hour >= MOST_AN_HOUR:
        raise TooMany(
            f"More than {MOST_AN_HOUR} bookings of one person were asked for in an hour, or"
            f" {MOST_KEPT} in {KEPT.days} days, and this one is refused.",
            _RETRY_AFTER_S,
        )


def forget_answers(connection: psycopg.Connection[Any], now: datetime) -> int:
    """Drop answers older than `KEPT`; return how many."""
    return connection.execute(
        "delete from core.idempotent_request where at < %s", (now - KEPT,)
    ).rowcount
