"""How long to wait for what is lent: little where another has just waited in vain."""

import math
import time

PATIENCE_S = 1.5
"""A request that gets nothing within this is told to come back."""
_IMPATIENCE_S = 0.1
"""The same for those that come within `PATIENCE_S` after one waited in vain: a crowd that waits in
turn would wait for long."""


class Patient:
    """A lender that knows whether a request has just waited in vain."""

    _in_vain_at_s = -math.inf
    longest_wait_s = PATIENCE_S

    @property
    def patience_s(self) -> float:
        """How long a request may wait now."""
        has_failed = time.monotonic() - self._in_vain_at_s < PATIENCE_S
        return min(_IMPATIENCE_S, self.longest_wait_s) if has_failed else self.longest_wait_s

    def note(self, *, has_answered: bool) -> None:
        """Remember whether the last request that asked got what it waited for."""
        self._in_vain_at_s = -math.inf if has_answered else time.monotonic()
