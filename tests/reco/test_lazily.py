"""Values that are worked out when they are first asked for."""

import threading

from reco.lazily import lazy


class Thing:
    """Counts how often its value is worked out, and waits for what it is told to."""

    def __init__(self, wait_for=None):
        self.worked_out = 0
        self._wait_for = wait_for

    @lazy
    def value(self):
        """What is worked out."""
        self.worked_out += 1
        return self._wait_for is None or self._wait_for.wait(60.0)


def test_a_value_is_worked_out_once_for_each_object():
    one, other = Thing(), Thing()
    assert one.value
    assert one.value
    assert one.worked_out == 1
    assert other.worked_out == 0
    assert Thing.value.__doc__ == "What is worked out."


def test_one_object_does_not_wait_for_another():
    has_other = threading.Event()
    one, other = Thing(wait_for=has_other), Thing()
    thread = threading.Thread(target=lambda: one.value)
    thread.start()
    assert other.value
    has_other.set()
    thread.join(60.0)
    assert one.value
    assert one.worked_out == 1
