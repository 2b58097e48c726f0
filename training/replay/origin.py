"""What a run is made of, as digests: parts of two runs must never stand in one folder."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reco.core.deposits import Deposit
from reco.db.arrays import FOREVER_US, micros
from training.replay.evaluation import Evaluation
from training.replay.past import People

_DIGEST_BYTES = 16
_UNKNOWN = -1
_AMOUNTS = ("amount_cents", "digital_cap_cents", "physical_cap_cents", "offer_limit_cents")

Parts = Iterator[bytes | memoryview]


def origin_of(evaluation: Evaluation) -> dict[str, str]:
    """Return digests of the people, of all that is on record, and of the key of the pseudonyms.

    All are keyed: none of them confirms a guess of who was replayed.

    Raises
    ------
    InvalidInput
        There is nobody to replay.
    """
    past = evaluation.past
    told: dict[str, Parts] = {
        "people_digest": _names(past.people.names[user] for user in evaluation.users.tolist()),
        "past_digest": _told(past),
        "key_digest": iter([b"pseudonyms"]),
    }
    return {name: _digest(parts, evaluation.pseudonym_key) for name, parts in told.items()}


def _told(part: object) -> Parts:
    """Yield all that a part of a past says: arrays as they lie in memory."""
    if isinstance(part, np.ndarray):
        yield f"{part.dtype.str}{part.shape}".encode()
        yield part.tobytes()
    elif isinstance(part, pa.ChunkedArray):
        yield from _texts(part)
    elif isinstance(part, People):
        yield from _people(part)
    elif is_dataclass(part):
        yield from chain.from_iterable(_told(getattr(part, one.name)) for one in fields(part))
    else:
        yield repr(part).encode()


def _texts(column: pa.ChunkedArray) -> Parts:
    """Yield texts with their lengths, in whatever pieces they lie."""
    yield from _told(pc.fill_null(pc.binary_length(column), _UNKNOWN).to_numpy())
    for piece in pc.fill_null(column, "").chunks:
        _, bounds, letters = piece.buffers()
        if len(piece) and letters is not None:
            start, stop = np.frombuffer(bounds, np.int32)[[piece.offset, piece.offset + len(piece)]]
            yield memoryview(letters)[start:stop]


def _people(people: People) -> Parts:
    yield from _names(people.names)
    yield from _told(people.home)
    yield from _deposits(people.deposits)
    # What somebody said at once is in no order.
    for user in sorted(people.tastes):
        yield repr((user, sorted(people.tastes[user]))).encode()


def _names(names: Iterable[str]) -> Parts:
    yield "\0".join(names).encode()


def _deposits(deposits: Mapping[int, Sequence[Deposit]]) -> Parts:
    """Yield deposits column by column: text of each would take many seconds."""
    users = sorted(deposits)
    granted = [deposit for user in users for deposit in deposits[user]]
    columns = [
        users,
        [len(deposits[user]) for user in users],
        *([_known(getattr(one, name)) for one in granted] for name in _AMOUNTS),
        [micros(one.granted_at) for one in granted],
        [FOREVER_US if one.expires_at is None else micros(one.expires_at) for one in granted],
    ]
    for column in columns:
        yield from _told(np.array(column, dtype=np.int64))


def _known(cents: int | None) -> int:
    return _UNKNOWN if cents is None else cents


def _digest(parts: Parts, key: bytes) -> str:
    hashed = hashlib.blake2b(key=key[:64], digest_size=_DIGEST_BYTES)
    for part in parts:
        hashed.update(part)
    return hashed.hexdigest()
