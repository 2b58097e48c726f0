"""What came of slates on record, in the order in which they were shown: some 40 bytes of each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from training.offpolicy.recorded import Recorded

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Outcomes:
    """Of S slates, of K positions at most."""

    slate: NDArray[np.bytes_]
    """(S,) ids, of 16 bytes."""
    at_us: NDArray[np.int64]
    """(S,) ascending."""
    person: NDArray[np.int32]
    """(S,) from 0 on."""
    positions: int
    """K"""
    rewards: Mapping[str, NDArray[np.uint8]]
    """By name, a bit for each position."""

    def __len__(self) -> int:
        return len(self.person)

    @classmethod
    def of(cls, parts: Iterable[Recorded]) -> Self:
        """Put slates together that come in parts of some people each; one part at least."""
        slate, at_us, person, people = [], [], [], 0
        bits = defaultdict(list)
        for part in parts:
            slate.append(np.array([one.bytes for one in part.slate], dtype="S16"))
            at_us.append(part.at_us)
            person.append((people + part.person).astype(np.int32))
            people += int(part.person[-1]) + 1
            for name, column in part.rewards.items():
                bits[name].append(np.packbits(column > 0.0, axis=1))
        ids, times = np.concatenate(slate), np.concatenate(at_us)
        order = np.lexsort((ids, times))
        return cls(
            ids[order],
            times[order],
            np.concatenate(person)[order],
            part.propensity.shape[1],
            {name: np.concatenate(column)[order] for name, column in bits.items()},
        )

    def reward(self, name: str, rows: Sequence[int]) -> NDArray[np.float64]:
        """Return what came of some slates, (N, K): 1 or 0."""
        bits = np.unpackbits(self.rewards[name][rows], axis=1, count=self.positions)
        return bits.astype(np.float64)

    def ids(self, at: slice) -> list[UUID]:
        """Return the ids of some slates."""
        # Told as bytes they would lose the zeros at their ends.
        return [UUID(bytes=bytes(one)) for one in self.slate[at].view("V16")]

    def period(self, at: slice) -> tuple[datetime, datetime]:
        """Return since when and until when some slates were shown."""
        since_us, until_us = int(self.at_us[at][0]), int(self.at_us[at][-1]) + 1
        return _EPOCH + timedelta(microseconds=since_us), _EPOCH + timedelta(microseconds=until_us)
