"""Imported first, and alone, by the process that workers are forked from: signals are not for it.

Who stops a server may tell all of its processes at once, as a terminal and many a service manager
do. Were this one gone before its workers have answered, their supervisor would take them for dead.
It ends by itself, after its workers and the process that started it.
"""

import os
import signal
from functools import partial

_FOR_WORKERS = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM}

# Blocked, not ignored: what a worker is told before it listens waits for it.
signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_WORKERS)
os.register_at_fork(
    after_in_child=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, _FOR_WORKERS)
)
