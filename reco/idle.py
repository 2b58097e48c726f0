"""What calls work in, kept from one call to the next."""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST = 4
"""Pieces that are kept: a process seldom computes more at once, and a crowd is soon over."""


class Idle(Generic[T]):
    """Whatever nobody works in just now; calls that run at the same time take one each.

    Of what a crowd has put back only the last few are kept.
    """

    def __init__(self) -> None:
        self._kept: deque[T] = deque(maxlen=_MOST)

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
