"""Processes that are forked when their work begins, no more at once than are wanted."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait

from reco.errors import InvalidInput
from training.replay.processes import can_fork, do_own, forked

Work = Callable[[], None]


class Crew:
    """Does one piece of work after another, up to `workers` at the same time.

    What a piece needs is made in the process that forks, while others work; it is not copied. One
    worker, or a system that cannot fork: all is done here.

    Parameters
    ----------
    told
        Called whenever a piece is done.

    Raises
    ------
    InvalidInput
        There is not one worker.
    """

    def __init__(self, workers: int, told: Work) -> None:
        if workers < 1:
            raise InvalidInput("workers", f"{workers} is less than 1")
        self._workers = workers if can_fork() else 1
        self._told = told
        self._running: set[Future[None]] = set()

    def begin(self, work: Work) -> "Future[None]":
        """Begin as soon as there is room; raises what work that has ended meanwhile raised."""
        if self._workers == 1:
            return self._done_here(work)
        while len(self._running) >= self._workers:
            self._wait()
        process = forked(lambda _: work(), 1)
        begun = process.submit(do_own, 0)
        process.shutdown(wait=False)
        self._running.add(begun)
        return begun

    def finish(self) -> None:
        """Wait for all that was begun; raises what it raised."""
        while self._running:
            self._wait()

    def _done_here(self, work: Work) -> "Future[None]":
        done: Future[None] = Future()
        work()
        done.set_result(None)
        self._told()
        return done

    def _wait(self) -> None:
        ended, self._running = wait(self._running, return_when=FIRST_COMPLETED)
        for one in ended:
            one.result()
            self._told()
