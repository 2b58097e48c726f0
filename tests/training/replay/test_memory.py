"""What processes hold together: what they share counts once, and a run says the most of it."""

import multiprocessing
import os
import sys

import numpy as np
import pytest

from training.replay.folder import RunFolder
from training.replay.memory import MemoryWatch, together_mb

SHARED_MB, OWN_MB = 96, 48

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells of it")


def hold(pipe):
    own = np.ones(OWN_MB << 17)
    pipe.send(len(own))
    pipe.recv()


@pytest.fixture
def child():
    """A forked process that has as much as this one, and something of its own."""
    shared = np.ones(SHARED_MB << 17)
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    process = fork.Process(target=hold, args=(theirs,))
    process.start()
    ours.recv()
    yield process
    ours.send(len(shared))
    process.join()


# Python 3.12 warns of any fork where there are threads, be they of the test's own runner.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_what_a_forked_process_shares_counts_once(child, monkeypatch):
    both = together_mb([os.getpid(), child.pid])
    watch = MemoryWatch()
    monkeypatch.setattr("training.replay.memory.status_mb", lambda *_: 0.0)
    watch.look()
    assert watch.most_mb() == 0.0
    watch.look()
    assert watch.most_mb() == pytest.approx(both, abs=8.0)
    child.terminate()
    child.join()
    alone = together_mb([os.getpid(), child.pid])
    assert both - alone == pytest.approx(OWN_MB, abs=SHARED_MB / 4)


def test_a_run_that_went_on_keeps_the_most_of_its_parts(tmp_path):
    kept = RunFolder(tmp_path)
    kept.note_memory(None)
    assert kept.most_mb is None
    for most_mb in (300.0, 500.04, 400.0):
        kept.note_memory(most_mb)
    assert kept.most_mb == 500.0
