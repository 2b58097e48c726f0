"""What calls work in, kept from one call to the next."""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Idle(Generic[T]):
    """Whatever nobody works in just now; calls that run at the same time take one each."""

    def __init__(self) -> None:
        self._kept: deque[T] = deque()

    def take(self) -> T | None:
        """Return the one that was put back last; None: all are in use."""
        # Asking first whether there is one would race with other calls.
        try:
            return self._kept.pop()
        except IndexError:
            return None

    def put(self, one: T) -> None:
        """Keep what a call has ended with as the next one needs it."""
        self._kept.append(one)
