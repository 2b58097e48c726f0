"""Who belongs to which variant: a salted hash decides, so that nothing is kept of anybody.

The same person is in the same variant on every machine and at every time; under another salt the
variants of all people are drawn anew, so that experiments do not lean on each other (Kohavi, Tang
and Xu 2020, Trustworthy Online Controlled Experiments, chapter 4).
"""

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate

BUCKETS = 10_000


def bucket_of(salt: str, user_id: str) -> int:
    """Return the bucket of a person, from 0 to `BUCKETS` - 1.

    Parameters
    ----------
    user_id
        As on the wire.
    """
    digest = blake2b(f"{salt}\0{user_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % BUCKETS


def shares(weights: Sequence[float]) -> list[int]:
    """Return how many buckets each weight takes; together all of them.

    >>> shares([1.0, 1.0, 1.0])
    [3333, 3334, 3333]
    """
    total = sum(weights)
    ends = [round(BUCKETS * reached / total) for reached in accumulate(weights)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def variant_at(bucket: int, buckets: Sequence[int]) -> int:
    """Return which variant a bucket belongs to, where each takes so many of `buckets` in turn.

    >>> [variant_at(bucket, [2_000, 8_000]) for bucket in (0, 1_999, 2_000, 9_999)]
    [0, 0, 1, 1]
    """
    return bisect_right(list(accumulate(buckets)), bucket)
