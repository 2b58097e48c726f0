"""Arrays as long as the catalogue, lent to one call after the other instead of made in each."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from reco.idle import Idle


class Rooms:
    """Lends arrays, one to each call that runs at the same time, and keeps them between calls."""

    def __init__(self, dtype: DTypeLike = np.float64) -> None:
        self._dtype = dtype
        self._idle = Idle[NDArray[Any]]()

    @contextmanager
    def lent(self, size: int) -> Iterator[NDArray[Any]]:
        """Lend (size,) values: zeros, where whoever borrows leaves zeros.

        What a call has left that failed does not come back.
        """
        room = self._idle.take()
        if room is None or len(room) < size:
            room = np.zeros(size, dtype=self._dtype)
        yield room[:size]
        self._idle.put(room)
