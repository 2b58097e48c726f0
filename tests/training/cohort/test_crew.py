from functools import partial
from multiprocessing import get_context

import pytest

from reco.errors import InvalidInput
from training.cohort.crew import Crew

TWO = 2


def crew_of(workers):
    told = []
    return Crew(workers, lambda: told.append(1)), told


def test_work_is_done_side_by_side_but_no_more_than_there_are_workers(tmp_path):
    context = get_context("fork")
    together, room = context.Barrier(TWO), context.BoundedSemaphore(TWO)

    def work(name):
        assert room.acquire(block=False)
        together.wait(timeout=120)
        (tmp_path / name).write_text("done")
        room.release()

    crew, told = crew_of(TWO)
    for name in "abcd":
        crew.begin(partial(work, name))
    crew.finish()
    assert sorted(file.name for file in tmp_path.iterdir()) == list("abcd")
    assert len(told) == 4


@pytest.mark.parametrize("workers", [1, TWO])
def test_work_knows_what_is_made_before_it_begins(tmp_path, workers):
    crew, made = crew_of(workers)[0], []
    for number in range(3):
        made.append(number)
        crew.begin(lambda number=number: (tmp_path / str(number)).write_text(str(made)))
    crew.finish()
    assert (tmp_path / "2").read_text() == "[0, 1, 2]"
    assert (tmp_path / "0").read_text() == "[0]"


@pytest.mark.parametrize("workers", [1, TWO])
def test_what_work_raises_is_raised(workers):
    crew, _ = crew_of(workers)
    with pytest.raises(ZeroDivisionError):
        crew.begin(lambda: 1 / 0).result()


@pytest.mark.parametrize("workers", [0, -1])
def test_without_a_worker_nothing_is_begun(workers):
    with pytest.raises(InvalidInput, match="less than 1"):
        crew_of(workers)


def test_what_nobody_waited_for_is_raised_in_the_end():
    crew, _ = crew_of(TWO)
    crew.begin(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        crew.finish()
