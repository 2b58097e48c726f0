"""Work over many pieces by processes that share what is in memory.

Each has one thread for OpenMP and BLAS: there are as many processes as are wanted, and threads that
were there before the fork did not survive it, so that whoever waits for them waits for ever.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from threadpoolctl import threadpool_limits

Work = Callable[[int], None]

_FORK = "fork"
_own_work: list[Work] = []
"""Of a process that was forked to do it; empty in all others."""


def shared_among(pieces: Sequence[int], work: Work, workers: int) -> Iterator[int]:
    """Do `work` of every piece in `workers` forked processes, and yield each when it is done.

    What the processes read is not copied. One worker, or a system that cannot fork: all is done
    here. What a piece raises is raised here; pieces that are not begun are then left undone.
    """
    if workers <= 1 or not can_fork():
        for piece in pieces:
            work(piece)
            yield piece
        return
    with forked(work, workers) as pool:
        waiting = {pool.submit(do_own, piece): piece for piece in pieces}
        try:
            for future in as_completed(waiting):
                future.result()
                yield waiting[future]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def can_fork() -> bool:
    """Say whether this system has processes that share what is in memory."""
    return _FORK in multiprocessing.get_all_start_methods()


def forked(work: Work, workers: int) -> ProcessPoolExecutor:
    """Return processes, forked when the first piece is submitted, whose `do_own` is `work`."""
    # A forked process is handed its work as it is: nothing is pickled.
    return ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context(_FORK), initializer=_begin, initargs=(work,)
    )


def do_own(piece: int) -> None:
    """Do the work of a piece that this process was forked for."""
    _own_work[0](piece)


def _begin(work: Work) -> None:
    threadpool_limits(1)
    _own_work.append(work)
