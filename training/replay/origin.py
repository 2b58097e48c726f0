"""What a run is made of, as digests: parts of two runs must never stand in one folder."""

import hashlib
from collections.abc import Iterator

from reco.db.arrays import FOREVER_US
from training.replay.evaluation import Evaluation
from training.replay.past import Past

_DIGEST_BYTES = 16


def origin_of(evaluation: Evaluation) -> dict[str, str]:
    """Return digests of the people, of what is on record, and of the key of the pseudonyms.

    All are keyed: none of them confirms a guess of who was replayed.

    Raises
    ------
    InvalidInput
        There is nobody to replay.
    """
    names = evaluation.past.people.names
    people = "\0".join(names[user] for user in evaluation.users.tolist())
    told = {
        "people_digest": people,
        "past_digest": repr(list(_extent(evaluation.past))),
        "key_digest": "pseudonyms",
    }
    return {name: _digest(text, evaluation.pseudonym_key) for name, text in told.items()}


def _extent(past: Past) -> Iterator[tuple[int, ...]]:
    """Yield counts and last times: whatever is put on record, cancelled or changed moves one."""
    yield len(past.people), len(past.items), len(past.venues), len(past.offers.item)
    columns = (
        past.stocks.created_us,
        past.stocks.cancelled_us,
        past.offers.published_us,
        past.offers.withdrawn_us,
        past.bookings.at_us,
        past.bookings.cancelled_us,
        past.deeds.at_us,
    )
    for column in columns:
        known = column[column < FOREVER_US]
        yield len(column), len(known), int(known.max(initial=0))
    for before in (past.stocks_before, past.offers_before):
        if before is not None:
            yield len(before.until_us), int(before.until_us.max())


def _digest(text: str, key: bytes) -> str:
    hashed = hashlib.blake2b(text.encode(), key=key[:64], digest_size=_DIGEST_BYTES)
    return hashed.hexdigest()
