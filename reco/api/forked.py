"""Imported first, and alone, by the process that workers are forked from: signals are not for it.

Who stops a server may tell all of its processes at once, as a terminal and many a service manager
do. Were this one gone before its workers have answered, their supervisor would take them for dead.
It ends by itself, with the process that started it.
"""

import os
import signal

_WORKERS = {
    number: signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
}


def _heed() -> None:
    for number, handler in _WORKERS.items():
        signal.signal(number, handler)


os.register_at_fork(after_in_child=_heed)
