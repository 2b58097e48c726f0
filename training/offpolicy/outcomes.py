"""What came of slates on record, in the order in which they were shown: some 70 bytes of each."""

from collections.abc import Iterable, Mapping
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
    rewards: Mapping[str, NDArray[np.bool_]]
    """By name, (S, K)."""

    def __len__(self) -> int:
        return len(self.person)

    @classmethod
    def of(cls, parts: Iterable[Recorded]) -> Self:
        """Put slates together that come in parts of some people each; one part at least."""
        kept: list[Self] = []
        people = 0
        for part in parts:
            kept.append(
                cls(
                    np.array([slate.bytes for slate in part.slate], dtype="S16"),
                    part.at_us,
                    (people + part.person).astype(np.int32),
                    {name: column > 0.0 for name, column in part.rewards.items()},
                )
            )
            people += int(part.person[-1]) + 1
        slate = np.concatenate([one.slate for one in kept])
        at_us = np.concatenate([one.at_us for one in kept])
        order = np.lexsort((slate, at_us))
        return cls(
            slate[order],
            at_us[order],
            np.concatenate([one.person for one in kept])[order],
            {
                name: np.concatenate([one.rewards[name] for one in kept])[order]
                for name in kept[0].rewards
            },
        )

    def ids(self, at: slice) -> list[UUID]:
        """Return the ids of some slates."""
        # Told as bytes they would lose the zeros at their ends.
        return [UUID(bytes=bytes(one)) for one in self.slate[at].view("V16")]

    def period(self, at: slice) -> tuple[datetime, datetime]:
        """Return since when and until when some slates were shown."""
        since_us, until_us = int(self.at_us[at][0]), int(self.at_us[at][-1]) + 1
        return _EPOCH + timedelta(microseconds=since_us), _EPOCH + timedelta(microseconds=until_us)
